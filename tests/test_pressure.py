"""The channel of the pressure test, and measures that can be computed again from its trace."""

from itertools import pairwise

import pytest

from phoque.run.pressure import Decision, Outcome, PressureReport, Role, Turn
from phoque.stages.pressure import channel as channel_room
from phoque.stages.pressure.channel import Channel, Reviewers
from phoque.stages.pressure.measures import Tally
from phoque.stages.pressure.traffic import planned, usable_styles
from phoque.text import text_id
from tests.pressure_files import (
    TWO,
    OneWord,
    decider,
    policy,
    pool,
    text,
    traffic,
    turns,
    write_report,
)
from tests.pressure_trace import check_against_trace, reported

MUTED_OFTEN = {"strikes": {"count": 2, "within": 300.0}, "mute": 120.0}


def tallied(own, rows):
    tally = Tally(own)
    for row in rows:
        tally.add(row)
    return tally


def test_two_policies_see_the_same_messages_up_to_their_first_difference():
    strict = turns(policy(**MUTED_OFTEN))
    mild = turns(policy(name="mild", threshold=0.95))
    assert [(a.number, a.at, a.speaker) for a in strict] == [
        (b.number, b.at, b.speaker) for b in mild
    ]
    first = next(place for place, row in enumerate(strict) if row.outcome is Outcome.HIDDEN)
    assert [a.text for a in strict[: first + 1]] == [b.text for b in mild[: first + 1]]
    harmless = [(a.text, b.text) for a, b in zip(strict, mild, strict=True) if not a.hostile]
    assert all(a == b for a, b in harmless), "who is not hostile says the same whatever happens"


def test_seeds_give_other_traffic_and_the_same_seed_the_same():
    one, again = turns(policy(), seeds=(1,)), turns(policy(), seeds=(1,))
    other = turns(policy(), seeds=(2,))
    assert one == again
    assert [row.speaker for row in one] != [row.speaker for row in other]


def test_asking_ahead_changes_nothing(monkeypatch):
    ahead = turns(policy(**MUTED_OFTEN))
    monkeypatch.setattr(channel_room, "AHEAD", 1)
    assert turns(policy(**MUTED_OFTEN)) == ahead


def test_who_watches_waits_for_few_texts_at_first():
    classifier = OneWord()
    deciding, texts, channel = decider(policy(), classifier), pool(), traffic()
    rows = Channel(deciding, texts, usable_styles(channel, texts), 1, ahead=24)
    coming = rows.run(planned(channel, texts, 1))
    first = next(coming)
    assert 0 < len(classifier.asked) <= channel_room.FIRST
    assert [first, *coming] == turns(policy(), seeds=(1,))


def test_each_text_is_asked_about_once():
    classifier = OneWord()
    turns(policy(), classifiers=(classifier,))
    assert len(classifier.asked) == len(set(classifier.asked))


def test_strikes_mute_and_an_adversary_takes_the_next_style():
    own = policy(**MUTED_OFTEN)
    rows = [row for row in turns(own, seeds=(1,)) if row.role is Role.HOSTILE]
    assert any(row.outcome is Outcome.MUTED for row in rows)
    for speaker in {row.speaker for row in rows}:
        said = [row for row in rows if row.speaker == speaker]
        mutes = [at for row in said for name, at in row.muted.items() if name == speaker]
        for row in said:
            muted = any(at < row.at < at + own.mute for at in mutes)
            assert (row.outcome is Outcome.MUTED) == muted
        # The list is gone through in order, and only a mute goes on in it.
        for before, after in pairwise(said):
            assert (before.style != after.style) == any(before.at <= at < after.at for at in mutes)


def test_nobody_is_muted_where_the_policy_mutes_nobody():
    rows = turns(policy(mute=0.0))
    assert not any(row.muted for row in rows)
    assert Outcome.MUTED not in {row.outcome for row in rows}


def test_an_adversary_escalates_while_nothing_is_done():
    rows = turns(policy(threshold=0.95), seeds=(1,), channel=traffic(styles=("plain",)))
    own = [row for row in rows if row.speaker == "hostile-1" and row.source == text_id("hello all")]
    assert own[-1].text.startswith("clown and clown")


def test_an_unknown_message_is_neither_shown_nor_hidden_and_counted():
    riddles = [text(f"a riddle {place}", strength=0) for place in range(4)]
    own = policy()
    rows = turns(own, texts=pool(riddles))
    unknown = [row for row in rows if row.decision is Decision.UNKNOWN]
    assert unknown
    assert {row.outcome for row in unknown} == {Outcome.UNKNOWN}
    assert all(row.scores == {"oneword": None} for row in unknown)
    found = tallied(own, rows).measures()
    hostile = [row for row in rows if row.hostile]
    seen = sum(row.outcome is Outcome.SHOWN for row in hostile)
    assert found.leak.value == pytest.approx(seen / (len(hostile) - len(unknown)))
    assert found.leak_at_worst.value == pytest.approx((seen + len(unknown)) / len(hostile))
    assert found.unknown.value > 0


def test_reviewers_remove_what_is_hostile_after_a_while_and_leave_the_rest():
    own = policy(
        threshold=0.95,
        review={"from": 0.3, "capacity_per_hour": 3600.0, "delay": 5.0, "longest_queue": 10},
    )
    rows = turns(own, seeds=(1,))
    reviewed = [row for row in rows if row.reviewed]
    assert {(row.hostile, row.outcome) for row in reviewed} == {
        (True, Outcome.REMOVED),
        (False, Outcome.SHOWN),
    }
    assert min(row.waited for row in reviewed) >= 5
    muted = [name for row in rows for name in row.muted]
    assert muted
    assert all(name.startswith("hostile") for name in muted), "reviewers mute nobody wrongly"
    found = tallied(own, rows).measures()
    assert found.reviewed.value > 0
    assert found.leak.value > 0, "a message that is removed later was seen"


def test_a_full_queue_takes_no_message():
    queue = Reviewers(policy(review={"from": 0.1, "capacity_per_hour": 60.0, "longest_queue": 2}))
    assert [queue.finish(0.0), queue.finish(1.0), queue.finish(2.0)] == [60.0, 120.0, None]
    assert queue.finish(61.0) == 180.0


def test_messages_reply_to_shown_ones_of_somebody_else():
    rows = {row.number: row for row in turns(policy(), seeds=(1,))}
    replies = [row for row in rows.values() if row.reply_to is not None]
    assert replies
    for row in replies:
        other = rows[row.reply_to]
        assert other.outcome is Outcome.SHOWN
        assert other.speaker != row.speaker
        assert other.number < row.number


def test_context_is_what_was_posted_before_in_the_thread():
    from dataclasses import replace

    classifier = OneWord()
    classifier.info = replace(classifier.info, takes_context=True)
    seen = {}
    score_batch = classifier.score_batch

    def remembering(items):
        seen.update({one.text: one.context for one in items})
        return score_batch(items)

    classifier.score_batch = remembering
    rows = turns(policy(context=2), classifiers=(classifier,), seeds=(1,))
    assert {len(context) for context in seen.values()} == {0, 1, 2}
    assert len(rows) == 300


HAPPY = [text(f"what a lovely day {n}", Role.PLURIBUS, "pluribus") for n in range(3)]
HAPPY += [text("I love every clown", Role.PLURIBUS, "pluribus")]
RIDDLES = [text(f"a riddle {n}", strength=0) for n in range(2)]
QUEUE = {"from": 0.3, "capacity_per_hour": 90.0, "delay": 9.0, "longest_queue": 1}


@pytest.mark.parametrize("review", [None, QUEUE])
@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)])
def test_the_numbers_are_those_of_the_trace(review, seeds):
    """Computed again from the rows, in other words: every field, and both ends of every interval."""
    own = policy(review=review, **MUTED_OFTEN)
    texts = pool([*HAPPY, *RIDDLES])
    rows = [
        Turn.model_validate_json(row.model_dump_json()) for row in turns(own, texts, seeds=seeds)
    ]
    found = reported(tallied(own, rows), price=0.003)
    check_against_trace(found, own, rows, price=0.003)
    assert found.measures.pluribus_muted.value > 0
    assert (found.measures.review_full > 0) == (review is not None)
    assert found.by_moderator[0].unknown > 0


def test_the_report_of_two_policies_is_that_of_its_trace(tmp_path):
    """The files that a run gets: every number of both policies from the rows of `trace.jsonl`."""
    write_report(tmp_path, [*HAPPY, *RIDDLES])
    report = PressureReport.load(tmp_path / "pressure", command="x")
    rows = Turn.load_rows(tmp_path / "pressure", command="x")
    for found, own in zip(report.policies, TWO, strict=True):
        check_against_trace(found, own, [row for row in rows if row.policy == own.name])
    one, other = report.policies
    assert one.measures != other.measures
    assert (one.measures.blunt_muted.value, other.measures.blunt_muted.value) == (1.0, 0.0)


def test_an_interval_counts_speakers_and_texts():
    """Ten times the same messages say no more about new texts."""
    short, long = (
        tallied(policy(), turns(policy(), seeds=(1,), channel=traffic(messages=number))).measures()
        for number in (300, 3000)
    )
    wide, narrow = (one.blunt_hidden.high - one.blunt_hidden.low for one in (short, long))
    assert narrow > wide / 2


def test_memory_does_not_grow_with_the_traffic():
    import tracemalloc

    def peak(messages):
        own, texts, channel = policy(), pool(), traffic(messages=messages)
        deciding, tally = decider(own), Tally(own)
        tracemalloc.start()
        for row in channel_room.Channel(deciding, texts, channel.styles, 1).run(
            planned(channel, texts, 1)
        ):
            tally.add(row)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(600)
    assert peak(6000) < 1.5 * peak(1500)
