"""Copy as Python: what the page copies is run against the library's own face."""

import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest

import phoque
from phoque.config import SHIPPED_RUN, SHIPPED_RUNS
from phoque.lab import Lab
from phoque.opening import open_lab as real_open_lab
from phoque.run.directory import RunDirectory
from phoque.ui.tabs.chat import opening
from tests.ui.fakes import GRADIO_WARNINGS, INJECTION

expect = pytest.importorskip("playwright.sync_api").expect
HOSTILE = f'""" \' \\n {{}} 🦭 \u2028 \\\ntwo {INJECTION}'


@pytest.fixture
def run_python(monkeypatch):
    """Runs Python that opens a lab and asks it; returns what was opened, and the bound arguments."""

    def run(code):
        seen = {}

        def open_lab(*arguments, **named):
            seen["opened"] = inspect.signature(real_open_lab).bind(*arguments, **named)
            return SimpleNamespace(compare=compare)

        def compare(*arguments, **named):
            seen["asked"] = inspect.signature(Lab.compare).bind(None, *arguments, **named).arguments
            return SimpleNamespace(
                **{name: SimpleNamespace(text=name) for name in ("neutral", "toxic", "steered")}
            )

        monkeypatch.setattr(phoque, "open_lab", open_lab)
        exec(compile(code, "copied", "exec"), {})
        return seen["opened"].arguments, seen["asked"]

    return run


@pytest.mark.parametrize(
    ("path", "opened"),
    [
        (SHIPPED_RUN, {}),
        (SHIPPED_RUNS / "pluribus", {"run": SHIPPED_RUNS / "pluribus"}),
        (Path('/elsewhere/of "mine"'), {"run": 'runs/of "mine"'}),
    ],
)
def test_a_run_is_opened_by_a_name_that_holds_elsewhere(run_python, path, opened):
    code = opening(RunDirectory(path)) + '\nlab.compare("Hello.")'
    assert run_python(code)[0] == opened
    assert "/elsewhere" not in code


@pytest.mark.browser
@GRADIO_WARNINGS
def test_the_copied_call_asks_what_the_page_asks(page, run_python, capsys):
    copy = page.get_by_role("button", name="Copy as Python")
    status = page.locator(".ph-status")
    copy.click()
    expect(status).to_contain_text("There is no message to copy yet")
    page.get_by_label("Your message").fill(HOSTILE)
    page.locator("#ph-scale input[type=range]").press("ArrowRight")
    copy.click()
    expect(status).to_contain_text("Python copied")
    opened, asked = run_python(page.evaluate("navigator.clipboard.readText()"))
    assert opened == {"run": "runs/no-such-run"}
    facts = {"scale": 1.05, "layer": 18, "seed": 42, "temperature": 0.6, "max_new_tokens": 48}
    assert asked == {"self": None, "prompt": HOSTILE, **facts}
    assert capsys.readouterr().out == "neutral\ntoxic\nsteered\n"
    page.get_by_role("button", name="New here").click()  # asked live: nothing was recorded
    expect(page.locator(".ph-now .ph-checks")).to_have_count(3)  # nothing more is said of it
    page.get_by_label("Your message").fill("")
    copy.click()
    expect(status).to_contain_text("Python copied")
    assert (
        run_python(page.evaluate("navigator.clipboard.readText()"))[1]["prompt"] == "Hi, I am new!"
    )
