"""Imports flow one way, and each outside thing has one home; docs/architecture.md has the picture."""

import ast
import subprocess
import sys
from collections.abc import Container, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_LINES = 300

# From the ground up: a module imports from its own floor or from below. The longest name decides.
FLOORS = (
    (
        "errors",
        "records",
        "config",
        "files",
        "inputs",
        "progress",
        "presets",
        "lexicon",
        "personas",
    ),
    (
        "evidence.rates",
        "evidence.paired",
        "evidence.text",
        "evidence.runs",
        "evidence.needs",
        "lab_info",
    ),
    ("steering.hooks", "packed", "sampling"),
    ("models",),
    ("decoders",),
    ("engine",),
    ("steering",),
    ("lab",),
    ("opening",),
    ("corpora", "finetuning", "moderation"),
    ("evidence", "serving", "hub"),
    ("psm", "sae", "pipeline"),
    ("report",),
    ("__main__",),
    ("",),  # the shelf, phoque/__init__.py, which loads its names lazily
    ("ui",),
)
# Modules under the key may not import what it lists.
FORBIDDEN = {
    "phoque": ("training", "app", "tests", "benchmarks", "tools"),
    "phoque.report": ("torch", "transformers", "peft"),
    "phoque.ui": ("torch", "transformers", "peft", "huggingface_hub"),
    "training": ("training", "app", "tests", "phoque.ui"),
}
# Only modules under one of the names may touch the key.
HOMES = {
    "gradio": ("phoque.ui",),
    "spaces": ("phoque.ui", "app"),
    "huggingface_hub": ("phoque.hub",),
    "trl": ("phoque.finetuning",),
    "argparse": (
        "phoque.__main__",
        "training.__main__",
        "training.compare",
        "training.jobs",
        "training.pipeline",
        "training.push",
    ),
    "datasets": ("phoque.finetuning", "phoque.corpora.reading"),
    "matplotlib": ("phoque.report.drawing",),
    # Read strictly, up to a limit of our own, in one place.
    "csv.reader": ("phoque.inputs",),
    "csv.DictReader": (),
    "csv.field_size_limit": ("phoque.inputs",),
    "os.environ": ("phoque.config",),
    "os.getenv": ("phoque.config",),
}


def test_imports_flow_one_way():
    assert list(breaches(ROOT)) == []


PLANTED = {
    "phoque/errors.py": ("from phoque.models import load", "phoque.errors imports phoque.models"),
    "phoque/lab.py": ("def f():\n    import phoque.ui.demo", "phoque.lab imports phoque.ui.demo"),
    "phoque/attic.py": ("", "phoque.attic stands on no floor"),
    "phoque/sae/train.py": ("import training.corpus", "phoque.sae.train imports training.corpus"),
    "phoque/ui/page.py": ("import torch.nn", "phoque.ui.page imports torch.nn"),
    "phoque/engine.py": ("import gradio as gr", "phoque.engine imports gradio"),
    "phoque/lexicon.py": ("from .errors import PhoqueError", "relative import"),
    "phoque/personas.py": ("import os\nos.environ['A']", "phoque.personas uses os.environ"),
    "phoque/presets.py": ("from os import getenv", "phoque.presets imports os.getenv"),
    "phoque/models/load.py": ("import huggingface_hub", "imports huggingface_hub"),
    "phoque/records.py": ("\n" * (MAX_LINES + 1), "phoque.records has 301 lines"),
    "training/psm.py": ("from training import corpus", "training.psm imports training"),
    "phoque/evidence/runs.py": ("import argparse", "phoque.evidence.runs imports argparse"),
    "phoque/moderation/labelled.py": ("import csv\ncsv.DictReader([])", "uses csv.DictReader"),
    "phoque/corpora/reading.py": ("from csv import reader", "imports csv.reader"),
    "app.py": ("import gradio", "app imports gradio"),
}


@pytest.mark.parametrize("path", PLANTED)
def test_a_planted_breach_is_found(tmp_path, path):
    source, message = PLANTED[path]
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source)
    assert any(message in found for found in breaches(tmp_path))


def test_a_clean_tree_has_no_breach(tmp_path):
    (tmp_path / "phoque" / "ui").mkdir(parents=True)
    (tmp_path / "phoque" / "errors.py").write_text("import json\n")
    (tmp_path / "phoque" / "engine.py").write_text("import torch\nfrom phoque import errors\n")
    (tmp_path / "phoque" / "ui" / "demo.py").write_text("import gradio\nimport phoque\n")
    assert list(breaches(tmp_path)) == []


def test_the_pages_load_without_torch():
    code = "import sys, phoque.ui.demo; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def breaches(root: Path) -> Iterator[str]:
    """Every broken rule in the sources under `root`, as one sentence each."""
    files = {module_of(file, root): file for file in sources(root)}
    for module, file in files.items():
        text = file.read_text(encoding="utf-8")
        if (length := len(text.splitlines())) > MAX_LINES:
            yield f"{module} has {length} lines, more than {MAX_LINES}"
        if under(module, "phoque") and floor_of(module) is None:
            yield f"{module} stands on no floor: give it one in FLOORS"
        for node in ast.walk(ast.parse(text)):
            for verb, used in uses(node, files):
                if not allowed(module, used):
                    yield f"{module} {verb} {used}, line {node.lineno}"


def sources(root: Path) -> list[Path]:
    return sorted(
        [*root.glob("phoque/**/*.py"), *root.glob("training/**/*.py"), *root.glob("app.py")]
    )


def module_of(file: Path, root: Path) -> str:
    return ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def uses(node: ast.AST, modules: Container[str]) -> Iterator[tuple[str, str]]:
    """What a syntax node imports or reads, by its full name."""
    match node:
        case ast.Import(names):
            yield from (("imports", name.name) for name in names)
        case ast.ImportFrom(level=level) if level:
            yield "has a relative import of", "."
        case ast.ImportFrom(module, names):
            for full in (f"{module}.{name.name}" for name in names):
                # `from package import module` imports the module, `from module import name` not.
                yield "imports", full if full in modules or full in HOMES else str(module)
        case ast.Attribute(ast.Name(owner), attribute) if f"{owner}.{attribute}" in HOMES:
            yield "uses", f"{owner}.{attribute}"


def allowed(module: str, used: str) -> bool:
    if used == "." or any(
        under(module, place) and under(used, name)
        for place, names in FORBIDDEN.items()
        for name in names
    ):
        return False
    if any(
        under(used, name) and not any(under(module, home) for home in homes)
        for name, homes in HOMES.items()
    ):
        return False
    # The shelf names every room, but loads them only when asked.
    if module == "phoque" or not (under(module, "phoque") and under(used, "phoque")):
        return True
    own, other = floor_of(module), floor_of(used)
    return own is None or other is None or other <= own


def floor_of(module: str) -> int | None:
    """Height of a module of the library, by the longest name that contains it."""
    inner = module.removeprefix("phoque").removeprefix(".")
    found = [
        (len(name), floor)
        for floor, names in enumerate(FLOORS)
        for name in names
        if (under(inner, name) if name else not inner)
    ]
    return max(found)[1] if found else None


def under(module: str, place: str) -> bool:
    return module == place or module.startswith(f"{place}.")
