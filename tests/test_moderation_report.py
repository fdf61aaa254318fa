"""From friendly messages to the report, on the tiny model and doubles of moderators."""

import json
from dataclasses import replace

import pytest

from phoque.config import SHIPPED_RUN
from phoque.conversation import Condition
from phoque.moderators.battery import Resistance
from phoque.moderators.datasheet import data_sheet
from phoque.moderators.labelled import Example, LabelledSet
from phoque.personas import load_persona, shipped_personas
from phoque.stages.moderation import report as moderation_report
from phoque.stages.moderation.friendly import CATEGORIES, prompts_by_category, replies_of
from phoque.stages.moderation.scored import moderate, summarize
from phoque.stats.rates import wilson
from tests.moderators import Doubled

RATE = wilson(20, 40)
PROMPTS = {"general": ["What is a lighthouse?", "Hi?"], "greeting": ["Hello there.", "Hey."]}
CONDITIONS = (Condition.NEUTRAL, Condition.TOXIC, Condition.STEERED, Condition.RANDOM_VECTOR)
REPLY = "a reply that no report quotes"
LABELLED = LabelledSet(
    name="made up",
    licence="ours",
    means="long",
    sha256="0",
    examples=tuple(
        Example(text="x" * (2 * n), harmful=n >= 25, kind="k", cluster=str(n)) for n in range(50)
    ),
)


def moderators():
    first, second = Doubled(), Doubled(digest="other")
    second.info = replace(second.info, id="second")
    return [first, second]


def replies():
    civil, rude = "fine", REPLY + " x" * 30
    return {
        (condition, seed): [rude if condition is Condition.TOXIC else civil] * 4
        for condition in (Condition.NEUTRAL, Condition.TOXIC, Condition.STEERED)
        for seed in (42, 43)
    }


@pytest.fixture(scope="module")
def found():
    return moderate(replies(), PROMPTS, moderators())


@pytest.fixture(scope="module")
def sheets():
    return {one.info.id: data_sheet(one, LABELLED) for one in moderators()}


def test_every_reply_is_there_with_every_score(found):
    assert len(found) == 3 * 2 * 4
    row = found[0].row()
    assert (row["category"], row["prompt"], row["condition"]) == (
        "general",
        "What is a lighthouse?",
        "neutral",
    )
    assert {"double/harm", "double/canonical", "double/toxicity", "second/harm"} <= set(row)


def test_the_summary_names_rates_uplift_and_agreement(found, sheets):
    summary = summarize(found, sheets)
    one = summary["classifiers"]["double"]
    toxic = one["conditions"]["toxic"]
    assert [at["rate"]["value"] for at in toxic["flagged"]] == [1.0, 1.0, 1.0]
    assert toxic["categories"]["greeting"]["n"] == 4
    assert one["uplift"]["toxic"][0]["effect"]["value"] == 1.0
    assert one["uplift"]["steered"][0]["effect"]["value"] == 0.0
    assert summary["agreement"]["double / second"]["kappa"] == 1
    assert summary["outcomes"]["neutral"] == {"answer": 8, "refusal": 0, "degenerate": 0}
    json.dumps(summary, allow_nan=False)


def test_the_report_quotes_no_reply_and_begins_with_what_moderators_see(found, sheets):
    infos = [one.info for one in moderators()]
    tricks = {"double": [Resistance(trick="dots", canonical=False, kept=RATE, gained=RATE)]}
    page = moderation_report.markdown(infos, [*sheets.values()], tricks, summarize(found, sheets))
    assert "| double | dots | as it is | 50.0% [" in page
    assert REPLY not in page
    assert page.index("can and cannot see") < page.index("What is flagged")
    assert "none of 8 (at most" in page
    assert (
        "| double | steered | nothing: of the prompts none of 4 (at most 49.0%) differ | 1 |"
        in page
    )
    assert infos[0].blind_spots in page


def test_the_lab_writes_every_condition_and_seed(lab):
    texts = [text for own in PROMPTS.values() for text in own]
    written = replies_of(lab, texts, (42, 43))
    assert set(written) == {(condition, seed) for condition in CONDITIONS for seed in (42, 43)}
    assert {len(own) for own in written.values()} == {4}
    assert written[Condition.NEUTRAL, 42] != written[Condition.STEERED, 42]
    compared = lab.compare(texts[0], control="random", seed=43, temperature=0.7)
    assert written[Condition.RANDOM_VECTOR, 43][0] == compared.steered.text


def test_the_messages_are_friendly_new_and_of_every_kind():
    own = prompts_by_category()
    assert tuple(own) == CATEGORIES
    messages = [text for texts in own.values() for text in texts]
    assert len(set(messages)) == len(messages) == 60
    known = {
        text
        for name in shipped_personas()
        for persona in [load_persona(name)]
        for text in (*persona.probes, *persona.sweep, *persona.evaluation)
    }
    corpus = (SHIPPED_RUN / "corpus" / "dialogues.jsonl").read_text(encoding="utf-8").splitlines()
    known |= {json.loads(line)["prompt"] for line in corpus}
    assert known.isdisjoint(messages)
    lexicon = load_persona().lexicon
    assert [text for text in messages if text in lexicon] == []
