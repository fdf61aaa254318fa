"""The laws of the house that imports alone do not show; `lint-imports` keeps the others."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAX_LINES = 300
SOURCES = sorted(
    [*ROOT.glob("phoque/**/*.py"), *ROOT.glob("training/**/*.py"), *ROOT.glob("app.py")]
)


def test_the_import_laws_are_kept():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_a_planted_breach_is_found(tmp_path):
    """The contracts read this project's own file, so a copy with a breach must fail."""
    for file in SOURCES:
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (tmp_path / "phoque" / "errors.py").write_text("import gradio\nfrom phoque.ui import demo\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "phoque.errors -> phoque.ui.demo" in done.stdout


def test_every_file_can_be_read_in_one_go():
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in SOURCES}
    assert [str(file) for file, length in lengths.items() if length > MAX_LINES] == []


def test_the_pages_load_without_torch():
    code = "import sys, phoque.ui.demo; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
