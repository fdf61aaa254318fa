"""Every number of the slide table, which README and docs quote, again from the raw rows of the run."""

from collections import Counter
from statistics import fmean

import pytest

from phoque.config import SHIPPED_RUN
from phoque.conversation import Condition
from phoque.files import read_json
from phoque.personas import load_persona
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import Reader
from phoque.run.psm import Selection, SweptReply
from phoque.run.psm_replies import Written
from phoque.run.report import MetricsTable
from phoque.run.sae_latents import Feature
from phoque.run.scored import ScoredReply
from phoque.stats.paired_ranks import chance_above

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
    """The choice itself is a rule; here its cell must be what the replies of the sweep say."""
    found = READER.read(Selection)
    cell, lexicon = found.chosen_cell, load_persona("toxic").lexicon
    own = [
        lexicon.count(row.reply) > 0
        for row in READER.rows(SweptReply)
        if (row.layer, row.dose) == (cell.layer, cell.dose)
    ]
    assert (sum(own), len(own)) == (cell.quality.hits, cell.quality.n)
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


def test_every_raw_file_is_the_one_that_was_signed():
    made = RunDirectory(SHIPPED_RUN).manifest().stages
    assert [file for one in made.values() for file in RunDirectory(SHIPPED_RUN).changed(one)] == []


def test_the_documents_quote_the_table_and_the_ledger():
    """`tools/findings.py --check` holds the pages to these two files; here they are signed."""
    outputs = RunDirectory(SHIPPED_RUN).manifest().stages["report"].outputs
    assert {"report/metrics_table.json", "report/claims.json"} <= set(outputs)
    assert len(read_json(SHIPPED_RUN / "report/claims.json")) > len(TABLE)
