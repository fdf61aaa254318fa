"""What mkdocs does for this site: pictures of `assets/`, and pages that lie beside `docs/`.

Pages link to pictures as the repository has them, so that both the repository and the site show them.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
PICTURES = ("assets/screenshots/*.png", "assets/runs/lab/report/*.png")
BESIDE = {
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
}
LINK = re.compile(r"\]\((?!\w+:|#)([^)\s]+)")


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add what lies outside `docs/`."""
    for picture in (one for pattern in PICTURES for one in sorted(ROOT.glob(pattern))):
        place = picture.relative_to(ROOT).as_posix()
        files.append(File.generated(config, place, abs_src_path=str(picture)))
    for page, source in BESIDE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=moved(text, PurePosixPath(source))))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Point links to the repository's `assets/` at the site's copy."""
    if page.file.src_uri in BESIDE:
        return markdown
    return moved(markdown, PurePosixPath("docs") / page.file.src_uri)


def moved(text: str, source: PurePosixPath) -> str:
    """A page of the repository as a page of the site.

    Args:
        text: its Markdown.
        source: where it lies in the repository.
    """
    return LINK.sub(lambda found: f"]({_link(found[1], source)}", text)


def _link(link: str, source: PurePosixPath) -> str:
    path, mark, anchor = link.partition("#")
    parts = list(source.parent.parts)
    for part in PurePosixPath(path).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    beside = {file: page for page, file in BESIDE.items()}
    target = "/".join(parts).removeprefix("docs/")
    target = beside.get(target, target)
    # From docs/a/b.md, `a/` is one level below the site's root.
    depth = len(source.parts) - 2 if source.parts[0] == "docs" else 0
    return "../" * depth + target + mark + anchor
