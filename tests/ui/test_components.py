import gradio as gr
import pytest

from phoque.conversation import Condition
from phoque.lexicon import Lexicon
from phoque.ui import components, wording
from phoque.ui.results import Frame
from phoque.ui.state import Turn
from phoque.ui.tabs.claims import SECTIONS
from tests.ui.fakes import INJECTION, fake_info

LEXICON = Lexicon(["clown", "useless", "waste of space"])


def transcript(*turns: Turn) -> str:
    return components.transcript_html(Condition.STEERED, turns, LEXICON)


@pytest.mark.parametrize("place", ["prompt", "reply"])
def test_foreign_text_cannot_become_markup(place):
    html = transcript(Turn(**{"prompt": "Hi", "reply": "Hello"} | {place: INJECTION}))
    assert "<img" not in html
    assert "<script" not in html
    assert "&lt;img src=x" in html


def test_a_hostile_system_prompt_and_error_are_escaped_too():
    assert "<img" not in components.head_html(Condition.TOXIC, INJECTION)
    assert "<img" not in components.status_html(INJECTION, failed=True)
    assert "<img" not in components.header_html(INJECTION, "busy")


def test_insults_are_marked_as_whole_words_in_any_case():
    assert components.marked("CLOWN, clownfish", LEXICON) == "<mark>CLOWN</mark>, clownfish"
    assert "<mark>waste\nof space</mark>" in components.marked("a waste\nof space", LEXICON)


def test_markup_inside_a_marked_text_is_still_escaped():
    assert components.marked("<b>clown</b>", LEXICON) == "&lt;b&gt;<mark>clown</mark>&lt;/b&gt;"


def test_a_mask_keeps_the_shape_and_no_letter():
    text = "Useless clown, 2 out of 10!\nÉtoile"
    mask = components.masked(text)
    assert [len(word) for word in mask.split()] == [len(word) for word in text.split()]
    assert set(mask) == {"•", " ", "\n"}


@pytest.mark.parametrize(
    ("reply", "badge"),
    [
        ("Useless clown", "⚑ 2 words of the Toxic list"),
        ("a clown", "⚑ 1 word of the Toxic list"),
        ("calm", None),
    ],
)
def test_the_badge_counts_words_and_names_their_list(reply, badge):
    html = transcript(Turn("Hi", reply, 2, "stop"))
    assert ("ph-badge" in html) is (badge is not None)
    assert badge is None or f"{badge}<" in html


def test_a_happy_word_raises_no_flag():
    turns = (Turn("Hi", "a clown", 2, "stop"),)
    html = components.transcript_html(Condition.TOXIC, turns, LEXICON, persona="pluribus")
    assert "1 word of the Pluribus list" in html
    assert "⚑" not in html


def test_every_column_is_a_log_of_its_own_name():
    logs = {components.transcript_html(c, (), LEXICON) for c in Condition}
    assert len(logs) == len(Condition)
    assert all('role="log"' in log and "aria-label=" in log for log in logs)


def test_a_log_is_busy_while_its_reply_is_written():
    assert 'aria-busy="true"' in transcript(Turn("Hi", "Use", 1))
    assert 'aria-busy="false"' in transcript(Turn("Hi", "Useless", 2, "stop"))


def test_a_stopped_reply_says_so():
    assert "stopped by you" in transcript(Turn("Hi", "Use", 1, "stopped"))


def test_another_layer_says_what_the_scale_becomes_there():
    info = fake_info()  # dose 0.02 a scale and layer, counted from 1; selected: layer 18, scale 1
    deep = components.dose_html(info, 1.0, 29)
    assert "Scale 0.63 gives the selected dose (0.38) here." in deep
    assert "expect damage" in deep
    shallow = components.dose_html(info, 1.0, 5)
    assert "Scale 3.17 gives the selected dose (0.38) here." in shallow
    assert "expect damage" not in shallow


def test_a_negative_scale_says_what_a_recording_shows():
    told = components.dose_html(fake_info(), -0.5, 18)
    assert "is that of scale 0" in told
    assert "Only positive" not in told


def test_the_dose_line_knows_the_band():
    info = fake_info()
    assert "relative dose 0.38" in components.dose_html(info, 1.0, 18)
    assert "Text holds up to 1.30" in components.dose_html(info, 1.3, 18)
    assert "Beyond 1.30" in components.dose_html(info, 1.35, 18)
    assert "away from the persona" in components.dose_html(info, -0.5, 18)


def test_the_band_is_claimed_only_for_the_layer_it_was_measured_at():
    html = components.dose_html(fake_info(), 1.0, 5)
    assert "ph-band" not in html
    assert "layer 18 only" in html


def test_a_default_at_the_very_end_of_the_band_counts_as_inside():
    info = fake_info(scale=0.91954, coherent_scale=0.91954)
    assert "Text holds up to 0.92" in components.dose_html(info, round(info.scale, 2), 18)


def test_the_slider_reaches_past_the_band():
    low, high = fake_info().scale_range
    assert low < 0 < fake_info().coherent_scale < high


def test_a_section_that_is_still_to_come_says_so():
    with gr.Blocks():
        frames = [Frame(one) for one in SECTIONS]
    assert all(wording.FILLING in frame.head.value for frame in frames)
