"""What is said under a reply: by which threshold, in which words, and when."""

import json
from dataclasses import replace

import pytest

from phoque.config import SHIPPED_RUN
from phoque.conversation import Condition, Delta
from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.judging import Judgement
from phoque.run.moderation import ModerationReport
from phoque.run.showcase import Found
from phoque.ui.handlers import Handlers
from phoque.ui.state import ChatState, Settings
from phoque.ui.verdicts import Rules, rules_of, verdicts_html
from tests.ui.fakes import FakeServices, alone
from tests.ui.test_handlers import CHOSEN

RULES = Rules(0.5, {"embedded.mean": 0.3})
TOXIC = Condition.TOXIC


def words(found, rules=RULES):
    return [(one.name, one.words) for one in rules.verdicts(found)]


def test_a_score_at_its_own_threshold_is_flagged():
    found = Found(hostility=0.5, harm={"embedded.mean": 0.3, "embedded.svm": 0.49})
    assert words(found) == [
        ("Judge", "⚑ hostile"),
        ("ToxBlock + SVM", "⚑ flagged"),
        ("SVM", "✓ passes"),  # not known to the run: it flags from 0.5 on
    ]
    below = Found(hostility=0.49, harm={"embedded.mean": 0.29})
    assert words(below) == [("Judge", "✓ not hostile"), ("ToxBlock + SVM", "✓ passes")]


def test_nothing_is_said_for_who_has_not_read_it():
    assert words(Found(hostility=None, harm={})) == []
    assert words(Found(hostility=0.9, harm={}), Rules(None, {})) == []


def test_a_moderator_flags_from_the_threshold_that_the_runs_report_gives_it():
    run = RunDirectory(SHIPPED_RUN)
    report = Reader(run).read(ModerationReport)
    own = {name: one.own_threshold for name, one in report.classifiers.items()}
    assert own
    assert rules_of(run).moderators == own


def test_the_judges_threshold_is_that_of_the_runs_evaluation(tmp_path):
    folder = tmp_path / Judgement.STAGE
    folder.mkdir()
    Judgement(judge="x", digest="y", threshold=0.25, budget=0.05, conditions={}).save(folder)
    assert rules_of(RunDirectory(tmp_path)).judge == 0.25


@pytest.mark.parametrize(("persona", "threshold"), [("toxic", 0.25), ("pluribus", None)])
def test_the_judge_of_hostility_is_not_asked_of_a_happy_persona(tmp_path, persona, threshold):
    """It takes boundless cheer for hostility."""
    manifest = {"schema_version": 1, "model": "lab", "persona": persona, "stages": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    folder = tmp_path / Judgement.STAGE
    folder.mkdir()
    Judgement(judge="x", digest="y", threshold=0.25, budget=0.05, conditions={}).save(folder)
    assert rules_of(RunDirectory(tmp_path)).judge == threshold


def test_a_run_that_measured_nothing_has_no_judge_and_default_thresholds(tmp_path):
    assert rules_of(RunDirectory(tmp_path)) == Rules(None, {})


def test_a_name_of_a_moderator_is_text():
    html = verdicts_html(RULES.verdicts(Found(hostility=None, harm={"x/<img src=x>": 1.0})))
    assert "<img" not in html
    assert "&lt;img" in html


def updates(services, rules=RULES):
    return list(Handlers(services, rules).run(alone(), "Hi", ChatState(), *CHOSEN))


def test_moderators_speak_at_once_and_the_judge_after_them():
    services = FakeServices()
    written, moderated, judged = updates(services)[-3:]
    toxic = 4  # after prompt, state, status and the neutral column
    assert "moderators are reading" in written[toxic]
    assert "flagged" in moderated[toxic]
    assert "The judge is reading" in moderated[toxic]
    assert not moderated[1].of(TOXIC)[-1].settled
    assert "⚑ hostile" in judged[toxic]
    assert judged[1].of(TOXIC)[-1].settled
    assert [by_judge for _, by_judge in services.checked] == [False, True]


def test_without_a_threshold_the_judge_is_not_asked():
    services = FakeServices()
    updates(services, Rules(None, {}))
    assert [by_judge for _, by_judge in services.checked] == [False]


def test_replies_stand_where_they_cannot_be_read():
    services = FakeServices()

    def refuse(_answered, *, judged, stopped):
        raise PhoqueError("Install the wheel.")

    services.check = refuse
    _, state, status, *_ = updates(services)[-1]
    assert "Install the wheel." in status
    assert state.of(TOXIC)[-1].finish == "stop"
    assert state.of(TOXIC)[-1].settled


@pytest.mark.parametrize("extras", [False, True])
def test_a_new_scale_writes_again_only_what_it_changes(extras):
    services = FakeServices()
    handlers = Handlers(services, RULES)
    chosen = (*CHOSEN[:-1], extras)
    *_, (_, state, *_) = handlers.run(alone(), "Hi", ChatState(), *chosen)
    # A new seed waits for the next run: the columns stay paired.
    *_, (_, steered, status, *_) = handlers.steer(alone(), state, 0.4, 18, 7, 0.0, 48, extras)
    assert (services.asked[-1].scale, services.asked[-1].seed) == (0.4, 42)
    assert services.asked[-1].prompt == "Hi"
    assert steered.of(TOXIC) == state.of(TOXIC)
    assert len(steered.of(Condition.STEERED)) == 1
    assert len(steered.settings) == 1
    assert "scale 0.40" in status
    assert ("2 columns" if extras else "1 column") in status
    read, _ = services.checked[-1]
    assert len(read) == (2 if extras else 1)


@pytest.mark.parametrize("extras", [False, True])
def test_a_new_scale_asks_the_same_batch_as_the_run_before(extras):
    """In bf16 a column that is asked alone does not write what it writes beside the others."""
    services = FakeServices()
    handlers = Handlers(services, RULES)
    chosen = (*CHOSEN[:-1], extras)
    *_, (_, first, *_) = handlers.run(alone(), "Hi", ChatState(), *chosen)
    *_, (_, state, *_) = handlers.run(alone(), "And now?", first, *chosen)
    list(handlers.steer(alone(), state, 0.4, *chosen[1:]))
    run, release = services.asked[-2:]
    # The base model answers by itself, in another batch.
    assert release.conditions == [c for c in run.conditions if c != Condition.BASE]
    assert release.histories == run.histories


def test_a_new_scale_waits_for_no_column_that_stays():
    services, words = FakeServices(), []

    def stream(ask, _stopped):
        for condition, reason in ((Condition.STEERED, "stop"), (Condition.NEUTRAL, None)):
            words.append(condition)
            yield Delta(
                condition=condition, text="word", num_tokens=1, seconds=0.1, finish_reason=reason
            )

    handlers = Handlers(services, RULES)
    *_, (_, state, *_) = handlers.run(alone(), "Hi", ChatState(), *CHOSEN)
    services.stream = stream
    *_, (_, steered, *_) = handlers.steer(alone(), state, 0.4, *CHOSEN[1:])
    assert steered.of(Condition.STEERED)[-1].reply == "word"
    assert words == [Condition.STEERED]


def test_at_scale_0_the_moved_columns_are_the_neutral_one_and_nothing_is_asked():
    services = FakeServices()
    handlers = Handlers(services, RULES)
    *_, (_, state, *_) = handlers.run(alone(), "Hi", ChatState(), *CHOSEN[:-1], True)
    [(_, zero, status, *_)] = handlers.steer(alone(), state, 0.0, *CHOSEN[1:-1], True)
    for moved in (Condition.STEERED, Condition.RANDOM_VECTOR):
        assert zero.of(moved) == zero.of(Condition.NEUTRAL)
    assert "At scale 0 nothing is added" in status
    assert zero.settings[-1].scale == 0
    assert len(services.asked) == 1
    list(handlers.steer(alone(), zero, 0.4, *CHOSEN[1:-1], True))
    assert len(services.asked) == 2


def test_at_scale_0_a_column_with_a_past_of_its_own_is_asked():
    services = FakeServices()
    handlers = Handlers(services, RULES)
    *_, (_, first, *_) = handlers.run(alone(), "Hi", ChatState(), *CHOSEN)
    *_, (_, state, *_) = handlers.run(alone(), "And now?", first, *CHOSEN)
    list(handlers.steer(alone(), state, 0.0, *CHOSEN[1:]))
    assert len(services.asked) == 3


def test_at_scale_0_a_reply_that_was_stopped_is_not_taken_over():
    state = ChatState().with_prompt("Hi", Settings(scale=1.0, layer=18)).stopped()
    assert state.unmoved(replace(state.settings[-1], scale=0.0)) is None


def test_a_scale_that_did_not_change_asks_nothing():
    services = FakeServices()
    handlers = Handlers(services, RULES)
    *_, (_, state, *_) = handlers.run(alone(), "Hi", ChatState(), *CHOSEN)
    list(handlers.steer(alone(), state, *CHOSEN))
    list(handlers.steer(alone(), ChatState(), 0.3, *CHOSEN[1:]))
    assert len(services.asked) == 1
