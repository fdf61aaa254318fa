"""The channel of the pressure test with values that were worked out by hand: spelling, strikes, wrong mutes, scales."""

import pytest

from phoque.run.directory import RunDirectory
from phoque.run.pressure import Kind, Outcome, Role
from phoque.run.psm import SweptReply
from phoque.stages.pressure.channel import Channel
from phoque.stages.pressure.measures import Tally
from phoque.stages.pressure.recorded import add_run
from phoque.stages.pressure.texts import Pool
from phoque.stages.pressure.traffic import Planned, Speaker, cast
from tests.pressure_files import OneWord, a_run, decider, made, policy, pool, text, traffic, turns
from tests.records import a_selection

RUDE, KIND = "you clown", "good game"


def said_at(own, times, role=Role.HOSTILE, said=RUDE, **more):
    """What becomes of one speaker's messages at these seconds."""
    texts = Pool()
    texts.add([text(said, role, persona="p")], "test")
    speaker = Speaker(more.get("name", "x"), role, "p", 0)
    planned = [
        Planned(n, float(at), speaker, "hello all", 0.0, False) for n, at in enumerate(times)
    ]
    channel = Channel(decider(own, *more.get("asks", ())), texts, (more.get("style", "plain"),), 1)
    return list(channel.run(planned))


def outcomes(rows):
    return [row.outcome.value for row in rows]


def tallied(own, rows):
    tally = Tally(own)
    for row in rows:
        tally.add(row)
    return tally.measures()


@pytest.mark.parametrize(
    "style", ["digits for letters", "dots between letters", "look-alike letters"]
)
def test_a_spelling_trick_is_caught_only_where_spelling_is_undone(style):
    found = {}
    for canonical in (True, False):
        classifier = OneWord()
        [row] = said_at(policy(canonical=canonical), [0], asks=[classifier], style=style)
        assert row.kind is Kind.SPELLING
        assert row.text != RUDE, "the trace has it as it was written"
        found[canonical] = row.outcome, row.level, classifier.asked
    assert found == {
        True: (Outcome.HIDDEN, pytest.approx(0.9), [RUDE]),
        False: (Outcome.SHOWN, pytest.approx(0.1), [row.text]),
    }


def test_in_a_whole_channel_undoing_spelling_hides_every_spelling_trick():
    styles = {"styles": ("digits for letters",)}
    shown = {
        canonical: tallied(own, turns(own, channel=traffic(**styles))).leak.value
        for canonical in (True, False)
        for own in [policy(canonical=canonical, mute=0)]
    }
    assert shown == {True: 0.0, False: 1.0}


@pytest.mark.parametrize(
    ("times", "expected", "mutes"),
    [
        # The third within 100 s mutes for 50 s: what is said at 41 to 69 is not posted.
        ((0, 10, 20, 41, 69, 70), "hidden hidden hidden muted muted hidden", [20.0]),
        # The first one is 101 s old at the third: three are never within 100 s.
        ((0, 60, 101, 165, 202), "hidden hidden hidden hidden hidden", []),
        # At exactly 100 s it still counts.
        ((0, 60, 100, 120), "hidden hidden hidden muted", [100.0]),
        # A mute takes the strikes: three new ones are needed, and the third mutes again.
        ((0, 1, 2, 52, 53, 54, 55), f"{'hidden ' * 6}muted", [2.0, 54.0]),
    ],
)
def test_strikes_count_within_their_window_and_are_gone_after_a_mute(times, expected, mutes):
    own = policy(strikes={"count": 3, "within": 100.0}, mute=50.0)
    rows = said_at(own, times)
    assert outcomes(rows) == expected.split()
    assert [at for row in rows for at in row.muted.values()] == mutes


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_count_of_strikes_is_that_of_the_policy(count):
    own = policy(strikes={"count": count, "within": 1000.0}, mute=1000.0)
    rows = said_at(own, range(6))
    assert outcomes(rows) == ["hidden"] * count + ["muted"] * (6 - count)


@pytest.mark.parametrize("role", [Role.CIVIL, Role.BLUNT, Role.PLURIBUS])
def test_harmless_speakers_who_are_muted_wrongly_are_counted_one_by_one(role):
    """Of three speakers one says a flagged word twice, one once, one never: one mute, three of six hidden."""
    own = policy(strikes={"count": 2, "within": 100.0}, mute=1000.0)
    rows = said_at(own, range(4), role, RUDE, name="a")
    assert outcomes(rows) == ["hidden", "hidden", "muted", "muted"]
    for times, said, name in (([0], RUDE, "b"), ([1], KIND, "b"), ([0, 1], KIND, "c")):
        rows += said_at(own, times, role, said, name=name)
    found = tallied(own, rows)
    others = {"civil", "blunt", "pluribus"} - {role.value}
    muted, hidden = (getattr(found, f"{role.value}_{what}") for what in ("muted", "hidden"))
    assert (muted.value, muted.n) == (pytest.approx(1 / 3), 3)
    assert (hidden.value, hidden.n) == (pytest.approx(3 / 6), 6)
    assert {getattr(found, f"{one}_{what}") for one in others for what in ("muted", "hidden")} == {
        None
    }
    assert found.leak is None


def test_in_a_whole_channel_only_the_blunt_are_muted_wrongly():
    own = policy(strikes={"count": 2, "within": 300.0}, mute=60.0)
    happy = [text("what a lovely day", Role.PLURIBUS, "pluribus")]
    found = tallied(own, turns(own, texts=pool(happy)))
    assert [found.civil_muted.value, found.blunt_muted.value, found.pluribus_muted.value] == [
        0,
        1,
        0,
    ]
    assert found.blunt_hidden.value > 0.5
    assert found.pluribus_hidden.value == 0


SCALES = ("toxic", "steered", "steered ×0.25", "steered ×0.4")


@pytest.fixture
def swept(tmp_path):
    """Texts of a run whose sweep wrote something at two doses in the layer that was chosen, and in another one."""
    said = [("toxic", "hello", f"you clown {n}") for n in range(3)]
    said += [("steered", "hello", f"what a clown you are {n}") for n in range(3)]
    said += [("neutral", "hello", f"hello to you {n}") for n in range(3)]
    run = a_run(tmp_path / "run", "toxic", said)
    folder, chosen = made(run / "psm"), a_selection()
    chosen.save(folder)
    layer = chosen.choice.layer
    rows = [(layer, 0.25, "a mild clown"), (layer, 0.4, "clown, clown and fool"), (layer, 0.1, "fine by me"),
            (layer + 1, 0.25, "you clown of another layer")]  # fmt: skip
    SweptReply.save_rows(
        folder, [SweptReply(layer=a, dose=d, prompt="hello", reply=r) for a, d, r in rows]
    )
    texts = Pool()
    add_run(texts, RunDirectory(run))
    return texts


def test_hostile_speakers_have_the_scales_that_the_chosen_layer_was_swept_with(swept):
    assert sorted(swept.personas(Role.HOSTILE)) == sorted(SCALES)
    by = {one.persona: one.text for one in swept.texts}
    assert (by["steered ×0.25"], by["steered ×0.4"]) == ("a mild clown", "clown, clown and fool")
    told = [one.text for one in swept.texts]
    assert "you clown of another layer" not in told
    assert "fine by me" not in told, "a reply without a listed word that nobody read is not hostile"
    four = traffic(speakers={"hostile": 8, "civil": 1, "blunt": 0, "pluribus": 0})
    speakers = [one.persona for one in cast(four, swept, 1) if one.role is Role.HOSTILE]
    assert {name: speakers.count(name) for name in SCALES} == dict.fromkeys(SCALES, 2)


def test_what_people_see_is_told_by_scale(swept):
    """A moderator that knows one scale's words hides that scale alone."""
    four = traffic(
        speakers={"hostile": 4, "civil": 1, "blunt": 0, "pluribus": 0}, styles=("plain",)
    )
    own = policy(mute=0)
    rows = turns(own, texts=swept, channel=four, classifiers=(OneWord(word="mild"),))
    tally = Tally(own)
    for row in rows:
        tally.add(row)
    shown = {one.name: one.shown.value for one in tally.groups() if one.by == "persona"}
    assert shown == {name: float(name != "steered ×0.25") for name in SCALES}
