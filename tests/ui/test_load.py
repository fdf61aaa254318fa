"""The load benchmark uses the page as browsers do: it warms every part up, and its visitors come and go."""

import pytest

from phoque.conversation import Condition
from phoque.ui import demo
from tests.serving import wait_until
from tests.test_benchmarks import ROOT, loaded
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices

pytestmark = GRADIO_WARNINGS


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return loaded(ROOT / "benchmarks" / "visitors.py")


@pytest.fixture
def visitor(load, url):
    return load.Visitor(7, load.Page(url), 0.0, load.Seen())


def test_the_warm_up_uses_tabs_drawers_every_model_and_the_pressure_test(
    load, visitor, services, monkeypatch
):
    events, used = load.Page.events, []

    def few(page, kind, name="", *, queued=False):
        found = events(page, kind, name, queued=queued)
        return found[:2] if kind == "expand" else found  # the others are drawn in the same way

    send = load.Visitor._send
    monkeypatch.setattr(load.Page, "events", few)
    monkeypatch.setattr(
        load.Visitor,
        "_send",
        lambda self, event, **more: (
            used.append(event["targets"][0][1]) or send(self, event, **more)
        ),
    )
    services.asked.clear()
    visitor.tour()
    assert used.count("select") >= 5
    assert used.count("expand") == 2
    assert set(services.asked[-1].conditions) == set(Condition)
    assert len(services.pressed) == 1
    assert visitor._seen.errors == []


def test_who_leaves_is_forgotten_and_who_comes_has_a_name(visitor, services):
    visitor.come()
    visitor._chat()
    first = visitor._session
    assert services.asked[-1].visitor == first, "what was read is kept as for a browser"
    visitor.come()
    wait_until(lambda: first in services.forgotten)
    assert visitor._session != first
    visitor._open.close()


def test_every_deed_works_and_another_visitors_message_is_an_error(visitor):
    visitor.come()
    for deed in (visitor._chat, visitor._stop, visitor._chat, visitor._drag, visitor._look):
        deed()
    assert visitor._seen.errors == []
    seen = visitor._seen
    assert (seen.runs, seen.stopped, len(seen.quick), len(seen.ended)) == (3, 1, 2, 1)
    visitor._check(["visitor 8 asks: rate my deck"])
    assert visitor._seen.errors == ["visitor 7 saw messages of ['8']"]
    visitor._open.close()


def test_only_so_many_browsers_are_remembered_and_the_newest_are(load, monkeypatch):
    monkeypatch.setattr(demo, "MOST_SESSIONS", 3)
    page = demo.build_demo(FakeServices())
    _, address, _ = page.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **demo.launch_options()
    )
    try:
        visitor = load.Visitor(1, load.Page(address), 0.0, load.Seen())
        for number in range(5):
            visitor._session = f"browser-{number}"
            for event in visitor._page.events("load"):
                visitor._send(event)
        assert [*page.state_holder.session_data] == ["browser-2", "browser-3", "browser-4"]
    finally:
        page.close()
