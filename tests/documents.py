"""The pages of the documents, and the blocks of code in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(language):
    """Every block of a language, with its page, without the indent of a list."""
    for page in PAGES:
        for indent, name, text in FENCE.findall(page.read_text(encoding="utf-8")):
            if name == language:
                yield page, re.sub(f"^{indent}", "", text, flags=re.MULTILINE)
