"""The laws of the house that imports alone do not show; `lint-imports` keeps the others."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_LINES = 300
MOST_SHARED = 12
SOURCES = sorted(
    [*ROOT.glob("phoque/**/*.py"), *ROOT.glob("training/**/*.py"), *ROOT.glob("app.py")]
)
OPEN = {"dict", "Mapping", "MutableMapping"}
"""Of them, those whose values may be anything say nothing about what they hold."""
FREE = {
    # Another's form: Plotly's figures, Gradio's options, OpenAI's protocol, a tracker's rows, hit logs.
    "phoque/figures/style.py",
    "phoque/run/hits.py",
    "phoque/serving/reply.py",
    "phoque/ui/demo.py",
    "phoque/ui/endpoint.py",
    "phoque/ui/events.py",
    "phoque/ui/state.py",
    "phoque/ui/tabs/planning.py",
    # Any row, any cell, any option: where files and command lines are read and written.
    "phoque/cli/run/stage.py",
    "phoque/conversation.py",
    "phoque/run/record.py",
    "phoque/run/steps.py",
    "phoque/stages/corpus/reading.py",
    # Arguments and files of libraries: transformers, pickle, safetensors.
    "phoque/models/pretrained.py",
    "phoque/models/tiny.py",
    "phoque/moderators/pickles.py",
}
"""Modules that may speak in open dictionaries, and why."""


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


def test_no_two_places_share_more_than_twelve_lines():
    seen = {}
    twice = set()
    for file in SOURCES:
        lines = statements(file.read_text(encoding="utf-8"))
        for start in range(len(lines) - MOST_SHARED):
            place = (str(file.relative_to(ROOT)), lines[start][0])
            window = tuple(text for _, text in lines[start : start + MOST_SHARED + 1])
            if seen.setdefault(window, place) != place:
                twice.add((seen[window], place))
    assert twice == set()


def statements(source):
    """Number and text of every line of code: no blanks, comments, imports or docstrings."""
    tree = ast.parse(source)
    left_out = set()
    for node in ast.walk(tree):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if text or isinstance(node, ast.Import | ast.ImportFrom):
            left_out |= {*range(node.lineno, node.end_lineno + 1)}
    return [
        (number, line.strip())
        for number, line in enumerate(source.splitlines(), 1)
        if number not in left_out and line.strip() and not line.strip().startswith("#")
    ]


def test_the_pages_load_without_torch():
    code = "import sys, phoque.ui.demo; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f(x: dict[str, Any]): ...", ["f(x)"]),
        ("def f(*, x: Sequence[Mapping[str, object]] | None = None) -> int: ...", ["f(x)"]),
        (
            "class A:\n    def f(self) -> dict[str, Any]: ...\n    x: dict[str, Any]",
            ["A.f()", "A.x"],
        ),
        ("Plain = dict[str, Any]", ["Plain"]),
        ("def _f(x: dict[str, Any]): ...\ndef f(x: dict[str, int]) -> Any: ...", []),
    ],
)
def test_open_dictionaries_are_found(code, found):
    assert [name for name, _ in _open(ast.parse(code).body)] == found


def test_no_open_dictionary_crosses_a_room():
    """Results travel as records: a public signature, field or name says what it holds."""
    told = {
        str(file.relative_to(ROOT)): [name for name, _ in _open(ast.parse(file.read_text()).body)]
        for file in SOURCES
    }
    told = {file: names for file, names in told.items() if names}
    assert {file: names for file, names in told.items() if file not in FREE} == {}
    assert FREE - set(told) == set(), "needs no exception any more: take it out of the list"


def _open(body: list[ast.stmt], within: str = "") -> Iterator[tuple[str, ast.expr]]:
    """Public names with a type that is an open dictionary, or holds one."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _open(node.body, f"{within}{node.name}.")
        for name, told in _told(node):
            private = name.startswith("_") and not name.startswith("__")
            if not private and any(map(_says_nothing, ast.walk(told))):
                yield f"{within}{name}", told


def _told(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Every name that a statement gives a type, with the type."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        given = node.args
        for one in [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg]:
            if one and one.annotation:
                yield f"{node.name}({one.arg})", one.annotation
        if node.returns:
            yield f"{node.name}()", node.returns
    elif isinstance(node, ast.AnnAssign):
        yield ast.unparse(node.target), node.annotation
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp):
        yield ast.unparse(node.targets[0]), node.value


def _says_nothing(told: ast.AST) -> bool:
    if not isinstance(told, ast.Subscript) or not isinstance(told.slice, ast.Tuple):
        return False
    return ast.unparse(told.value) in OPEN and ast.unparse(told.slice.elts[-1]) in {"Any", "object"}
