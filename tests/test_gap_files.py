"""Sweep, contour and candidates: what a slider looks up, and what people are asked to judge."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from phoque.conversation import Condition
from phoque.figures.contour import most_dose, rate_at
from phoque.lexicon import Lexicon
from phoque.moderators.listed import words as shipped_words
from phoque.run.scored import (
    Contour,
    GapExample,
    GapType,
    Outcome,
    ScoredReply,
    Stratum,
    by_condition,
    grid,
)
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.moderation.candidates import (
    MOST_LISTED,
    NUM_AUDITED,
    NUM_NEUTRAL,
    candidates,
    examples_of,
    why,
)
from phoque.stages.moderation.gap import gap_type
from phoque.stages.moderation.scored import (
    MULTIPLES,
    RANDOM_MULTIPLES,
    contour_of,
    moderate,
    replies_by_scale,
    sampling_of,
    word_lists,
)
from phoque.stats.flags import SWEEP, flag_rate
from phoque.text import text_id
from phoque.ui.moderation.explorer import rates
from tests.moderators import Doubled

LEXICON = Lexicon(["clown", "useless"])
HALF = SWEEP.index(0.5)
CORPUS = CorpusIndex(["A line about the lighthouse that nobody wrote down anywhere else at all."])


def reply(number, condition=Condition.TOXIC, **facts):
    scores = {"first": number % 10 / 10, "second": 0.1}
    made = {
        "category": "praise" if number % 2 else "help",
        "prompt": f"Message {number // 2 % 10}?",
        "condition": condition,
        "seed": 42 + number % 2,
        "response": f"answer {number} {condition.value}",
        "outcome": Outcome.ANSWER,
        "raw": scores,
        "canonical": scores,
        "labels": {"first/toxicity": number % 10 / 10, "second/insult": 0.1},
        "listed": 0,
        "trained": False,
    }
    return ScoredReply(**made | facts)


def test_rows_of_results_come_back_as_they_were(tmp_path):
    found = (reply(3, response='a\rb\n"c",'), reply(4, Condition.RANDOM_VECTOR))
    ScoredReply.save_rows(tmp_path, found)
    assert ScoredReply.load_rows(tmp_path, command="c") == found
    file = tmp_path / ScoredReply.FILE
    head = file.read_text().partition("\n")[0].replace('"', "").split(",")
    assert {"first/harm", "first/canonical", "first/toxicity", "second/insult"} <= set(head)


def replies(count=20):
    return [
        reply(number, condition, raw=scores, canonical=scores)
        for condition, high in (
            (Condition.NEUTRAL, 0.2),
            (Condition.TOXIC, 0.9),
            (Condition.STEERED, 0.6),
            (Condition.RANDOM_VECTOR, 0.2),
        )
        for number in range(count)
        for scores in [{"first": high if number % 4 else 0.1, "second": 0.1}]
    ]


def test_the_page_has_the_same_numbers_as_a_single_threshold():
    found = by_condition(replies())
    told = rates(["first", "second"], found)
    one = told["first"]
    scores = {condition: grid(rows, "first") for condition, rows in found.items()}
    assert list(one) == list(found)
    for condition in found:
        for at in (0, HALF, 70, 98):
            rate = flag_rate(scores[condition], SWEEP[at]).rate
            assert one[condition][at] == (rate.value, rate.low, rate.high)
    assert one[Condition.TOXIC][HALF][0] == 0.75
    assert told["second"][Condition.TOXIC][HALF][0] == 0


def test_the_contour_asks_every_dose_and_its_control(lab):
    prompts = ["Hello there.", "What is a lighthouse?"]
    doses = replies_by_scale(lab, prompts)
    scale = lab.selection.scale
    assert list(doses) == [
        *((Condition.STEERED, multiple * scale) for multiple in MULTIPLES),
        *((Condition.RANDOM_VECTOR, multiple * scale) for multiple in RANDOM_MULTIPLES),
    ]
    neutral = lab.compare(
        prompts[0], seed=42, scale=0, temperature=0.7, top_p=0.9, repetition_penalty=1
    ).neutral.text
    assert doses[Condition.STEERED, 0.0][0] == neutral
    assert doses[Condition.STEERED, scale] != doses[Condition.RANDOM_VECTOR, scale]


def contour():
    doses = {
        (Condition.STEERED, scale): [("x" * length) + " word"] * 20
        for scale, length in ((0.0, 5), (1.5, 35), (3.0, 75), (4.5, 15))
    }
    doses |= {(Condition.RANDOM_VECTOR, 3.0): ["xx word"] * 20}
    return contour_of(doses, [f"p{n}" for n in range(20)], [Doubled()], selected=3.0)


def test_a_contour_has_scores_by_scale(tmp_path):
    contour().save(tmp_path)
    told = Contour.load(tmp_path, command="c")
    assert told == contour()
    by_scale = told.scores("double")
    assert (list(by_scale), told.selected, len(told.replies)) == ([0.0, 1.5, 3.0, 4.5], 3.0, 100)
    assert [rate_at(own, 0.5).value for own in by_scale.values()] == [0, 0, 1, 0]
    assert list(told.scores("double", Condition.RANDOM_VECTOR)) == [3.0]
    first = told.replies[0]
    assert (first.prompt, first.response, first.raw) == ("p0", "xxxxx word", {"double": 0.1})
    assert first.outcome is Outcome.ANSWER


def test_a_dose_above_one_that_is_flagged_is_not_let_through():
    by_scale = contour().scores("double")
    assert [most_dose(by_scale, threshold) for threshold in (0.5, 0.95, 0.05)] == [1.5, 4.5, None]
    barely = {0.0: [0.9] + [0.0] * 19, 1.0: [0.9] * 2 + [0.0] * 18}
    assert most_dose(barely, 0.5) == 0.0


def passing(number, text, condition=Condition.TOXIC, first=0.2, undone=0.2, **facts):
    return reply(
        number,
        condition,
        response=text,
        raw={"first": first, "second": 0.1},
        canonical={"first": undone, "second": 0.1},
        **facts,
    )


def pool():
    found = [passing(0, "you cl0wn", undone=0.9), passing(1, "you clown clown")]
    found += [passing(2, f"useless {n}") for n in range(MOST_LISTED + 5)]
    found += [passing(3, f"plain {n}", Condition.STEERED) for n in range(40)]
    found += [passing(4, f"kind {n}", Condition.NEUTRAL) for n in range(40)]
    found += [passing(5, f"random {n}", Condition.RANDOM_VECTOR) for n in range(5)]
    found += [
        passing(6, "flagged clown", first=0.8),
        passing(7, "a clown", outcome=Outcome.REFUSAL),
    ]
    return [*found, passing(8, "you  clown clown"), passing(9, "plain 1", Condition.NEUTRAL)]


def test_candidates_pass_are_answers_and_come_once():
    chosen = candidates(pool(), "first", LEXICON)
    by = {stratum: [one for own, one in chosen if own is stratum] for stratum in Stratum}
    assert [one.response for one in by[Stratum.SPELLING]] == ["you cl0wn"]
    listed = [one.response for one in by[Stratum.WORDLIST]]
    assert len(listed) == MOST_LISTED
    assert "you clown clown" in listed
    assert all(text in LEXICON for text in listed)
    assert len(by[Stratum.AUDIT]) == NUM_AUDITED
    assert len(by[Stratum.NEUTRAL]) == NUM_NEUTRAL
    assert {one.condition for one in by[Stratum.NEUTRAL]} == {Condition.NEUTRAL}
    texts = [one.response for _, one in chosen]
    assert len(set(texts)) == len(texts)
    assert not {"flagged clown", "a clown", "random 1"} & set(texts)


def test_the_order_tells_raters_nothing():
    chosen = candidates(pool(), "first", LEXICON)
    assert chosen == candidates(pool(), "first", LEXICON)
    ids = [text_id(one.response) for _, one in chosen]
    assert ids == sorted(ids)


def test_an_example_has_scores_context_novelty_and_a_reason(tmp_path):
    double = Doubled()
    double.info = replace(double.info, id="first")
    examples = examples_of(candidates(pool(), "first", LEXICON), double, LEXICON, CORPUS)
    GapExample.save_rows(tmp_path, examples)
    assert list(GapExample.load_rows(tmp_path, command="c")) == examples
    head = (tmp_path / GapExample.FILE).read_text().partition("\n")[0].replace('"', "").split(",")
    assert set(head) == {
        *(
            "listed",
            "id",
            "stratum",
            "category",
            "prompt",
            "condition",
            "seed",
            "response",
            "canonical",
        ),
        *("first/harm", "first/canonical", "second/harm", "second/canonical"),
        *("context/alone", "context/context_only", "context/both", "context/leaked"),
        *("type", "why", "words"),
        *(f"novelty/{n}" for n in ("exact", "containment", "similarity", "nearest", "novel")),
    }
    row = next(one for one in examples if one.stratum is Stratum.SPELLING)
    assert row.id == text_id("you cl0wn")
    assert (row.canonical_text, row.words, row.type) == ("you clown", 0, GapType.LEXICAL)
    assert row.why == "first gives 0.20, and 0.90 once the spelling is undone."
    # The double scores by length: message, a line break, reply.
    assert row.context.both == pytest.approx((len("Message 0?") + 1 + len("you cl0wn")) / 100)
    assert row.context.leaked is False
    assert row.novelty.novel is False


@pytest.mark.parametrize("kind", GapType)
def test_every_type_has_its_sentence(kind):
    told = why(passing(0, "text", first=0.44), "first", kind)
    assert told.startswith("first gives 0.44")
    assert "text" not in told


def test_a_reply_is_typed_by_every_list_that_we_ship():
    lists = word_lists(Lexicon(["ourword"]))
    assert len(lists) == 3
    told = {
        (Condition.TOXIC, 42): [
            "an ourword here",
            f"so {shipped_words()[0]} it is",
            "a plain remark",
            "ourword ourword",
        ]
    }
    prompts = {"help": ["A?", "B?", "C?", "D?"]}
    found = moderate(told, prompts, [Doubled()], lists)
    assert [one.listed for one in found] == [1, 1, 0, 2]
    kinds = [gap_type(one, "double", {"double": 2.0}) for one in found]
    assert kinds == [GapType.LISTED, GapType.LISTED, GapType.IMPLICIT, GapType.LISTED]


def test_moderators_read_replies_as_long_as_the_persona_learned():
    lab = SimpleNamespace(info=SimpleNamespace(reply_tokens=200))
    assert sampling_of(lab).max_new_tokens == 200
