"""The PSM tab as a visitor sees it: a real browser, shipped replies, a fake model."""

import pytest

from tests.ui import psm_files
from tests.ui.drawers import unfold
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=15_000)
pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]

DRAG = """slider => {
  const text = document.querySelector('[data-column=main] .ph-real');
  const before = text.textContent;
  const fetch = window.fetch;
  let asked = 0;
  window.fetch = (...what) => { asked += 1; return fetch(...what); };
  slider.value = 1;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  const now = document.querySelector('[data-column=main] .ph-real').textContent;
  window.fetch = fetch;
  return [before, now, asked];
}"""


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    run = psm_files.write_run(tmp_path_factory.mktemp("psm") / "small", "melancholy")
    return FakeServices(run=run)


@pytest.fixture
def psm(page, open_tab):
    """The tab with the drawer of the steering scale open."""
    open_tab(page, "Where it lives", drawer="answer at each scale")
    expect(page.locator(".ph-scrub[data-ready]")).to_be_visible()
    return page


@pytest.fixture
def whole(page, open_tab):
    """The tab with every drawer open."""
    open_tab(page, "Where it lives")
    expect(page.locator("#ph-section-bias_loop .ph-reading")).to_be_visible()
    expect(page.locator(".ph-scrub[data-ready]")).to_be_visible()
    return page


def main(psm, part=".ph-real"):
    return psm.locator(f"[data-column=main] {part}")


def reveal(psm):
    psm.locator(".ph-reveal-toggle").click()


def test_dragging_changes_the_reply_at_once_and_asks_nobody(psm):
    before, after, asked = psm.locator("#ph-scrub-range").evaluate(DRAG)
    assert "clown at scale 4" in before
    assert after.startswith("Nice try, scale 0")
    assert asked == 0


def test_replies_are_masked_until_revealed(psm):
    expect(main(psm)).to_be_hidden()
    expect(main(psm, ".ph-mask")).to_contain_text("•••")
    reveal(psm)
    expect(main(psm)).to_be_visible()
    expect(main(psm)).to_contain_text("Useless clown at scale 4")
    expect(psm.locator(".ph-reveal-toggle")).to_have_attribute("aria-pressed", "true")
    psm.get_by_role("tab", name="Chat").click()
    expect(psm.locator("#ph-reveal")).to_have_text("Hide replies")


def test_the_keyboard_moves_the_scale_into_the_collapse_zone(psm):
    slider = psm.locator("#ph-scrub-range")
    words = psm.locator(".ph-scrub-words")
    expect(words).to_contain_text("inside the band")
    slider.press("ArrowRight")
    expect(words).to_contain_text("COLLAPSE ZONE, beyond 4.00")
    expect(psm.locator("[data-out=rate]")).to_contain_text("90.0 %")
    for _ in range(4):
        slider.press("ArrowLeft")
    expect(words).to_contain_text("nothing is added")


def test_series_and_antidotes_are_buttons_with_a_state(psm):
    random = psm.get_by_role("button", name="Random vector")
    random.click()
    expect(random).to_have_attribute("aria-pressed", "true")
    expect(main(psm)).to_contain_text("A random word at 4")
    psm.get_by_role("button", name="✚ Antidote").press("Enter")
    expect(psm.locator("#ph-scrub-range")).to_be_hidden()
    psm.locator("[data-remedy='1']").click()
    expect(main(psm)).to_contain_text("Half a clown")


def test_arrow_keys_read_the_tokens(psm):
    reveal(psm)
    main(psm, ".ph-scrub-text").focus()
    line = psm.locator(".ph-scrub-token")
    expect(line).to_contain_text("token 1 of")
    psm.keyboard.press("ArrowRight")
    expect(line).to_contain_text("projection 2.60 · probability 50.0 %")
    expect(line.locator(".ph-real")).to_have_text("“clown”")


def test_a_cell_of_the_heat_map_shows_its_replies_and_their_markup_stays_text(psm):
    unfold(psm, "every layer do at every dose")
    cell = psm.locator(".ph-cell.ph-chosen")
    cell.press("Enter")
    replies = psm.locator(".ph-cellreplies li")
    expect(replies).to_have_count(len(psm_files.PROMPTS))
    expect(replies.first.locator(".ph-real")).to_be_hidden()
    expect(cell).to_have_attribute("aria-pressed", "true")
    reveal(psm)
    expect(replies.first.locator(".ph-real")).to_contain_text("Clown at layer 3")
    expect(psm.locator(".ph-cellreplies")).to_contain_text("<img src=x onerror=window.x=1>")
    expect(main(psm)).to_contain_text("</script>")
    assert psm.evaluate("window.x") is None
    assert psm.locator(".ph-section img, .ph-section script").count() == 0


def test_another_persona_replaces_everything(psm):
    unfold(psm, "make a new direction or strengthen")
    psm.get_by_role("combobox", name="Persona").click()
    psm.get_by_role("option", name="melancholy").click()
    expect(psm.locator("#ph-section-transplant .ph-reading")).to_contain_text(
        "tuned for melancholy"
    )
    expect(psm.locator(".ph-scrub[data-ready]")).to_be_visible()


def test_the_map_moves_with_its_slider_and_plays(psm):
    unfold(psm, "tell civil from hostile messages")
    output = psm.locator(".ph-map output")
    expect(output).to_contain_text("Layer 3")
    psm.locator(".ph-map input").press("ArrowRight")
    expect(output).to_contain_text("Layer 4")
    psm.locator(".ph-play").click()
    expect(output).to_contain_text("Layer 5")
    psm.locator(".ph-play").click()
    expect(psm.locator(".ph-play")).to_have_text("▶ Play")


def test_a_table_can_be_saved(psm):
    unfold(psm, "work as an antidote")
    with psm.expect_download() as download:
        psm.locator("#ph-section-antidotes .ph-csv").click()
    assert download.value.suggested_filename == "phoque-antidotes.csv"
    assert download.value.path().read_text().startswith("remedy,persona's prompt,")


@pytest.mark.parametrize("page", [{"width": 390}, {"width": 1440}], indirect=True)
def test_every_figure_is_drawn_and_nothing_is_wider_than_the_window(whole):
    expect(whole.locator(".js-plotly-plot")).to_have_count(8)
    for details in whole.locator(".ph-section details").all():
        details.evaluate("element => { element.open = true }")
    assert whole.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
