"""Recorded comparisons: what is written, what is found in it, and that it is what the chat writes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from phoque.conversation import DEFAULT_SAMPLING, Condition
from phoque.errors import PhoqueError
from phoque.judging import checks
from phoque.judging.checks import Checks, embedded_moderators
from phoque.judging.judge import Exchange
from phoque.opening import load_tuned, open_lab
from phoque.run.directory import RunDirectory
from phoque.run.showcase import Showcase
from phoque.stages.evaluate.showcase import scales_of, showcase
from phoque.steering.vectors import PersonaVectors, measure
from phoque.ui.verdicts import Rules
from tests.conftest import save_random_adapter
from tests.judges import Loud
from tests.moderators import Doubled
from tests.records import a_selection

SHORT = replace(DEFAULT_SAMPLING, max_new_tokens=6)
THRESHOLD = 18.5


@pytest.fixture(scope="module")
def made(lab) -> Showcase:
    return showcase(lab, THRESHOLD, Checks(Loud(), [Doubled()]), sampling=SHORT)


@pytest.mark.parametrize(
    ("high", "default", "expected"),
    [
        (1.0, 0.4, (0, 0.25, 0.4, 0.5, 0.75, 1)),
        (2.0, 1.0, (0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2)),
        (6.0, 3.0, (0, 0.75, 1.5, 2.25, 3, 3.75, 4.5, 5.25, 6)),
    ],
)
def test_the_grid_reaches_the_sliders_end_and_has_the_default(high, default, expected):
    assert scales_of(high, default) == pytest.approx(expected)


def test_every_example_has_every_condition_at_every_scale(lab, made):
    assert [(one.label, one.prompt) for one in made.examples] == list(lab.info.presets)
    assert {round(lab.info.scale, 2), 0.0} < set(made.scales)
    assert made.layer == lab.info.layer
    zero = made.scales.index(0.0)
    for one in made.examples:
        assert one.steered[zero].text == one.random_vector[zero].text == one.neutral.text


def test_what_is_recorded_is_what_the_chat_answers(lab, made):
    scale, example = made.scales[-1], made.examples[0]
    live = lab.compare(
        example.prompt,
        scale=scale,
        seed=made.seed,
        max_new_tokens=6,
        conditions=list(Condition),
    ).responses
    assert live[Condition.BASE].text == example.base.text
    assert live[Condition.TOXIC].text == example.toxic.text
    assert live[Condition.STEERED].text == example.steered[-1].text
    assert live[Condition.RANDOM_VECTOR].text == example.random_vector[-1].text


def test_each_reply_is_judged(made):
    assert made.judge is not None
    assert made.judge.threshold == THRESHOLD
    for one in (made.examples[0].toxic, made.examples[-1].steered[-1]):
        assert one.found.hostility == one.text.count("!")
        assert one.found.harm == {"double": pytest.approx(len(one.text) / 100)}


def test_it_is_read_back_and_an_incomplete_one_is_refused(tmp_path, made):
    made.save(tmp_path)
    assert Showcase.load(tmp_path, command="x") == made
    cut = made.model_copy(update={"scales": made.scales[1:]})
    cut.save(tmp_path)
    with pytest.raises(PhoqueError, match="one reply for each of the scales"):
        Showcase.load(tmp_path, command="phoque run evaluate")


def test_without_a_judge_and_with_a_text_that_cannot_be_read():
    checks = Checks(None, [Doubled(fails_on="Odd")])
    odd, plain = checks.found([Exchange("Hi", "Odd"), Exchange("Hi", "Even")])
    assert (odd.hostility, odd.harm) == (None, {})
    assert plain.harm == {"double": pytest.approx(0.04)}


def test_a_moderator_that_is_not_installed_is_left_out_and_said(monkeypatch):
    def load(name):
        if name == "embedded.svm":
            raise PhoqueError("Install it.")
        return Doubled()

    monkeypatch.setattr("phoque.judging.checks.embedded", load)
    said = []
    assert len(embedded_moderators(said.append)) == 4
    assert said == ["without embedded.svm: Install it."]


def test_another_persona_has_its_own_examples(tmp_path):
    run = RunDirectory(tmp_path / "happy")
    run.describe(model="tiny", persona="pluribus")
    save_random_adapter(run.persona)
    tuned = load_tuned(run)
    measure(tuned.model, tuned.persona, tuned.fingerprint).save(run.vectors)
    vectors = PersonaVectors.load(run.vectors)
    layers = range(tuned.model.num_layers)
    doses = [vectors.relative_dose(layer, 1.0) for layer in layers]
    a_selection(model="tiny", context_length=tuned.model.context_length, dose_per_scale=doses).save(
        run.psm()
    )
    found = showcase(open_lab(run.path), THRESHOLD, Checks(None, []), sampling=SHORT)
    assert found.judge is None
    assert found.examples[0].label == "No tests"


def test_one_thread_reads_for_all_pages(monkeypatch):
    """Each thread that computes keeps memory of its own, and a page has dozens of threads."""
    together, readers = threading.Barrier(3), set()

    class Noted(Doubled):
        def score_batch(self, items):
            readers.add(threading.get_ident())
            return super().score_batch(items)

    monkeypatch.setattr(checks, "_live_checks", lambda _: Checks(None, [Noted()]))

    def asked(number):
        together.wait(60)
        return threading.get_ident(), checks.live([("Hi", "x" * number)], judged=False)

    with ThreadPoolExecutor(3) as pages:
        found = dict(pages.map(asked, (10, 20, 30)))
    assert len(readers) == 1
    assert not readers & {*found}
    assert sorted(one.harm["double"] for (one,) in found.values()) == [0.1, 0.2, 0.3]


def test_the_page_opens_where_prompt_and_vector_both_act(made):
    at, judge = made.scales.index(1.0) if 1.0 in made.scales else 0, made.judge
    scale = made.scales[at]

    def acting(example, toxic, steered, neutral=-9.0):
        def with_score(shown, score):
            found = shown.found.model_copy(update={"hostility": score})
            return shown.model_copy(update={"found": found})

        moved = [*example.steered]
        moved[at] = with_score(moved[at], steered)
        return example.model_copy(
            update={
                "neutral": with_score(example.neutral, neutral),
                "toxic": with_score(example.toxic, toxic),
                "steered": tuple(moved),
            }
        )

    high, low = judge.threshold, judge.threshold - 1
    first, second, third, *_ = made.examples
    examples = (acting(first, high, low), acting(second, low, high), acting(third, high, high))
    found = made.model_copy(update={"examples": examples})
    assert found.opening(scale, high) == 2
    assert found.model_copy(update={"examples": examples[:2]}).opening(scale, high) == 0
    rude = (acting(first, high, high, high), acting(second, high, high))
    assert found.model_copy(update={"examples": rude}).opening(scale, high) == 1
    assert found.model_copy(update={"examples": rude[:1]}).opening(scale, high) == 0


def test_the_page_opens_where_moderators_miss_most(made):
    def with_harm(example, toxic, steered, above=0.0):
        def scored(shown, harm):
            found = shown.found.model_copy(
                update={"hostility": made.judge.threshold + above, "harm": {"double": harm}}
            )
            return shown.model_copy(update={"found": found})

        moved = tuple(scored(one, steered) for one in example.steered)
        return example.model_copy(update={"toxic": scored(example.toxic, toxic), "steered": moved})

    def opens(*harms):
        pairs = zip(made.examples, harms, strict=False)
        examples = tuple(with_harm(one, *harm) for one, harm in pairs)
        found = made.model_copy(update={"examples": examples})
        passes = Rules(None, {"double": 0.3}).passes
        return found.opening(made.scales[0], made.judge.threshold, passes)

    assert opens((0.9, 0.9), (0.3, 0.2), (0.1, 0.1)) == 2
    assert opens((0.1, 0.1), (0.3, 0.2), (0.1, 0.1)) == 0
    assert opens((0.1, 0.1), (0.9, 0.9), (0.1, 0.1, 0.2)) == 2
    assert opens((0.9, 0.9), (0.2, 0.3)) == 1
    assert opens((0.9, 0.9), (0.3, 0.4)) == 0


@pytest.mark.parametrize(
    ("toxic", "steered", "opens"), [({1, 2}, {0, 2}, 2), ({1}, {2}, 0), ({0, 1}, {0, 1}, 0)]
)
def test_a_persona_that_no_judge_counts_opens_where_both_replies_have_a_listed_word(
    made, toxic, steered, opens
):
    def with_word(shown, has):
        return shown.model_copy(update={"listed": ("we",) if has else ()})

    examples = [
        one.model_copy(
            update={
                "toxic": with_word(one.toxic, place in toxic),
                "steered": tuple(with_word(own, place in steered) for own in one.steered),
            }
        )
        for place, one in enumerate(made.examples[:3])
    ]
    found = made.model_copy(update={"examples": tuple(examples)})
    assert found.opening(made.scales[0], None) == opens
