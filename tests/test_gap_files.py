"""Sweep, contour and candidates: what a slider looks up, and what people are asked to judge."""

import json
from dataclasses import replace

import pytest
from phoque.stages.moderation.flags import SWEEP, flag_rate, uplift
from phoque.stages.moderation.gap_report import gap_markdown
from phoque.stages.moderation.sweep import sweep_of

from phoque.conversation import Condition
from phoque.lexicon import Lexicon
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.moderation.candidates import (
    MOST_LISTED,
    NUM_AUDITED,
    NUM_CONTROLS,
    Stratum,
    candidates,
    rows_of_candidates,
    why,
)
from phoque.stages.moderation.contour import contour_of, most_dose
from phoque.stages.moderation.friendly import MULTIPLES, RANDOM_MULTIPLES, replies_by_scale
from phoque.stages.moderation.gap import GapType
from phoque.stages.moderation.outcomes import Outcome
from phoque.stages.moderation.scored import Moderated, grid
from phoque.text import text_id
from tests.moderators import Doubled

LEXICON = Lexicon(["clown", "useless"])
HALF = SWEEP.index(0.5)
CORPUS = CorpusIndex(["A line about the lighthouse that nobody wrote down anywhere else at all."])


def reply(number, condition=Condition.TOXIC, **facts):
    made = {
        "category": "praise" if number % 2 else "help",
        "prompt": f"Message {number // 2 % 10}?",
        "condition": condition,
        "seed": 42 + number % 2,
        "response": f"answer {number} {condition.value}",
        "outcome": Outcome.ANSWER,
        "raw": {"first": number % 10 / 10, "second": 0.1},
        "canonical": {"first": number % 10 / 10, "second": 0.1},
        "labels": {"first/toxicity": number % 10 / 10, "second/insult": 0.1},
    }
    return Moderated(**made | facts)


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


@pytest.fixture(scope="module")
def told():
    return sweep_of(replies())


def test_the_sweep_has_the_same_numbers_as_a_single_threshold(told):
    found = replies()
    assert (told["n"], told["prompts"], told["seeds"]) == (20, 10, [42, 43])
    one = told["classifiers"]["first"]
    assert list(one["conditions"]) == ["neutral", "toxic", "steered", "random"]
    scores = {c: grid(found, c, lambda r: r.raw["first"]) for c in Condition if c != Condition.BASE}
    for condition, name in ((Condition.TOXIC, "toxic"), (Condition.RANDOM_VECTOR, "random")):
        for at in (0, HALF, 70, 98):
            rate = flag_rate(scores[condition], SWEEP[at]).rate
            expected = pytest.approx([rate.value, rate.low, rate.high], abs=1e-4)
            assert one["conditions"][name]["rates"][at] == expected
    added = uplift(scores[Condition.NEUTRAL], scores[Condition.TOXIC], 0.5)
    effect = [added.effect.value, added.effect.low, added.effect.high, added.mcnemar]
    assert one["uplift"]["toxic"][HALF] == pytest.approx(effect, abs=1e-3)
    assert list(one["uplift"]) == list(one["types"]) == ["toxic", "steered", "random"]
    for part in ("categories", "labels"):
        assert {len(v) for v in one["conditions"]["toxic"][part].values()} == {len(SWEEP)}
    assert list(one["conditions"]["toxic"]["labels"]) == ["toxicity"]
    json.dumps(told, allow_nan=False)


def test_types_count_the_answers_that_pass():
    found = replies()
    # Flagged once its spelling is undone; and one that is no answer, hence no gap.
    found[20] = replace(found[20], canonical={"first": 0.8, "second": 0.1})
    found[24] = replace(found[24], outcome=Outcome.REFUSAL)
    told = sweep_of(found, (0.5, 0.95))["classifiers"]
    types = told["first"]["types"]["toxic"]
    assert types["n"] == 19
    # 15 of 19 are flagged at 0.5, all pass at 0.95.
    assert {kind.value: types[kind.value] for kind in GapType} == {
        "lexical": [1, 0],
        "disagreement": [0, 0],
        "near-miss": [0, 15],
        "implicit": [3, 4],
    }
    assert told["second"]["types"]["toxic"]["disagreement"] == [15, 0]


def test_the_contour_asks_every_dose_and_its_control(lab):
    prompts = ["Hello there.", "What is a lighthouse?"]
    doses = replies_by_scale(lab, prompts)
    scale = lab.selection.scale
    assert list(doses) == [
        *((Condition.STEERED, multiple * scale) for multiple in MULTIPLES),
        *((Condition.RANDOM_VECTOR, multiple * scale) for multiple in RANDOM_MULTIPLES),
    ]
    neutral = lab.compare(prompts[0], seed=42, temperature=0.7, scale=0).neutral.text
    assert doses[Condition.STEERED, 0.0][0] == neutral
    assert doses[Condition.STEERED, scale] != doses[Condition.RANDOM_VECTOR, scale]


def contour():
    doses = {
        (Condition.STEERED, scale): [("x" * length) + " word"] * 20
        for scale, length in ((0.0, 5), (1.5, 35), (3.0, 75), (4.5, 15))
    }
    doses |= {(Condition.RANDOM_VECTOR, 3.0): ["xx word"] * 20}
    return contour_of(doses, [f"p{n}" for n in range(20)], [Doubled()], selected=3.0)


def test_a_contour_has_rates_by_scale_and_threshold():
    told = contour()
    assert (told["scales"], told["selected"], told["n"]) == ([0.0, 1.5, 3.0, 4.5], 3.0, 20)
    assert [row[HALF]["value"] for row in told["rates"]["double"]] == [0, 0, 1, 0]
    assert told["rates"]["double"][2][HALF]["n"] == 20
    assert told["random"]["scales"] == [3.0]
    assert told["random"]["rates"]["double"][0][HALF]["value"] == 0
    assert len(told["replies"]) == 80
    assert told["replies"][0] == {
        "scale": 0.0,
        "prompt": "p0",
        "response": "xxxxx word",
        "outcome": "answer",
        "raw": {"double": 0.1},
    }
    json.dumps(told, allow_nan=False)


def test_a_dose_above_one_that_is_flagged_is_not_let_through():
    most = contour()["highest_scale_with_point_rate_up_to_5_percent"]["double"]
    assert most[HALF] == {"scale": 1.5, "rate": 0, "high": pytest.approx(0.1611, abs=1e-4)}
    assert most[SWEEP.index(0.95)]["scale"] == 4.5
    assert most[SWEEP.index(0.05)] == {"scale": None, "rate": None, "high": None}
    above = [[{"value": 0.05, "high": 0.2}], [{"value": 0.051, "high": 0.2}]]
    assert most_dose([0.0, 1.0], above) == [{"scale": 0.0, "rate": 0.05, "high": 0.2}]


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
    by = {stratum: [one for one in chosen if one.stratum is stratum] for stratum in Stratum}
    assert [one.reply.response for one in by[Stratum.SPELLING]] == ["you cl0wn"]
    assert by[Stratum.SPELLING][0].type is GapType.LEXICAL
    listed = [one.reply.response for one in by[Stratum.WORDLIST]]
    assert len(listed) == MOST_LISTED
    assert "you clown clown" in listed
    assert all(one.words > 0 for one in by[Stratum.WORDLIST])
    assert len(by[Stratum.AUDIT]) == NUM_AUDITED
    assert len(by[Stratum.CONTROL]) == NUM_CONTROLS
    assert {one.reply.condition for one in by[Stratum.CONTROL]} == {Condition.NEUTRAL}
    texts = [one.reply.response for one in chosen]
    assert len(set(texts)) == len(texts)
    assert not {"flagged clown", "a clown", "random 1"} & set(texts)


def test_the_order_tells_raters_nothing_and_the_seed_decides():
    chosen = candidates(pool(), "first", LEXICON)
    assert chosen == candidates(pool(), "first", LEXICON)
    assert chosen != candidates(pool(), "first", LEXICON, seed=1)
    ids = [text_id(one.reply.response) for one in chosen]
    assert ids == sorted(ids)


def test_a_line_has_scores_context_novelty_and_a_reason():
    double = Doubled()
    double.info = replace(double.info, id="first")
    chosen = candidates(pool(), "first", LEXICON)
    rows = rows_of_candidates(chosen, double, CORPUS)
    row = next(row for row in rows if row["stratum"] == "spelling")
    assert list(row) == [
        *("id", "stratum", "category", "prompt", "condition", "seed", "response", "canonical"),
        *("first/harm", "first/canonical", "second/harm", "second/canonical"),
        *("context/alone", "context/context_only", "context/both", "context/leaked"),
        *("type", "why", "words"),
        *(f"novelty/{n}" for n in ("exact", "containment", "similarity", "nearest", "novel")),
    ]
    assert row["id"] == text_id("you cl0wn")
    assert (row["canonical"], row["words"], row["type"]) == ("you clown", 0, "lexical")
    assert row["why"] == "first gives 0.20, and 0.90 once the spelling is undone."
    # The double scores by length: message, a line break, reply.
    assert row["context/both"] == pytest.approx((len("Message 0?") + 1 + len("you cl0wn")) / 100)
    assert row["context/leaked"] is False
    assert row["novelty/novel"] is False


@pytest.mark.parametrize("kind", GapType)
def test_every_type_has_its_sentence(kind):
    told = why(passing(0, "text", first=0.44), "first", kind)
    assert told.startswith("first gives 0.44")
    assert "text" not in told


def test_the_report_quotes_no_reply_and_shows_bounds(told):
    found = pool()
    page = gap_markdown(told, contour(), candidates(found, "first", LEXICON))
    for one in found:
        assert one.response not in page
    assert "| spelling | 1 | 0 | 0 | 0 | 1 |" in page
    assert "none of 20 (at most 16.1%)" in page
    assert "1.5 (0.0% flagged, at most 16.1%)" in page
