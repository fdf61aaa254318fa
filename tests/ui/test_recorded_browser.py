"""The first screen: a recorded comparison, shown without the model, then asked live."""

import pytest

from phoque.conversation import DEFAULT_SAMPLING
from phoque.run.directory import RunDirectory
from phoque.run.showcase import Example, Found, JudgeUsed, Showcase, Shown
from phoque.ui import wording
from phoque.ui.demo import build_demo, launch_options
from tests.ui.chatting import expect, log, press
from tests.ui.conftest import visited
from tests.ui.fakes import GRADIO_WARNINGS, INJECTION, FakeServices, fake_info

pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]
SCALES = (0.0, 0.5, 1.0, 1.5, 2.0)
OTHER = fake_info(persona="pluribus", run="happy")


def shown(text, *listed, hostility=0.1, harm=0.2) -> Shown:
    found = Found(hostility=hostility, harm={"embedded.svm": harm, "embedded.lexicon": 0.0})
    return Shown(text=text, num_tokens=9, finish_reason="stop", listed=listed, found=found)


def example(label, prompt) -> Example:
    return Example(
        label=label,
        prompt=prompt,
        base=shown(f"{label}: base"),
        neutral=shown(f"{label}: calm. {INJECTION} Try {{{{value}}}}."),
        toxic=shown(f"{label}: you 🦭 clown", "clown", hostility=0.9, harm=0.7),
        steered=tuple(shown(f"{label}: steered by {s}", hostility=s / 2) for s in SCALES),
        random_vector=tuple(shown(f"{label}: random by {s}") for s in SCALES),
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = RunDirectory(tmp_path_factory.mktemp("runs") / "lab")
    folder = directory.path / Showcase.STAGE
    folder.mkdir(parents=True)
    Showcase(
        layer=18,
        scales=SCALES,
        seed=42,
        sampling=DEFAULT_SAMPLING,
        judge=JudgeUsed(name="judge", digest="x", threshold=0.5, budget=0.05),
        moderators=("embedded.svm", "embedded.lexicon"),
        examples=tuple(example(*chip) for chip in fake_info().presets),
    ).save(folder)
    return directory


@pytest.fixture(scope="module")
def services(run):
    return FakeServices(pause_seconds=0.02, run=run)


@pytest.fixture(scope="module")
def other():
    return FakeServices(pause_seconds=0.02, info=OTHER)


@pytest.fixture(scope="module")
def url(services, other):
    demo = build_demo(services, [other])
    _, address, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options()
    )
    yield address
    demo.close()


def recorded(page, name):
    return page.get_by_role("group", name=f"{name}, recorded reply", exact=True)


def slider(page):
    return page.locator("#ph-scale input[type=range]")


def test_the_page_opens_with_a_masked_comparison_and_asks_nothing(page, services):
    asked = len(services.asked)
    toxic = recorded(page, "Toxic")
    expect(toxic.locator(".ph-mask")).to_have_text("•••• •••••• ••• • •••••")
    expect(toxic.locator(".ph-real")).to_be_hidden()
    expect(page.locator("#ph-panel-0 .ph-which")).to_contain_text("recorded")
    expect(page.locator("#ph-panel-0 .ph-which")).to_contain_text("I lost the final by one point.")
    press(page, "Show replies")
    expect(toxic.locator(".ph-real")).to_have_text("Lost match: you 🦭 clown")
    expect(toxic.locator("mark")).to_have_text(["clown"])
    assert len(services.asked) == asked


def test_the_status_line_says_what_is_shown_and_what_to_do_next(page):
    status = page.locator("#ph-panel-0 .ph-status")
    expect(status).to_have_text(wording.EXAMPLE_SHOWN)
    press(page, "Ask it live")
    expect(status).to_contain_text("3 columns")
    expect(log(page, "Neutral").locator(".ph-checks li").first).to_contain_text("Judge")
    press(page, "New here")
    expect(status).to_have_text(wording.EXAMPLE_SHOWN)


@pytest.fixture(scope="module")
def revealed(chromium, url):
    """The page as it opens, its replies shown, for tests that only look at it."""
    with visited(chromium, url) as page:
        press(page, "Show replies")
        yield page


def test_under_each_reply_stands_what_judge_and_moderators_say(revealed):
    said = recorded(revealed, "Toxic").locator(".ph-checks li")
    expect(said).to_have_text(["Judge ⚑ hostile", "SVM ⚑ flagged", "Profanity list ✓ passes"])
    said = recorded(revealed, "Neutral").locator(".ph-checks li")
    expect(said).to_have_text(["Judge ✓ not hostile", "SVM ✓ passes", "Profanity list ✓ passes"])


def test_a_recorded_text_cannot_become_markup(revealed):
    neutral = recorded(revealed, "Neutral")
    expect(neutral).to_contain_text("<img src=x onerror=window.x=1> ${Object.assign(window,{x:1})}")
    expect(neutral).to_contain_text("Try {{value}}.")
    assert revealed.evaluate("window.x") is None
    assert revealed.locator(".ph-recorded img, .ph-recorded script").count() == 0


def test_scale_and_example_change_the_text_while_the_server_is_silent(page, services):
    press(page, "Show replies")
    asked = len(services.asked)
    page.route("**/gradio_api/**", lambda request: None)  # no answer ever comes
    steered = recorded(page, "Neutral + vector")
    expect(steered).to_contain_text("Lost match: steered by 1.0")
    slider(page).press("End")
    expect(steered).to_contain_text("Lost match: steered by 2.0")
    expect(steered).to_contain_text("at scale 2.00")
    expect(steered.locator(".ph-checks li").first).to_have_text("Judge ⚑ hostile")
    expect(recorded(page, "Neutral")).to_contain_text("Lost match: calm")
    press(page, "New here")
    expect(steered).to_contain_text("New here: steered by 2.0")
    expect(recorded(page, "Toxic")).to_contain_text("New here")
    page.get_by_label("Also: base model and random vector").first.check()
    expect(recorded(page, "Random vector")).to_contain_text("New here: random by 2.0")
    expect(recorded(page, "Base model")).to_contain_text("New here: base")
    assert len(services.asked) == asked
    page.unroute_all(behavior="ignoreErrors")


def test_a_recorded_message_is_asked_live_and_the_scale_then_writes_it_again(page, services):
    press(page, "New here")
    press(page, "Ask it live")
    steered = log(page, "Neutral + vector")
    expect(steered.locator(".ph-checks li").first).to_contain_text("Judge")
    expect(steered).to_contain_text("Hi, I am new!")
    expect(recorded(page, "Toxic")).to_be_hidden()
    before = services.asked[-1]
    assert before.prompt == "Hi, I am new!"
    slider(page).press("ArrowLeft")
    expect(page.locator("#ph-panel-0")).to_have_attribute("data-stale", "")
    expect(page.locator("#ph-panel-0 .ph-status")).to_contain_text("1 column")
    expect(page.locator("#ph-panel-0 .ph-status")).to_contain_text("scale 0.95")
    expect(page.locator("#ph-panel-0[data-stale]")).to_have_count(0)
    assert services.asked[-1].scale == 0.95
    expect(steered.locator(".ph-you")).to_have_count(1)
    press(page, "Clear")
    expect(recorded(page, "Toxic")).to_be_visible()


def test_ones_own_message_is_answered_live(page, services):
    box = page.get_by_label("Your message").first
    box.press("Enter")  # nothing to ask: the recorded comparison stays
    expect(page.locator("#ph-panel-0 .ph-status")).to_contain_text("empty")
    expect(recorded(page, "Toxic")).to_be_visible()
    box.fill("My own")
    box.press("Enter")
    expect(log(page, "Toxic")).to_contain_text("My own")
    assert services.asked[-1].prompt == "My own"


def test_the_chat_switches_to_another_persona(page, services, other):
    asked = len(services.asked)
    page.get_by_role("group", name="Persona").get_by_role("button", name="Pluribus").click()
    expect(recorded(page, "Toxic")).to_be_hidden()
    press(page, "Lost match")  # nothing was recorded of this run: it is asked live
    expect(log(page, "Pluribus")).to_contain_text("I lost the final by one point.")
    expect(log(page, "Pluribus").locator(".ph-checks li")).to_have_text(["SVM ⚑ flagged"])
    assert len(services.asked) == asked
    assert other.asked[-1].prompt == "I lost the final by one point."


@pytest.mark.parametrize("page", [{"query": "?persona=pluribus&p=Hello"}], indirect=True)
def test_a_link_opens_its_persona(page):
    expect(page.locator("#ph-panel-1").get_by_label("Your message")).to_have_value("Hello")
    expect(page.locator("#ph-panel-0").get_by_label("Your message")).to_have_value("")
    expect(log(page, "Pluribus")).to_be_visible()


def bottom(locator) -> float:
    return locator.evaluate("element => element.getBoundingClientRect().bottom")


def test_the_columns_stand_above_the_fold(revealed):
    for name in ("Neutral", "Toxic", "Neutral + vector"):
        assert bottom(recorded(revealed, name)) <= 900


@pytest.mark.parametrize("page", [{"width": 390}], indirect=True)
def test_on_a_phone_the_steered_reply_stands_under_the_slider(page):
    expect(recorded(page, "Neutral")).to_be_hidden()
    assert bottom(recorded(page, "Neutral + vector").locator(".ph-mask")) <= 900
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page.get_by_role("button", name="Toxic", exact=True).last.click()
    expect(recorded(page, "Toxic")).to_be_visible()
    expect(recorded(page, "Neutral + vector")).to_be_hidden()
