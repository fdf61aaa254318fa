"""The pressure test: decisions, the channel, measures that can be computed again from the trace."""

import json
from itertools import pairwise

import pytest

from phoque.errors import PhoqueError
from phoque.run.pressure import Decision, Kind, Outcome, Role, Turn
from phoque.run.settings import read_settings
from phoque.stages.pressure import channel as channel_room
from phoque.stages.pressure.channel import Channel
from phoque.stages.pressure.deciding import rescaled
from phoque.stages.pressure.measures import Tally
from phoque.stages.pressure.policy import Policy, read_policy
from phoque.stages.pressure.reviewers import Reviewers
from phoque.stages.pressure.traffic import Traffic, planned, usable_styles
from phoque.text import text_id
from tests.pressure_files import OneWord, decider, policy, pool, text, traffic, turns

MUTED_OFTEN = {"strikes": {"count": 2, "within": 300.0}, "mute": 120.0}


def tallied(own, rows):
    tally = Tally(own)
    for row in rows:
        tally.add(row)
    return tally


@pytest.mark.parametrize(
    ("value", "threshold", "level"),
    [(0.2, 0.2, 0.5), (0.1, 0.2, 0.25), (0.6, 0.2, 0.75), (0.5, 0.5, 0.5), (1.0, 1.0, 1.0),
     (0.99, 1.0, 0.495), (0.0, 0.0, 0.5), (1.0, 0.0, 1.0)],
)  # fmt: skip
def test_a_moderators_own_threshold_is_the_middle_of_the_level(value, threshold, level):
    assert rescaled(value, threshold) == pytest.approx(level)


@pytest.mark.parametrize(
    ("combine", "scores", "decision"),
    [
        ("any", (0.9, 0.1), Decision.FLAGGED),
        ("any", (0.1, 0.2), Decision.PASSES),
        ("any", (0.9, None), Decision.FLAGGED),
        ("any", (0.1, None), Decision.UNKNOWN),
        ("all", (0.9, 0.1), Decision.PASSES),
        ("all", (0.9, 0.8), Decision.FLAGGED),
        ("all", (0.1, None), Decision.PASSES),
        ("all", (0.9, None), Decision.UNKNOWN),
        ("weighted", (0.9, 0.3), Decision.FLAGGED),
        ("weighted", (0.5, 0.3), Decision.PASSES),
        ("weighted", (0.9, None), Decision.UNKNOWN),
        ("any", (None, None), Decision.UNKNOWN),
    ],
)
def test_moderators_are_combined_and_unknown_never_passes(combine, scores, decision):
    own = policy(
        combine=combine, moderators=({"use": "a", "weight": 3.0}, {"use": "b", "weight": 1.0})
    )
    if combine == "weighted":
        own = policy(
            combine=combine, moderators=({"use": "a", "weight": 2.0}, {"use": "b", "weight": 1.0})
        )
    one = decider(own, OneWord("a"), OneWord("b"))
    level = one.level(dict(zip("ab", scores, strict=True)))
    found = (
        Decision.UNKNOWN if level is None
        else Decision.FLAGGED if level >= own.threshold else Decision.PASSES
    )  # fmt: skip
    assert found is decision


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
    riddles = [text(f"a riddle {place}", kind=Kind.IMPLICIT) for place in range(4)]
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


@pytest.mark.parametrize("review", [None, {"from": 0.3, "capacity_per_hour": 600.0, "delay": 9.0}])
def test_the_numbers_are_those_of_the_trace(review):
    """Computed again from the rows, in other words."""
    riddles = [text(f"a riddle {place}", kind=Kind.IMPLICIT) for place in range(2)]
    own = policy(review=review, **MUTED_OFTEN)
    rows = [
        Turn.model_validate_json(row.model_dump_json()) for row in turns(own, texts=pool(riddles))
    ]
    tally = tallied(own, rows)
    check_against_trace(tally.measures(), tally, rows)


def is_seen(row):
    return row.outcome in ("shown", "removed")


def share(hits, rows):
    return pytest.approx(sum(map(hits, rows)) / len(rows))


def check_against_trace(found, tally, rows):
    check_messages(found, tally, rows)
    check_speakers(found, rows)
    check_parts(tally, rows)
    assert sum(one.seen for one in tally.speakers()) == sum(map(is_seen, rows))


def check_messages(found, tally, rows):
    decided = [r for r in rows if r.hostile and r.outcome != "unknown"]
    posted = [r for r in rows if r.outcome != "muted"]
    assert (found.leak.value, found.leak.n) == (share(is_seen, decided), len(decided))
    assert found.leak_at_worst.value == share(
        lambda r: is_seen(r) or r.outcome == "unknown", [r for r in rows if r.hostile]
    )
    assert tally.posted == len(posted)
    assert found.unknown.value == share(lambda r: r.outcome == "unknown", posted)
    assert found.reviewed.value == share(lambda r: r.waited is not None, posted)
    for role in ("civil", "blunt"):
        own = [r for r in posted if r.role == role and r.outcome != "unknown"]
        assert getattr(found, f"{role}_hidden").value == share(lambda r: r.outcome == "hidden", own)


def check_speakers(found, rows):
    said, first, before, actions = {}, {}, [], []
    for r in rows:
        for name, at in r.muted.items():
            first.setdefault((r.seed, name), at)
        if r.hostile:
            said.setdefault((r.seed, r.speaker), []).append(r)
    for speaker, own in said.items():
        mute = first.get(speaker, float("inf"))
        before.append(sum(is_seen(r) and r.at <= mute for r in own))
        done = [r.at + (r.waited or 0) for r in own if r.outcome in ("hidden", "removed")]
        actions += [min(done) - own[0].at] if done else []
    assert found.shown_before_mute.value == pytest.approx(sum(before) / len(said))
    assert found.never_muted.value == share(lambda one: one not in first, list(said))
    assert found.never_acted_on.value == pytest.approx(1 - len(actions) / len(said))
    waits = {}
    for r in rows:
        if r.waited is not None:
            waits.setdefault((r.seed, r.speaker), []).append(r.waited)
    means = [sum(own) / len(own) for own in waits.values()]
    assert (found.review_wait is None) == (not means)
    assert not means or found.review_wait.value == pytest.approx(sum(means) / len(means))
    assert found.first_action.value == pytest.approx(sum(actions) / len(actions))


def check_parts(tally, rows):
    posted = [r for r in rows if r.hostile and r.outcome != "muted"]
    decided = [r for r in posted if r.outcome != "unknown"]
    for group in tally.groups():
        field = "in_register" if group.by == "register" else group.by
        own = [r for r in decided if str(getattr(r, field)) == group.name]
        assert (group.shown.value, group.shown.n) == (share(is_seen, own), len(own))
    for point in tally.curve():
        assert point.missed.value == share(lambda r, at=point.threshold: r.level < at, decided)
    for one in tally.by_moderator(next(r.scores for r in rows if r.scores)):
        own = [r for r in posted if r.scores.get(one.name) is not None]
        assert one.missed.value == share(lambda r, name=one.name: r.scores[name] < 0.5, own)


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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: a\nmoderators: [{use: x}]\nthreshhold: 1", "there is no field threshhold"),
        ("name: a\nmoderators: [{use: x}]\nstrikes: {cuont: 1, within: 2}", "strikes.count is missing|no field strikes.cuont"),
        ("name: a\nmoderators: [{use: x}]\nthreshold: 1.2", "threshold: .*less than or equal to 1"),
        ("name: a\nmoderators: [{use: x, threshold: -0.1}]", "moderators.0.threshold"),
        ("name: a\nmoderators: [{use: x}]\nthreshold: yes", "threshold"),
        ("name: a\nmoderators: []", "moderators"),
        ("name: a\nmoderators: [{}]", "moderators.0: give one of use, endpoint and decisions"),
        ("name: a\nmoderators: [{use: x, endpoint: y}]", "found use and endpoint"),
        ("name: a\nmoderators: [{use: x}]\nreview: {from: 0.6, capacity_per_hour: 9}", "nothing would be reviewed"),
        ("name: a\nmoderators: [{use: x}]\ncombine: most", "combine"),
        ("- a", "should be an object"),
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused_in_one_line(text, told, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with pytest.raises(PhoqueError, match=told) as error:
        read_policy(str(file))
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_style_that_nobody_knows_is_refused(tmp_path):
    file = tmp_path / "traffic.yaml"
    file.write_text(json.dumps(traffic().model_dump(mode="json") | {"styles": ["sarcasm"]}))
    with pytest.raises(PhoqueError, match="there is no style 'sarcasm'"):
        read_settings(file, Traffic)


def test_the_shipped_policies_are_read():
    for name in ("words", "meaning"):
        found, _ = read_policy(name)
        assert isinstance(found, Policy)
        assert found.name == name
    assert "embedded.semantic" in [one.use for one in read_policy("meaning")[0].moderators]
