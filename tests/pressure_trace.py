"""Every number of a pressure test, computed again from the rows of its trace in other words, intervals too."""

from types import SimpleNamespace

import numpy as np
import pytest

from phoque.run.pressure import CurvePoint, Group, HarmlessGroup, Measures, ModeratorMeasures
from phoque.stats.rates import nested_share, share_of_counts
from phoque.stats.resampling import middle_95, nested_means

HARMLESS = ("civil", "blunt", "pluribus")
GROUPED = {"kind": "kind", "persona": "persona", "register": "in_register", "style": "style"}


def reported(tally, price=0.0):
    """What a report says of a policy, straight from its counts."""
    names = [one.use for one in tally.policy.moderators]
    return SimpleNamespace(
        posted=tally.posted,
        measures=tally.measures(price),
        groups=tally.groups(),
        harmless_groups=tally.harmless(),
        by_moderator=tally.by_moderator(names),
        curve=tally.curve(),
        speakers=tally.speakers(),
    )


def check_against_trace(found, policy, rows, price=0.0):
    """Every field of every part of the report: one that is not computed here again is told."""
    assert found.posted == len(posted(rows))
    same(found.measures, measures(rows, price), Measures)
    check_groups(found, rows)
    check_moderators(found, policy, rows)
    check_curve(found, rows)
    check_speakers(found, rows)


def same(found, expected, kind):
    assert {*expected} == {*kind.model_fields}
    for name, value in expected.items():
        assert numbers(getattr(found, name)) == pytest.approx(numbers(value)), name


def numbers(value):
    """A rate or a mean as its numbers, a table of them by name, anything else as it is."""
    if isinstance(value, dict):
        return {f"{key} {i}": n for key, one in value.items() for i, n in enumerate(numbers(one))}
    if hasattr(value, "low"):
        return (value.value, value.n, value.low, value.high)
    return value


def is_seen(row):
    return row.outcome in ("shown", "removed")


def is_hidden(row):
    return row.outcome == "hidden"


def posted(rows):
    return [r for r in rows if r.outcome != "muted"]


def known(rows):
    return [r for r in rows if r.outcome != "unknown"]


def share(hits, rows):
    """Over speakers within seeds, or over what texts reply to: what is wider."""
    if not rows:
        return None
    seeds, sources = {}, {}
    for r in rows:
        for counts, key in ((seeds.setdefault(r.seed, {}), r.speaker), (sources, r.source)):
            counts.setdefault(key, []).append(bool(hits(r)))
    speakers = nested_share([[(sum(o), len(o)) for o in own.values()] for own in seeds.values()])
    texts = share_of_counts([(sum(o), len(o)) for o in sources.values()])
    return max(speakers, texts, key=lambda one: one.high - one.low)


def of_speakers(holds):
    """A share of speakers, by seed and name."""
    seeds = {}
    for (seed, _), one in holds.items():
        seeds.setdefault(seed, []).append((int(one), 1))
    return nested_share([*seeds.values()]) if seeds else None


def mean(values):
    """Of numbers of speakers, by seed and name."""
    if not values:
        return None
    seeds = {}
    for (seed, _), value in values.items():
        seeds.setdefault(seed, []).append(value)
    low, high = middle_95(nested_means([np.array(own, float) for own in seeds.values()]))
    middle = sum(values.values()) / len(values)
    return SimpleNamespace(value=middle, n=len(values), low=low, high=high)


def said_by(rows):
    found = {}
    for r in rows:
        found.setdefault((r.seed, r.speaker), []).append(r)
    return found


def first_mutes(rows):
    first = {}
    for r in rows:
        for name, at in r.muted.items():
            first.setdefault((r.seed, name), at)
    return first


def before_mute(rows, mutes):
    return {
        who: sum(is_seen(r) and r.at <= mutes.get(who, float("inf")) for r in own)
        for who, own in said_by(rows).items()
    }


def actions(rows):
    found = {}
    for who, own in said_by(rows).items():
        done = [r.at + (r.waited or 0) for r in own if r.outcome in ("hidden", "removed")]
        if done:
            found[who] = min(done) - own[0].at
    return found


def measures(rows, price):
    hostile, sent, mutes = [r for r in rows if r.hostile], posted(rows), first_mutes(rows)
    acted, full = actions(hostile), [r for r in sent if r.reviewed and r.waited is None]
    waits = {
        who: [r.waited for r in own if r.waited is not None] for who, own in said_by(rows).items()
    }
    tried = share(lambda r: r.outcome != "muted", rows)
    cost = {name: 1000 * price * getattr(tried, name) for name in ("value", "low", "high")}
    found = {
        "leak": share(is_seen, known(hostile)),
        "leak_at_worst": share(lambda r: is_seen(r) or r.outcome == "unknown", hostile),
        "unknown": share(lambda r: r.outcome == "unknown", sent),
        "shown_before_mute": mean(before_mute(hostile, mutes)),
        "never_muted": of_speakers({who: who not in mutes for who in said_by(hostile)}),
        "first_action": mean(acted),
        "never_acted_on": of_speakers({who: who not in acted for who in said_by(hostile)}),
        "reviewed": share(lambda r: r.waited is not None, sent),
        "review_wait": mean({who: sum(own) / len(own) for who, own in waits.items() if own}),
        "review_full": len(full),
        "review_full_share": share(lambda r: r in full, sent),
        "cost_per_1000": 1000 * price,
        "cost_per_1000_tried": SimpleNamespace(n=len(said_by(rows)), **cost),
    }
    for role in HARMLESS:
        own = [r for r in rows if r.role == role]
        found[f"{role}_hidden"] = share(is_hidden, known(posted(own)))
        found[f"{role}_muted"] = of_speakers({who: who in mutes for who in said_by(own)})
    return found


def check_groups(found, rows):
    mutes, sent = first_mutes(rows), posted(rows)
    for hostile, groups in ((True, found.groups), (False, found.harmless_groups)):
        fields = GROUPED if hostile else {name: GROUPED[name] for name in ("persona", "register")}
        decided = [r for r in known(sent) if r.hostile == hostile]
        names = {(by, str(getattr(r, field))) for by, field in fields.items() for r in decided}
        assert [(one.by, one.name) for one in groups] == sorted(names)
        for one in groups:
            own = [r for r in sent if r.hostile == hostile]
            own = [r for r in own if str(getattr(r, GROUPED[one.by])) == one.name]
            expected = {"by": one.by, "name": one.name}
            if hostile:
                expected["shown"] = share(is_seen, known(own))
                expected["seen_before_mute"] = mean(before_mute(own, mutes))
                expected["first_action"] = mean(actions(own))
            else:
                expected["hidden"] = share(is_hidden, known(own))
            same(one, expected, Group if hostile else HarmlessGroup)


def check_moderators(found, policy, rows):
    names = list(next(r.scores for r in rows if r.scores))
    assert [one.name for one in found.by_moderator] == names
    for one, source in zip(found.by_moderator, policy.moderators, strict=True):
        own = [r for r in posted(rows) if r.scores.get(one.name) is not None]
        hostile, harmless = ([r for r in own if r.hostile == side] for side in (True, False))

        def flags(r, name=one.name, at=source.threshold):
            return r.scores[name] >= at

        def passes(r):
            return not flags(r)  # used at once

        start = {who: first[0].at for who, first in said_by(rows).items()}
        flagged = said_by([r for r in hostile if flags(r)])
        by_kind = {k: share(passes, [r for r in hostile if r.kind == k]) for k in
                   ("listed word", "spelling", "implicit")}  # fmt: skip
        by_role = {k: share(flags, [r for r in harmless if r.role == k]) for k in HARMLESS}
        silent = [r for r in posted(rows) if r.scores[one.name] is None]
        expected = {
            "name": one.name,
            "missed": share(passes, hostile),
            "false_alarms": share(flags, harmless),
            "unknown": len(silent),
            "unknown_share": share(lambda r: r in silent, posted(rows)),  # noqa: B023
            "first_flag": mean({who: of[0].at - start[who] for who, of in flagged.items()}),
            "missed_by_kind": {k: rate for k, rate in by_kind.items() if rate},
            "false_alarms_by_role": {k: rate for k, rate in by_role.items() if rate},
        }
        same(one, expected, ModeratorMeasures)


def check_curve(found, rows):
    decided = known(posted(rows))
    hostile, harmless = ([r for r in decided if r.hostile == side] for side in (True, False))
    costs = [(one.missed.value, one.false_alarms.value) for one in found.curve]
    for one, (missed, alarms) in zip(found.curve, costs, strict=True):
        better = [
            (m, a) for m, a in costs if m <= missed and a <= alarms and m + a < missed + alarms
        ]
        expected = {
            "threshold": one.threshold,
            "missed": share(lambda r, at=one.threshold: r.level < at, hostile),
            "false_alarms": share(lambda r, at=one.threshold: r.level >= at, harmless),
            "best": not better,
        }
        same(one, expected, CurvePoint)


def check_speakers(found, rows):
    said, acted = said_by(rows), actions(rows)
    assert [(one.seed, one.speaker) for one in found.speakers] == sorted(said)
    for one in found.speakers:
        own = said[one.seed, one.speaker]
        mutes = sum(one.speaker in r.muted for r in rows if r.seed == one.seed)
        waited = [r.waited for r in own if r.waited is not None]
        assert (one.attempts, one.seen, one.hidden) == (
            len(own),
            sum(map(is_seen, own)),
            sum(map(is_hidden, own)),
        )
        assert (one.role, one.unknown) == (own[0].role, len(own) - len(known(own)))
        assert (one.mutes, one.reviewed) == (mutes, len(waited))
        assert one.waited == pytest.approx(sum(waited))
        assert one.seen_before_mute == before_mute(own, first_mutes(rows))[one.seed, one.speaker]
        assert one.first_action == pytest.approx(acted.get((one.seed, one.speaker)))
