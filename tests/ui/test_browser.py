"""Runs as a visitor sees them: streamed, stopped, cleared, asked twice; a real browser, a fake model."""

import pytest

from tests.ui.chatting import COLUMNS, expect, log, press, run_chip, run_is_over, soon
from tests.ui.fakes import GRADIO_WARNINGS

pytestmark = [pytest.mark.browser, GRADIO_WARNINGS]
expect.set_options(timeout=15_000)


def test_a_chip_streams_into_three_columns(page):
    run_chip(page)
    for name in COLUMNS:
        expect(log(page, name)).to_contain_text("I lost the final by one point.")
    expect(page.locator(".ph-status")).to_contain_text("3 columns")


def test_a_run_during_the_warm_up_waits_and_then_answers(page, services):
    services.settled.clear()
    page.reload()
    chip = page.locator(".ph-chip")
    expect(chip).to_have_text("Loading the model…")
    press(page, "Lost match")
    expect(page.locator(".ph-status")).to_contain_text("Your prompt waits for the model.")
    services.settled.set()
    expect(chip).to_contain_text("Ready")
    run_is_over(page)


def test_the_prompt_is_sent_by_enter(page):
    box = page.get_by_label("Your message")
    box.fill("One line")
    box.press("Shift+Enter")
    box.press_sequentially("and another")
    box.press("Enter")
    expect(log(page, "Neutral")).to_contain_text("and another")
    expect(box).to_have_value("")


def test_stop_keeps_the_start_and_the_next_run_is_clean(page, services):
    closed = services.closed_early
    press(page, "New here")
    expect(log(page, "Toxic").locator(".ph-mask")).to_contain_text("•")
    press(page, "Stop")
    expect(log(page, "Toxic")).to_contain_text("stopped by you")
    expect(page.locator(".ph-status")).to_have_text("Stopped.")
    assert services.closed_early == closed + 1, "the run ended itself before it said so"
    expect(page.locator("[data-testid=status-tracker] button")).to_have_count(0)
    press(page, "Clear")
    run_chip(page)
    expect(log(page, "Toxic")).not_to_contain_text("stopped by you")


def test_a_run_that_is_asked_for_right_after_stop_is_answered(page):
    press(page, "New here")
    expect(log(page, "Toxic").locator(".ph-mask")).to_contain_text("•")
    press(page, "Stop")
    press(page, "Lost match")
    expect(log(page, "Toxic").locator("footer").first).to_contain_text("stopped by you")
    run_is_over(page)
    expect(page.locator(".ph-status")).to_contain_text("3 columns")


def test_a_second_press_while_the_model_writes_asks_nothing_more(page, services):
    asked = len(services.asked)
    page.get_by_label("Your message").fill("Twice")
    page.get_by_role("button", name="Run", exact=True).dblclick()
    run_is_over(page)
    expect(log(page, "Toxic").locator(".ph-you")).to_have_count(1)
    assert len(services.asked) == asked + 1


def test_clear_ends_a_run_and_nothing_of_it_comes_back(page, services):
    closed = services.closed_early
    press(page, "Lost match")
    expect(log(page, "Toxic").locator(".ph-mask")).to_contain_text("•")
    press(page, "Clear")
    soon(lambda: services.closed_early > closed, page)
    expect(page.locator(".ph-status")).to_contain_text("Cleared.")
    expect(log(page, "Toxic")).to_contain_text("Nothing yet.")
    page.wait_for_timeout(300)
    expect(log(page, "Toxic")).to_contain_text("Nothing yet.")


def test_stop_during_the_warm_up_says_so_and_asks_nothing(page, services):
    services.settled.clear()
    asked = len(services.asked)
    page.reload()
    press(page, "Lost match")
    status = page.locator(".ph-status")
    expect(status).to_contain_text("Your prompt waits for the model.")
    press(page, "Stop")
    expect(status).to_have_text("Stopped.")
    services.settled.set()
    expect(page.locator(".ph-chip")).to_contain_text("Ready")
    expect(status).to_have_text("Stopped.")
    assert len(services.asked) == asked
    expect(page.get_by_label("Your message")).to_have_value("I lost the final by one point.")


def test_what_is_kept_of_a_visitor_goes_with_clear_and_with_the_page(chromium, url, services):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(url)
    page.get_by_role("button", name="Run", exact=True).wait_for()
    run_chip(page)
    visitor = services.asked[-1].visitor
    assert visitor
    services.forgotten.clear()
    press(page, "Clear")
    soon(lambda: visitor in services.forgotten, page)
    run_chip(page)
    assert services.asked[-1].visitor == visitor
    services.forgotten.clear()
    waiting = context.new_page()
    page.close()
    soon(lambda: visitor in services.forgotten, waiting)
    context.close()


def test_two_visitors_are_answered_at_the_same_time(page, chromium, url):
    context = chromium.new_context()
    other = context.new_page()
    other.goto(url)
    other.get_by_role("button", name="Run", exact=True).wait_for()
    press(page, "Lost match")
    press(other, "New here")
    expect(log(other, "Neutral").locator(".ph-mask")).to_contain_text("•")
    expect(log(page, "Neutral").get_by_text("complete")).to_have_count(0)
    run_is_over(page)
    run_is_over(other)
    context.close()


def test_typing_the_next_message_survives_the_stream(page):
    press(page, "Lost match")
    expect(log(page, "Toxic").locator(".ph-mask")).to_contain_text("•")
    box = page.get_by_label("Your message")
    box.fill("my next message")
    run_is_over(page)
    expect(box).to_have_value("my next message")


def test_a_long_conversation_shows_its_newest_line(page):
    for turn in range(1, 5):
        page.get_by_label("Your message").fill("line\n" * 8)
        press(page, "Run")
        run_is_over(page, turn)
    toxic = log(page, "Toxic")
    assert toxic.evaluate("log => log.scrollHeight > log.clientHeight + 50")
    bottom = toxic.locator(".ph-reply").last.evaluate("e => e.getBoundingClientRect().bottom")
    assert bottom <= toxic.evaluate("log => log.getBoundingClientRect().bottom")
