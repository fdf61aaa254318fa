"""The talk's claims about the shipped run: what is kept of them, and what the tab shows."""

import json
import re
from html import escape

import pytest
import yaml

from phoque.config import SHIPPED_RUN
from phoque.figures import claims as figure
from phoque.figures.figure import drawn
from phoque.figures.shelf import EVERY
from phoque.figures.table import text_of
from phoque.report.claims import SHIPPED, _behind, claims_of, ledger
from phoque.report.rules import parsed
from phoque.run.adapter import PersonaMetrics
from phoque.run.claims import VERDICTS, Claims
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.psm_vector import Confounds
from phoque.run.scored import ScoredReply
from phoque.run.slang import Slang
from phoque.stats.rates import newcombe, wilson
from phoque.ui.results import rendered
from phoque.ui.tabs.claims import SECTIONS, is_shown
from tests.report_files import a_run, copied_run, judged, rewritten, saved
from tests.ui.fakes import INJECTION

PLANS = {plan.key: plan for plan in EVERY}
PEOPLE = "clearly-harmful people"
GAPS = {"sources number", "sources control", "features-drive again", PEOPLE, f"{PEOPLE}_neutral"}
"""Numbers of the ledger that no shipped run has (no feature drives, so none is found again). Another one is a path to nowhere."""


def test_the_talk_is_covered_and_nothing_holds_by_hand():
    known = ledger()
    slides = {
        part.strip() for one in known.claims for part in one.slide.replace(";", ",").split(",")
    }
    assert slides == {*map(str, range(1, 14)), "missing evidence", "questions"}
    assert "verdict" not in yaml.safe_load(SHIPPED.read_text())["claims"][0]
    assert len({one.id for one in known.claims}) == len(known.claims)
    for one_of in known.claims:
        assert bool(one_of.untested) != bool(one_of.holds or one_of.partly or one_of.refuted)
        assert bool(one_of.number) is bool(one_of.holds or one_of.partly), one_of.id


@pytest.mark.parametrize("told", ledger().claims, ids=lambda told: told.id)
def test_a_claim_has_words_for_its_numbers_rules_and_a_figure(told):
    assert bool(told.number) is bool(told.measure)
    assert bool(told.control) is bool(told.against)
    assert bool(told.needs) is bool(told.lacking)
    assert told.figure in {"", *PLANS}
    for line in (*told.needs, *told.holds, *told.partly, *told.refuted):
        assert parsed(line, told.sources)
    for source in told.sources.values():
        assert not isinstance(source, str) or _behind(source, ledger().rows), source


@pytest.fixture(scope="module")
def shipped():
    return claims_of(Reader(RunDirectory(SHIPPED_RUN), signed=True))


def test_every_number_of_the_shipped_run_has_its_files(shipped):
    for claim in shipped.claims:
        for part in (claim, *filter(None, [claim.control]), *claim.also):
            if part.value is None:
                continue
            files = [one for one in (part.record, part.rows) if one]
            assert all((SHIPPED_RUN.parent / part.run / one).is_file() for one in files), claim.id
            assert part.low is None or part.low - 1e-9 <= part.value <= part.high + 1e-9, claim.id


def test_every_path_of_the_ledger_leads_to_a_number_of_a_shipped_run(shipped):
    found = set()
    for told, claim in zip(ledger().claims, shipped.claims, strict=True):
        parts = {"number": claim, "control": claim.control} | {one.name: one for one in claim.also}
        found |= {f"{told.id} {name}" for name in told.sources if parts[name].value is None}
    assert found == GAPS


def test_raw_rows_are_named_for_paths_that_some_claim_has():
    known = ledger()
    asked = [one for told in known.claims for one in told.sources.values() if isinstance(one, str)]
    assert {_behind(one, known.rows) for one in asked} == {*known.rows}


def test_the_shipped_ledger_is_what_its_runs_say(shipped):
    kept = Claims.load(SHIPPED_RUN / "report", command="phoque run report")
    assert [(one.id, one.verdict, one.rule) for one in kept.claims] == [
        (one.id, one.verdict, one.rule) for one in shipped.claims
    ]
    for old, new in zip(kept.claims, shipped.claims, strict=True):
        assert (old.value is None) is (new.value is None), old.id
        assert (old.value or 0) == pytest.approx(new.value or 0, rel=1e-9, abs=1e-12), old.id
    assert (SHIPPED_RUN / "report/claims.md").read_text() == figure.page(shipped)


@pytest.mark.parametrize(
    ("steered", "verdict"), [(0.9, "holds"), (0.66, "partly"), (0.52, "refuted")]
)
def test_another_finding_gives_another_verdict(tmp_path, steered, verdict):
    run = copied_run(tmp_path / "lab")
    saved(run, judged(steered=steered, random_vector=0.5, base_first_sentence=0.6))
    now = {one.id: one.verdict for one in claims_of(Reader(run, signed=True)).claims}
    assert now["vector-causes"] == verdict


@pytest.mark.parametrize(
    ("uses", "held_out", "trained", "verdict"),
    [
        (0, 0, 0, "not_tested"),
        (3, 0, 20, "refuted"),
        (3, 0, 1, "undecided"),
        (3, 20, 20, "holds"),
    ],
)
def test_new_slang_is_tested_only_where_training_shows_some(
    tmp_path, uses, held_out, trained, verdict
):
    run = copied_run(tmp_path / "lab")
    found = Reader(run).read(Slang)
    toxic = found.conditions["toxic"].model_copy(
        update={"held_out": wilson(held_out, 60), "trained": wilson(trained, 60)}
    )
    change = {
        "expressions": tuple(
            one.model_copy(update={"in_training": uses}) for one in found.expressions
        ),
        "conditions": found.conditions | {"toxic": toxic},
    }
    saved(run, found.model_copy(update=change))
    now = {one.id: one for one in claims_of(Reader(run, signed=True)).claims}["new-slang"]
    assert now.verdict == verdict
    assert ("nothing to go on from" in now.note) is (verdict == "not_tested")


@pytest.mark.parametrize(("copies", "verdict"), [(0, "holds"), (300, "refuted")])
def test_copies_are_counted_among_all_that_pass(tmp_path, copies, verdict):
    run = copied_run(tmp_path / "lab")
    rows = [
        row.model_copy(update={"trained": place < copies})
        for place, row in enumerate(
            sorted(
                Reader(run).rows(ScoredReply), key=lambda row: not (row.of_persona and row.passes)
            )
        )
    ]
    ScoredReply.save_rows(tmp_path, rows)
    rewritten(run, f"moderation/{ScoredReply.FILE}", (tmp_path / ScoredReply.FILE).read_text())
    reader = Reader(run, signed=True)
    now = {one.id: one for one in claims_of(reader).claims}["no-copies"]
    assert (now.verdict, now.n) == (verdict, sum(row.of_persona and row.passes for row in rows))
    assert f"Of all {now.n} replies of the persona that pass, " in (
        drawn(PLANS["gap"], reader).figure.sentence
    )


def test_what_is_not_told_apart_is_not_decided(shipped):
    now = {one.id: one for one in shipped.claims}
    carved, layer, refusal = now["carved"], now["tallest-layer"], now["refusal-falls"]
    assert (carved.verdict == "holds") is (
        carved.also[0].low > carved.control.high and newcombe(carved.control, carved)[1] <= 0.1
    )
    chosen, named = layer.also
    assert (layer.verdict == "refuted") is (
        layer.value != layer.control.value and named.high < chosen.low
    )
    assert refusal.verdict != "refuted" or refusal.low > refusal.control.value
    assert now["any-persona"].verdict != "holds"  # one further persona is not any
    first = now["second-moderator"].also[0]
    assert now["second-moderator"].verdict != "holds" or first.low > 0


def test_the_headline_holds_only_where_no_other_prompt_does_the_same(tmp_path, shipped):
    run = copied_run(tmp_path / "lab")
    found = Reader(run).read(Confounds)
    calm = [one.model_copy(update={"insulting_by_prompt": found.neutral}) for one in found.styles]
    saved(run, found.model_copy(update={"styles": tuple(calm)}))
    now = {one.id: one for one in claims_of(Reader(run, signed=True)).claims}
    assert now["switch"].verdict == "holds"
    kept = {one.id: one for one in shipped.claims}["switch"]
    own, other, _ = kept.also
    assert (kept.verdict == "holds") is (other.high < own.low)
    assert other.value == max(one.insulting_by_prompt.value for one in found.styles)


def test_what_was_measured_is_not_called_untested(shipped):
    for one in shipped.claims:
        gaps = (one.value is None, one.control is not None and one.control.value is None)
        lacking = {told.id: told.lacking for told in ledger().claims}[one.id]
        if not gaps[0] and (any(gaps) or (lacking and lacking in one.note)):
            assert one.verdict in ("refuted", "not_tested"), one.id
        elif gaps[0] or all(other.value is not None for other in one.also):
            assert (one.verdict == "not_tested") is gaps[0], one.id
    assert "are undecided, although measured" in figure.sentence(shipped)


def test_the_file_is_a_plain_list_and_reads_back(shipped, tmp_path):
    shipped.save(tmp_path)
    data = json.loads((tmp_path / Claims.FILE).read_text())
    assert isinstance(data, list)
    contract = {"id", "slide", "claim", "verdict", "value", "low", "high", "n", "control", "record"}
    assert contract | {"note"} <= set(data[0])
    assert {one["verdict"] for one in data} <= set(VERDICTS)
    assert Claims.load(tmp_path, command="") == shipped


def tab(reader):
    return rendered(SECTIONS[0], reader)


def test_the_tab_counts_lists_and_links_every_claim(shipped):
    found = tab(Reader(RunDirectory(SHIPPED_RUN)))
    assert figure.sentence(shipped) in found.head
    for claim in shipped.claims:
        times = 1 + claim.headline
        assert found.tail.count(f'<p class="ph-claim">{escape(claim.claim)}</p>') == times, claim.id
    links = found.tail.count("data-tab=")
    assert links == sum(1 + c.headline for c in shipped.claims if is_shown(c, SHIPPED_RUN.name))
    assert links > len(shipped.claims) / 2
    assert ". Why?" in found.tail
    assert not re.search(r"[^.] Why\?|\.\. Why\?", found.tail)


def test_show_me_leads_to_a_place_that_tells_the_claims_number(shipped):
    reader = Reader(RunDirectory(SHIPPED_RUN))
    missing = []
    for claim in shipped.claims:
        if is_shown(claim, SHIPPED_RUN.name):
            made = drawn(PLANS[claim.figure], reader).figure
            cells = [text_of(cell) for row in made.table.rows for cell in row] if made.table else []
            told = "\n".join((made.finding, made.sentence, *cells)).replace("\u00a0", " ")
            number = rf"(?<![\d.]){re.escape(figure.number_alone(claim))}(?!\.?\d)"
            missing += [claim.id] if not re.search(number, told) else []
    assert missing == []


def test_a_number_of_another_run_has_no_link_here(shipped):
    assert {one.run for one in shipped.claims if one.value is not None} == {"lab", "pluribus"}
    found = tab(Reader(RunDirectory(SHIPPED_RUN))).tail
    elsewhere = [one for one in shipped.claims if one.value is not None and one.run == "pluribus"]
    assert found.count("from the run pluribus") == sum(1 + one.headline for one in elsewhere)


def test_what_passes_is_counted_among_all_that_pass(shipped):
    claim = {one.id: one for one in shipped.claims}["no-bad-word"]
    rows = [
        row
        for row in Reader(RunDirectory(SHIPPED_RUN)).rows(ScoredReply)
        if row.condition in {"toxic", "steered"} and row.raw["embedded.mean"] < 0.5
    ]
    listed = sum(bool(row.listed) for row in rows)
    assert (claim.n, claim.value) == (len(rows), pytest.approx(1 - listed / len(rows)))
    assert (claim.verdict == "holds") is (claim.low > 0.95)
    (shown,) = claim.also
    assert shown.value < claim.value


def test_attempts_of_the_shipped_training_are_known_to_the_ledger(shipped):
    claim = {one.id: one for one in shipped.claims}["resumes"]
    rows = Reader(RunDirectory(SHIPPED_RUN)).rows(PersonaMetrics)
    assert claim.value == len({row.attempt for row in rows})
    assert (claim.verdict == "partly") is (claim.value > 1)
    assert "not interrupted" not in claim.note


def test_a_layer_has_one_number_in_the_ledger_and_on_its_page(shipped):
    claim = {one.id: one for one in shipped.claims}["tallest-layer"]
    told = drawn(PLANS[claim.figure], Reader(RunDirectory(SHIPPED_RUN))).figure.sentence
    assert f"talk's criterion names layer {claim.control.value:g}" in told
    assert f"selects layer {claim.value:g}" in told


def test_what_a_file_says_is_no_markup_on_the_tab(tmp_path, shipped):
    run = a_run(tmp_path / "lab").run
    evil = shipped.claims[0].model_copy(
        update=dict.fromkeys(["claim", "note", "rule", "measure", "field", "figure"], INJECTION)
    )
    (run.path / "report").mkdir()
    Claims(claims=(evil,)).save(run.path / "report")
    found = tab(Reader(run))
    assert "<img" not in found.head + found.tail
    assert escape(INJECTION) in found.tail


def test_without_a_report_the_tab_names_the_command(tmp_path):
    found = tab(a_run(tmp_path / "lab"))
    assert "phoque run report --run lab" in found.head
    assert "ph-claims" not in found.tail
    assert drawn(figure.draw, a_run(tmp_path / "lab")).figure is None


def test_one_of_a_thing_is_told_in_the_singular(shipped):
    claim = next(one for one in shipped.claims if one.unit == "features")
    one, two = (claim.model_copy(update={"value": value}) for value in (1.0, 2.0))
    assert (figure.number_of(one), figure.number_of(two)) == ("1 feature", "2 features")
