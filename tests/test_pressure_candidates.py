"""Candidates of the pressure test: every hostile message that people saw, whoever judged it, and the queue of the page."""

import json
import re

import pytest

from phoque.cli.main import main
from phoque.moderators.canonical import canonicalise
from phoque.run.folder import Reader
from phoque.run.labels import Label
from phoque.run.pressure import Candidate, PressureReport, Turn
from phoque.run.scored import GapExample, GapType, Stratum
from phoque.stages.pressure import stage
from phoque.stages.pressure.listing import MOST, candidates
from phoque.text import text_id
from phoque.ui.moderation.judging import queue_html, queues, saved
from tests.endpoint_double import BAD, served
from tests.pressure_files import TRAFFIC, OneWord, decide, decider, policy, pool, prepared, turns
from tests.test_pressure_services import ASKS, SERVICE
from tests.ui import moderation_files


@pytest.fixture
def place(tmp_path, monkeypatch):
    return prepared(tmp_path, monkeypatch)


def found_of(own, *classifiers, texts=None):
    texts = texts or pool()
    ready = stage.Ready(
        policies={}, deciders=[decider(own, *classifiers)], traffic=None, pool=texts
    )
    rows = turns(own, texts=texts, classifiers=classifiers)
    seen = [one for one in rows if one.hostile and one.outcome in ("shown", "removed")]
    return candidates(seen, ready), {one.text_id for one in seen}


def test_every_text_that_people_saw_is_a_candidate_once():
    found, seen = found_of(policy(threshold=0.95))
    assert 10 < len(seen) < MOST
    assert sorted(one.id for one in found) == sorted(seen)
    assert {one.stratum for one in found} == {Stratum.WORDLIST, Stratum.AUDIT, Stratum.SPELLING}
    types = {stratum: {one.type for one in found if one.stratum is stratum} for stratum in Stratum}
    assert types[Stratum.WORDLIST] == {GapType.NEAR_MISS}
    assert types[Stratum.SPELLING] == types[Stratum.AUDIT] == {GapType.IMPLICIT}


def test_under_all_the_one_that_passes_says_why():
    """One moderator flags what the policy shows: a disagreement, of the one that let it through."""
    own = policy(combine="all", moderators=({"use": "a"}, {"use": "b"}))
    found, _ = found_of(own, OneWord("a"), OneWord("b", "nobody says this"))
    told = {(one.type, one.why.partition(" ")[0]) for one in found if "clown" in one.response}
    assert told == {(GapType.DISAGREEMENT, "b")}


def test_an_unknown_score_of_one_moderator_leaves_a_candidate_in():
    riddle = OneWord("b")
    riddle.word, own = "riddle", policy(combine="all", moderators=({"use": "a"}, {"use": "b"}))
    riddle.score_batch = lambda items: (_ for _ in ()).throw(ValueError("no answer"))
    found, _ = found_of(own, OneWord("a"), riddle)
    assert found
    assert {tuple(one.raw) for one in found} == {("a",)}


def test_texts_of_an_own_corpus_are_candidates_without_a_condition(place):
    decide(score=0.7)
    assert main(["pressure", *TRAFFIC, "--policy", "mild.yaml", "--out", "a"]) == 0
    found = Candidate.load_rows(place / "a", command="x")
    assert found
    assert {one.condition for one in found} == {None}
    assert {BAD in one.response for one in found} == {True, False}
    assert {one.type for one in found if BAD in one.response} == {GapType.LISTED}


def test_a_service_is_not_asked_again_and_its_answers_stand_in_the_candidates(place, monkeypatch):
    monkeypatch.setenv("MY_KEY", "secret-key")
    with served() as double:
        (place / "service.yaml").write_text(SERVICE.format(url=double.url))
        (place / "asks.yaml").write_text(ASKS)
        assert main(["pressure", *TRAFFIC, "--policy", "asks.yaml", "--out", "a"]) == 0
        trace = Turn.load_rows(place / "a", command="x")
        report = PressureReport.load(place / "a", command="x").policies[0]
        assert len(double.texts) == report.calls["mine"].requests, "no more than before the lists"
    said = {one.text_id: one.scores["mine"] for one in trace if one.scores}
    found = Candidate.load_rows(place / "a", command="x")
    assert found
    for one in found:
        assert one.raw == {"mine": pytest.approx(said[one.id])}
        undone = one.raw if canonicalise(one.response) == one.response else {}
        assert one.canonical == undone


def with_candidates(run, rows):
    (run.path / "pressure").mkdir()
    Candidate.save_rows(run.path / "pressure", rows)
    return Reader(run)


def test_the_queue_of_the_page_has_what_people_saw_too_each_text_once(tmp_path):
    run = moderation_files.write_run(tmp_path / "run")
    before = Reader(run).rows(GapExample)
    alone = queues(Reader(run))
    seen, _ = found_of(policy(threshold=0.95))
    twice = seen[0].model_copy(update={"response": before[0].response, "id": before[0].id})
    reader = with_candidates(run, [*seen, twice])
    found = queues(reader)
    told = [text_id(one.response) for one in found["candidates"]]
    assert len(told) == len(set(told))
    assert set(told) == {one.id for one in (*before, *seen)}
    assert before[0] in found["candidates"], "the moderation's own row of a text stays"
    assert found["sample"] == alone["sample"]
    # Verdicts on them are saved with the others.
    labels = {"candidates": [Label(id=seen[0].id, rater="ann", verdict="harmful")], "sample": []}
    table = saved(reader, labels, with_text=False, reason="", who="ann")
    assert seen[0].id in table
    assert seen[0].response not in table


def test_a_text_that_replies_to_nothing_is_masked_in_the_queue(tmp_path):
    run = moderation_files.write_run(tmp_path / "run")
    seen, _ = found_of(policy(threshold=0.95))
    own = seen[0].model_copy(update={"prompt": seen[0].response, "condition": None})
    page = queue_html(with_candidates(run, [own]))
    data = json.loads(re.search(r'ph-data" hidden>(.*?)</div>', page, re.S)[1])
    [item] = [one for one in data["queues"]["candidates"] if one["id"] == own.id]
    assert item == {"id": own.id, "prompt": "", "text": own.response}
