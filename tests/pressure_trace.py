"""The numbers of a pressure test, computed again from the rows of its trace in other words."""

import pytest


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
