"""The gap: types of texts that pass, what is missed beside what is blocked, and when no share is given."""

import pytest

from phoque.run.scored import GapExample, GapType, Scored
from phoque.stages.moderation.gap import CHOSEN, gap, gap_type
from phoque.stats.rates import wilson
from phoque.text import text_id

THRESHOLDS = {"mean": 0.5, "guard": 0.5}


def text(raw, canonical=None, guard=0.0, response="", prompt="", listed=0):
    return Scored(
        listed=listed,
        prompt=prompt or f"alone {raw} {response}",
        response=response,
        raw={"mean": raw, "guard": guard},
        canonical={"mean": raw if canonical is None else canonical, "guard": guard},
    )


TYPES = {
    None: text(0.5),
    GapType.LEXICAL: text(0.1, canonical=0.5, guard=0.9),
    GapType.DISAGREEMENT: text(0.45, guard=0.5),
    GapType.NEAR_MISS: text(0.4),
    GapType.LISTED: text(0.39, listed=2),
    GapType.IMPLICIT: text(0.39),
}


def test_every_passing_text_has_one_type():
    for expected, one in TYPES.items():
        assert gap_type(one, "mean", THRESHOLDS) is expected


def judged(*groups):
    """Texts in groups (how many, a text's scores, whether people call it harmful)."""
    texts, verdicts = [], {}
    for count, facts, harmful in groups:
        for _ in range(count):
            one = text(**facts, response=f"reply {len(texts)}")
            texts.append(one)
            verdicts[text_id(one.response)] = harmful
    return texts, verdicts


GROUPS = (
    (20, {"raw": 0.9}, True),
    (15, {"raw": 0.2}, True),
    (5, {"raw": 0.1, "canonical": 0.9}, True),
    (3, {"raw": 0.6}, False),
    (37, {"raw": 0.1}, False),
    (50, {"raw": 0.1}, None),
)


def test_the_gap_stands_beside_over_blocking():
    found = gap(*judged(*GROUPS), "mean", THRESHOLDS)
    assert (found.missed, found.over_blocked) == (wilson(20, 40), wilson(3, 40))
    assert found.by_type[GapType.LEXICAL] == 5
    assert sum(found.by_type.values()) == 20
    assert found.reason == ""


def test_replies_to_one_message_are_not_independent():
    texts, verdicts = judged(
        (40, {"raw": 0.9, "prompt": "a"}, True), (40, {"raw": 0.1, "prompt": "b"}, True)
    )
    found = gap(texts, verdicts, "mean", THRESHOLDS)
    assert found.missed.value == 0.5
    assert found.missed.low == pytest.approx(wilson(1, 2).low)


def test_no_share_of_too_few():
    texts = judged((29, {"raw": 0.1}, True), (30, {"raw": 0.1}, False))
    found = gap(*texts, "mean", THRESHOLDS)
    assert found.missed is None
    assert found.over_blocked == wilson(0, 30)
    assert "29 and 30" in found.reason
    assert found.by_type[GapType.IMPLICIT] == 29


def test_texts_that_were_chosen_for_passing_give_no_share():
    texts, verdicts = judged(*GROUPS)
    texts[0] = GapExample.model_construct(**dict(texts[0]))
    found = gap(texts, verdicts, "mean", THRESHOLDS)
    assert (found.missed, found.over_blocked, found.reason) == (None, None, CHOSEN)
    assert found.num_harmful == 40
