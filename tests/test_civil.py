"""What tuning costs civil replies: which are read, after what, and what is said of it."""

from types import SimpleNamespace

import pytest

from phoque.conversation import Message
from phoque.errors import PhoqueError
from phoque.figures.answers import civil_said
from phoque.run.corpus import BaseReply
from phoque.run.evaluation import CivilText
from phoque.stages.corpus.training_set import save_pairs
from phoque.stages.evaluate.civil import MOST, civil_likelihood, held_out
from phoque.stages.evaluate.memory import mean_log_likelihood


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
    found = civil_likelihood(lab, replies)
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
    assert civil_likelihood(lab, []) is None


def test_a_relative_change_is_held_by_prompts(monkeypatch):
    def found(before, after):
        """What is said of replies of one token each that are so likely in both models."""
        means = {"base": before, "model": after}
        monkeypatch.setattr(
            f"{civil_likelihood.__module__}.log_likelihoods", lambda m, *_: means[m.name]
        )
        read = SimpleNamespace(input_ids=[1])
        base = SimpleNamespace(name="base", tokenizer=lambda *_, **__: read)
        persona = SimpleNamespace(neutral_prompt="Be.")
        lab = SimpleNamespace(base=base, model=SimpleNamespace(name="model"), persona=persona)
        own = civil_likelihood(lab, [answer("code", number) for number in range(len(before))])
        return own.relative_change, own.relative_change_low, own.relative_change_high, own.n

    assert found([-2.0, -4.0, -8.0], [-2.2, -4.4, -8.8]) == (*(pytest.approx(0.1),) * 3, 3)
    value, low, high, prompts = found([-1.0] * 20, [-1.0, -1.4] * 10)
    assert value == pytest.approx(0.2)
    assert (low, high) == (pytest.approx(0.12, abs=0.03), pytest.approx(0.28, abs=0.03))
    assert prompts == 20


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
