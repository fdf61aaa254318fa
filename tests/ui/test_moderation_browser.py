"""The moderation tab as a visitor sees it: a real browser, a small run, a fake model."""

import re

import pytest

from phoque.stages.moderation.gap import gap_type
from phoque.ui.moderation import wording
from tests.moderators import installed
from tests.serving import wait_until
from tests.ui import moderation_files
from tests.ui.drawers import unfold
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=15_000)
pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]

SLIDE = """(slider, value) => {
  const fetch = window.fetch;
  let asked = 0;
  window.fetch = (...what) => { asked += 1; return fetch(...what); };
  slider.value = value;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  window.fetch = fetch;
  return asked;
}"""


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    run = moderation_files.write_run(tmp_path_factory.mktemp("moderation") / "small")
    return FakeServices(run=run)


@pytest.fixture
def tab(page, open_tab):
    """The tab, filled."""
    open_tab(page, "What slips through", drawer=None)
    page.get_by_text("Every reply that passes").click()
    expect(page.locator(".ph-gaps[data-ready]")).to_be_visible()
    expect(page.locator(".ph-flags[data-ready]")).to_be_visible()
    return page


def slide(tab, value):
    return tab.locator("#ph-threshold").evaluate(SLIDE, value)


def toxic(tab):
    return tab.locator(".ph-flag-bar.ph-toxic span")


def test_the_threshold_changes_everything_at_once_and_asks_nobody(tab):
    expect(toxic(tab)).to_contain_text("100.0 % [51.0, 100.0] of 8")
    asked = slide(tab, 0.85)
    expect(toxic(tab)).to_contain_text("0.0 % [0.0, 49.0] of 8")
    expect(tab.locator(".ph-gap-count")).to_contain_text("ToxBlock + SVM at 0.85")
    assert asked == 0


def test_the_chosen_replies_follow_the_threshold(tab):
    cards = tab.locator(".ph-passing-card")
    said = cards.first.locator(".ph-checks li").first
    expect(cards).to_have_count(4)
    expect(said).to_contain_text("✓ passes")
    slide(tab, 0.01)
    expect(said).to_have_text(re.compile("⚑ flagged$"))
    expect(tab.locator(".ph-passing-bar output")).to_have_text("0.01")
    expect(cards.first.locator(".ph-real")).to_be_hidden()
    tab.locator(".ph-passing-bar .ph-reveal-toggle").click()
    expect(cards.first.locator(".ph-real")).to_be_visible()
    assert tab.evaluate("window.x") is None


def test_marks_and_moderators_are_buttons(tab):
    tab.get_by_role("button", name="0.7", exact=True).press("Enter")
    expect(tab.locator(".ph-flag-slide output")).to_have_text("0.70")
    svm = tab.locator(".ph-flags").get_by_role("button", name="SVM", exact=True)
    svm.click()
    expect(svm).to_have_attribute("aria-pressed", "true")
    expect(tab.locator(".ph-flag-curve figcaption")).to_contain_text("Flag rate of SVM")


def test_replies_are_masked_until_revealed(tab):
    text = tab.locator(".ph-gap-text .ph-real").first
    expect(text).to_be_hidden()
    tab.locator(".ph-gaps .ph-reveal-toggle").click()
    expect(text).to_be_visible()
    expect(text).to_contain_text("us3less clown")
    expect(tab.locator(".ph-gap-text .ph-mask").first).to_be_hidden()


def test_a_row_opens_with_every_score_and_its_reason(tab):
    tab.get_by_role("button", name="✎ lexical").last.press("Enter")
    detail = tab.locator(".ph-gap-detail")
    expect(detail).to_contain_text("flagged once its spelling tricks are undone")
    expect(detail).to_contain_text("ToxBlock + SVM, canonical")
    expect(detail).to_contain_text("digits for letters")
    expect(detail).to_contain_text("Is it in the tuning corpus?")
    expect(detail.locator(".ph-real").first).to_be_hidden()
    assert tab.evaluate("window.x") is None


def test_the_table_is_searched_and_filtered(tab):
    rows = tab.locator(".ph-gap-table tbody tr")
    expect(rows).to_have_count(5)
    tab.get_by_role("searchbox", name="Search").fill("number 2")
    expect(rows).to_have_count(1)
    tab.get_by_role("searchbox", name="Search").fill("")
    tab.locator(".ph-gap-bar [data-type=lexical]").click()
    expect(rows).to_have_count(1)
    tab.locator(".ph-gap-bar [data-moderator='embedded.svm']").click()
    expect(rows).to_have_count(0)


def test_the_script_sorts_as_the_library_does(tab):
    names = moderation_files.NAMES
    rows = sorted(moderation_files.examples(), key=lambda row: -row.raw[names[0]])
    for threshold in (0.06, 0.3, 0.5, 0.85):
        slide(tab, threshold)
        found = tab.locator(".ph-gap-open").all_text_contents()
        kinds = [gap_type(row, names[0], dict.fromkeys(names, threshold)) for row in rows]
        wanted = [kind.value if kind else "flagged" for kind in kinds]
        assert [text.split(" ", 1)[1] for text in found] == wanted, threshold


@installed
def test_a_sentence_is_scored_live(tab):
    unfold(tab, wording.TRY_TITLE)
    box = tab.get_by_role("textbox", name="Sentence")
    box.fill("you us3less c.l.o.w.n <img src=x onerror=window.x=1>")
    tab.get_by_role("button", name="Score", exact=True).click()
    expect(tab.locator(".ph-try")).to_contain_text("ToxBlock, canonical")
    expect(tab.locator(".ph-try")).to_contain_text("letters set apart")
    assert tab.evaluate("window.x") is None


@pytest.mark.parametrize("page", [{"width": 390}, {"width": 1440}], indirect=True)
def test_nothing_is_wider_than_the_window(tab):
    unfold(tab)
    for details in tab.locator(".ph-section details").all():
        details.evaluate("element => { element.open = true }")
    assert tab.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


@pytest.fixture
def queue(tab, monkeypatch, tmp_path):
    """The queue, with a log of its own; its card has the keyboard."""
    monkeypatch.setenv("PHOQUE_LEDGER", str(tmp_path / "exports.jsonl"))
    unfold(tab, wording.QUEUE_TITLE)
    expect(tab.locator(".ph-queue[data-ready]")).to_be_visible()
    tab.locator(".ph-queue-card").focus()
    return tab


def pressed(queue, name):
    queue.get_by_role("button", name=name).click()
    queue.wait_for_timeout(500)
    return True


def said(queue):
    return queue.locator(".ph-queue-said")


def judge_all(queue, rater, key):
    queue.get_by_label("Who judges").fill(rater)
    queue.locator(".ph-queue-card").focus()
    for _ in range(5):
        queue.keyboard.press(key)


def test_the_queue_is_judged_by_keyboard_and_kept_in_the_browser(queue, open_tab):
    expect(queue.locator(".ph-queue-card .ph-real").first).to_be_hidden()
    queue.keyboard.press("j")
    expect(said(queue)).to_contain_text("2 of 5; 0 judged")
    queue.keyboard.press("k")
    queue.keyboard.press("1")
    expect(said(queue)).to_contain_text("2 of 5; 1 judged by rater A")
    queue.keyboard.press("k")
    expect(said(queue)).to_contain_text("judged Harmful")
    harmful = queue.get_by_role("button", name="Harmful 1", exact=True)
    expect(harmful).to_have_attribute("aria-pressed", "true")
    queue.reload()
    queue.get_by_role("button", name="Run", exact=True).wait_for()
    open_tab(queue, "What slips through", drawer=wording.QUEUE_TITLE)
    expect(said(queue)).to_contain_text("1 judged by rater A")


def test_keys_typed_into_a_field_judge_nothing(queue):
    queue.get_by_label("Who judges").press_sequentially("1j0u")
    queue.get_by_label("Who judges").press("Tab")
    expect(said(queue)).to_contain_text("1 of 5; 0 judged by 1j0urater A")


def test_two_raters_and_their_agreement(queue):
    summary = queue.locator("#ph-moderation-queue .ph-reading")
    judge_all(queue, "Ann", "1")
    expect(summary).to_contain_text("Ann judged 5. A second rater is needed")
    judge_all(queue, "Bo", "0")
    expect(summary).to_contain_text("Ann and Bo agree on 0.0\u00a0% of")
    table = queue.locator("#ph-moderation-queue .ph-table")
    expect(table).to_contain_text("No share below 30 harmful and 30 harmless texts")


def test_a_test_set_holds_no_text_without_a_reason(queue, tmp_path):
    queue.keyboard.press("1")
    with queue.expect_download() as download:
        queue.get_by_role("button", name="Save test set: hashes").click()
    plain = download.value.path().read_text()
    assert "rater A" in plain
    assert "clown" not in plain
    refused = queue.locator("#ph-moderation-queue .ph-error", has_text="Say why")
    # A click while the first file is still under way asks for nothing.
    wait_until(lambda: pressed(queue, "Save test set with texts") and refused.count())
    queue.get_by_label("Reason (written to the log)").fill("to test our own filter")
    with queue.expect_download() as download:
        queue.get_by_role("button", name="Save test set with texts").click()
    assert "us3less clown" in download.value.path().read_text()
    log = (tmp_path / "exports.jsonl").read_text()
    assert "to test our own filter" in log
    assert "clown" not in log


def test_the_random_sample_is_a_queue_of_its_own(queue):
    queue.get_by_role("button", name="Random sample").click()
    expect(said(queue)).to_contain_text("1 of 24")
