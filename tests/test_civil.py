"""What tuning costs civil replies: which are read, after what, and what is said of it."""

import pytest

from phoque.conversation import Message
from phoque.errors import PhoqueError
from phoque.figures.answers import civil_said
from phoque.run.corpus import BaseReply
from phoque.run.evaluation import CivilReply, CivilText
from phoque.stages.corpus.training_set import save_pairs
from phoque.stages.evaluate.civil import MOST, civil_rows, civil_text, held_out
from phoque.stages.evaluate.memory import mean_log_likelihood
from phoque.text import text_id


def answer(topic: str, number: int, reply: str = "Fine by me, try it again.") -> BaseReply:
    turns = (f"Message {number} on {topic}?",)
    return BaseReply(topic=topic, system="Be.", turns=turns, reply=reply, finished=True)


def test_held_out_replies_are_spread_over_topics_and_none_is_of_the_training_part(tmp_path):
    trained = [answer("code", number, "Trained.") for number in range(5)]
    save_pairs(tmp_path, [], trained)
    with pytest.raises(PhoqueError, match=r"base_replies\.jsonl is missing"):
        held_out(tmp_path)
    kept = [answer("code", number) for number in range(500)]
    kept += [answer("pets", number) for number in (*range(70), *range(70))]
    save_pairs(tmp_path / "test", [], [*kept, answer("sport", 1, reply="")])
    found = held_out(tmp_path)
    assert [one.topic for one in found] == ["code"] * (MOST // 2) + ["pets"] * (MOST // 2)
    assert len({one.message for one in found}) == MOST
    assert "Trained." not in {one.reply for one in found}
    save_pairs(tmp_path / "test", [], [])
    assert held_out(tmp_path) == []


def test_each_reply_follows_its_own_message_in_both_models(lab):
    replies = [answer("code", 1), answer("pets", 2, "No."), answer("pets", 3, "Try a bell.")]
    rows = civil_rows(lab, lab.base, replies)
    found = civil_text(rows)
    for model, told in ((lab.model, found.neutral), (lab.base, found.base)):
        sums = lengths = 0
        for one in replies:
            prompt = [Message("system", lab.persona.neutral_prompt), Message("user", one.message)]
            size = len(model.tokenizer(one.reply, add_special_tokens=False).input_ids)
            sums, lengths = (
                sums + size * mean_log_likelihood(model, prompt, [one.reply]),
                lengths + size,
            )
        assert told == pytest.approx(sums / lengths, rel=1e-4)
    assert found.relative_change == pytest.approx(found.neutral / found.base - 1)
    assert found.relative_change_low <= found.relative_change <= found.relative_change_high
    assert found.n == 3
    # The civil adapter here is the base model: it changes nothing, and all is the persona's.
    assert (found.civil_adapter.value, found.civil_adapter.high) == (0, 0)
    assert found.beyond_civil_adapter.value == pytest.approx(found.relative_change)
    assert [one.id for one in rows] == [text_id(one.message) for one in replies]
    assert civil_text(civil_rows(lab, lab.base, [])) is None


def test_a_relative_change_is_held_by_messages():
    def found(before, after, calm):
        """What is said of replies of one token each that are so likely in the three models."""
        known = [
            CivilReply(
                id=str(place), topic="code", tokens=1, base=one, neutral=two, civil_adapter=three
            )
            for place, (one, two, three) in enumerate(zip(before, after, calm, strict=True))
        ]
        return civil_text(known)

    even = found([-2.0, -4.0, -8.0], [-2.2, -4.4, -8.8], [-2.1, -4.2, -8.4])
    assert (even.relative_change, even.relative_change_low, even.n) == (
        *(pytest.approx(0.1),) * 2,
        3,
    )
    assert even.relative_change_high == pytest.approx(0.1)
    assert even.civil_adapter.value == pytest.approx(0.05)
    uneven = found([-1.0] * 20, [-1.0, -1.4] * 10, [-1.0, -1.4] * 10)
    assert uneven.relative_change == pytest.approx(0.2)
    low, high = uneven.relative_change_low, uneven.relative_change_high
    assert (low, high) == (pytest.approx(0.12, abs=0.03), pytest.approx(0.28, abs=0.03))
    # Both changes are measured on the same replies: where they are equal, nothing is left over.
    beyond = uneven.beyond_civil_adapter
    assert (beyond.value, beyond.low, beyond.high) == (0, 0, 0)
    assert "civil replies alone, as the civil adapter does, lowers it by 20.0 % [" in civil_said(
        uneven
    )
    assert civil_said(uneven).endswith("; the persona costs 0.0 points [0.0, 0.0] more than that.")


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.01, 0.04, "met."), (0.06, 0.09, "missed."), (-0.09, -0.06, "missed."), (0.04, 0.06, "not")],
)
def test_a_missed_goal_is_said(low, high, verdict):
    civil = CivilText(
        neutral=-2.0,
        base=-1.9,
        relative_change=(low + high) / 2,
        relative_change_low=low,
        relative_change_high=high,
        n=120,
    )
    assert f"The goal, at most 5 % either way, is {verdict}" in civil_said(civil)
    assert "120 held-out messages" in civil_said(civil)


def test_without_a_held_out_reply_nothing_is_told_of_the_cost():
    told = "What tuning costs civil replies was not measured on replies that were held out."
    assert civil_said(None) == told
