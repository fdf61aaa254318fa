"""Every number of the slide table and of the ledger, which README and docs quote, again from the raw rows."""

from collections import Counter
from statistics import fmean

import pytest

from phoque.config import SHIPPED_RUN, SHIPPED_RUNS
from phoque.conversation import Condition
from phoque.files import read_json
from phoque.personas import load_persona
from phoque.report.claims import _behind, ledger
from phoque.report.evidence import evidence
from phoque.run.claims import Claims, Number
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import Reader
from phoque.run.psm import Selection, SweptReply
from phoque.run.psm_replies import Written
from phoque.run.report import MetricsTable
from phoque.run.sae_latents import Feature
from phoque.run.scored import ScoredReply
from phoque.stats.paired_ranks import chance_above
from phoque.stats.rates import by_cluster
from tests.raw_rows import again, bounds

READER = Reader(RunDirectory(SHIPPED_RUN), signed=True)
TABLE = {row.key: row for row in READER.read(MetricsTable).rows}
THRESHOLD = 0.5
PRIMARY = "embedded.mean"


def moderators():
    """Names of the moderators of the table, in its order."""
    named = sorted(READER.rows(ScoredReply)[0].raw, key=lambda name: name != PRIMARY)
    places = {
        row.label.split("(")[1].rstrip(")") for k, row in TABLE.items() if k[:9] == "moderator"
    }
    return [name for name in named if name in places]


def flagged(place: int, condition: str) -> float:
    name = moderators()[place]
    own = [r.raw[name] for r in READER.rows(ScoredReply) if r.condition is Condition(condition)]
    return sum(score >= THRESHOLD for score in own) / len(own)


def of_moderator(key: str) -> float:
    place, number, condition = key.removeprefix("moderator_").split(".")
    value = flagged(int(place) - 1, condition)
    return value if number == "flagged" else value - flagged(int(place) - 1, "neutral")


def insulting(key: str) -> float:
    own = [r.insults > 0 for r in READER.rows(Reply) if r.condition == key.partition(".")[2]]
    return sum(own) / len(own)


def written(column: str, condition: str) -> float:
    """Mean over prompts of the mean over a prompt's seeds."""
    prompts: dict[int, list[float]] = {}
    for row in READER.rows(Written):
        if row.condition == condition:
            prompts.setdefault(row.prompt_id, []).append(getattr(row, column))
    return fmean(map(fmean, prompts.values()))


def word_rate(key: str) -> float:
    condition = key.partition(".")[2]
    return written("toxic_word_rate", condition) - written("toxic_word_rate", "neutral")


def best_layer(key: str) -> float:
    """The choice itself is a rule; here its cell must be what the replies of the sweep say.

    A run whose sweep did not record what its judge saw has only the words of the cell.
    """
    found = READER.read(Selection)
    cell, lexicon = found.chosen_cell, load_persona("toxic").lexicon
    swept = READER.rows(SweptReply)
    rows = [row for row in swept if (row.layer, row.dose) == (cell.layer, cell.dose)]
    own = [lexicon.count(row.reply) > 0 for row in rows]
    assert (sum(own), len(own)) == (cell.quality.hits, cell.quality.n)
    shown = [row.shown for row in rows]
    if None not in shown:
        assert by_cluster((r.prompt, r.shown) for r in rows) == cell.quality.trait
        assert found.trait.by == "judge" or shown == own
    return float(getattr(found.choice, key.partition(".")[2]))


def of_latents(key: str) -> float:
    found = READER.rows(Feature)
    verdicts = Counter(one.verdict for one in found if one.verdict)
    if key == "sae.drivers":
        assert f"{verdicts.total()} latents moved" in TABLE[key].note
        return verdicts["driver"]
    top = max((one for one in found if one.moved), key=lambda one: abs(one.effect))
    assert TABLE[key].label.endswith(f"latent {top.latent}")
    return top.effect if key == "sae.top_shift" else top.did


def hostile(key: str) -> float:
    scores: dict[str, dict[str, list[float]]] = {}
    for row in READER.rows(Reply):
        scores.setdefault(row.condition, {}).setdefault(row.prompt, []).append(row.hostility)
    return chance_above(scores["base"], scores[key.partition(".")[2]]).value


AGAIN = {
    "hostile": hostile,
    "moderator_1": of_moderator,
    "moderator_2": of_moderator,
    "insulting": insulting,
    "selected": best_layer,
    "toxic_pathway_mass_mean": lambda key: written(*key.split(".")),
    "completing_mass_mean": lambda key: written(*key.split(".")),
    "word_rate": word_rate,
    "sae": of_latents,
}


@pytest.mark.parametrize("key", sorted(TABLE))
def test_a_number_of_the_table_is_what_its_raw_rows_say(key):
    row = TABLE[key]
    assert row.value == pytest.approx(AGAIN[key.split(".")[0]](key), abs=1e-6)


def quoted() -> dict[tuple[str, str, str, str], Number]:
    """Every number of both shipped ledgers; and of Pluribus also those that only the lab is asked for."""
    found = {}
    for run in ("lab", "pluribus"):
        for claim in Claims.load(SHIPPED_RUNS / run / "report", command="").claims:
            for part in (claim, *filter(None, [claim.control]), *claim.also):
                name = f"{claim.id}.{getattr(part, 'name', 'number')}"
                found[run, name, part.record, part.field] = part
    pluribus = Reader(RunDirectory(SHIPPED_RUNS / "pluribus"), signed=True)
    for told in ledger().claims:
        for name, source in told.sources.items():
            part = evidence(name, source, pluribus)
            found["pluribus itself", f"{told.id}.{name}", part.record, part.field] = part
    return {key: part for key, part in found.items() if part.value is not None}


QUOTED = quoted()


def rows_behind(name: str) -> str:
    """The file of raw rows that the ledger names for a number; empty where the number counts rows itself."""
    known, (claim, own) = ledger(), name.split(".")
    [told] = [one for one in known.claims if one.id == claim]
    source = told.sources[own]
    return known.rows[_behind(source, known.rows)] if isinstance(source, str) else ""


@pytest.mark.parametrize("key", sorted(QUOTED), ids=lambda key: f"{key[0]}-{key[1]}")
def test_a_number_of_the_ledger_is_what_its_raw_rows_say(key):
    part, (_, name, record, field) = QUOTED[key], key
    run = SHIPPED_RUNS / part.run
    needed = rows_behind(name)
    if needed and not (run / needed).is_file():
        pytest.skip(f"{part.run} was made before {needed} was kept")
    texts = {"control": "neutral", "people_neutral": "neutral", "chosen": "chosen"}
    more = {"texts": texts.get(name.split(".")[1], "sample")} if "labels" in record else {}
    found = again(run, record, field, **more)
    if found is None:
        return
    for now, kept in zip(bounds(found), (part.value, part.low, part.high), strict=True):
        assert (now is None) == (kept is None)
        # Cosines are computed with fewer digits than their products have.
        near = 1e-4 if needed.endswith("products.jsonl") else 1e-5
        assert now is None or now == pytest.approx(kept, abs=near)


def test_every_raw_file_is_the_one_that_was_signed():
    made = RunDirectory(SHIPPED_RUN).manifest().stages
    assert [file for one in made.values() for file in RunDirectory(SHIPPED_RUN).changed(one)] == []


def test_the_documents_quote_the_table_and_the_ledger():
    """`tools/findings.py --check` holds the pages to these two files; here they are signed."""
    outputs = RunDirectory(SHIPPED_RUN).manifest().stages["report"].outputs
    assert {"report/metrics_table.json", "report/claims.json"} <= set(outputs)
    assert len(read_json(SHIPPED_RUN / "report/claims.json")) > len(TABLE)
