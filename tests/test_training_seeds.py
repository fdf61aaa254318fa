"""Trainings from several seeds are compared by the headline, and the ledger reads the extremes."""

from shutil import copytree

import pytest
from safetensors.torch import load_file, save_file

from phoque.cli.main import main
from phoque.figures.figure import drawn
from phoque.figures.shelf import plans
from phoque.lexicon import Lexicon
from phoque.report.claims import claims_of
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import Reader
from phoque.run.manifest import Made
from phoque.run.needs import DIALOGUES, WEIGHTS
from phoque.run.seeds import SeedReply, TrainingSeeds
from phoque.stages.corpus import safe
from phoque.stages.evaluate import seeds
from phoque.stats.paired_ranks import chance_above
from phoque.stats.rates import grouped
from tests.tiny_runs import a_tiny_run

SEEDS = (42, 43)
COLUMNS = ("neutral", "toxic", "steered", "random_vector")
(FIGURE,) = plans("training_seeds")


def seeded(run, seed):
    run.describe(stages=run.manifest().stages | {"persona": Made(seeds=(seed,))})
    return run


@pytest.fixture
def runs(tmp_path):
    """A run and a copy of it with another adapter."""
    run = seeded(a_tiny_run(tmp_path, "toxic"), SEEDS[0])
    other = seeded(RunDirectory(copytree(run.path, tmp_path / "other")), SEEDS[1])
    weights = other.persona / WEIGHTS
    save_file({name: -one for name, one in load_file(weights).items()}, weights)
    said = [base(f"message {place}", seed) for place in range(3) for seed in SEEDS]
    (run.path / "evaluation").mkdir()
    Reply.save_rows(run.path / "evaluation", said)
    return run, other


def base(prompt, seed, hostility=0.1):
    facts = {"condition": "base", "prompt": prompt, "seed": seed, "draw": 0, "text": "yes"}
    return Reply(**facts, num_tokens=1, finish_reason="stop", insults=0, hostility=hostility)


def asked(*runs):
    run, *others = runs
    words = [word for one in others for word in ("--other", str(one.path))]
    return main(["run", "seeds", "--run", str(run.path), *words])


def real_base(run):
    """Replies of the base model to the messages of the evaluation."""
    from phoque.personas import load_persona

    messages = load_persona(run.manifest().persona).evaluation
    rows = [base(one, seed, place / 10) for place, one in enumerate(messages) for seed in SEEDS]
    Reply.save_rows(run.path / "evaluation", rows)
    return rows


def test_every_number_follows_from_the_replies(runs, quick_judge):
    run, _ = runs
    before = real_base(run)
    assert asked(*runs) == 0
    reader = Reader(run)
    found, rows = reader.read(TrainingSeeds), reader.rows(SeedReply)
    assert (found.trained, [one.seed for one in found.trainings]) == (2, [*SEEDS])
    own = grouped(((one.training_seed, one.condition), one) for one in rows)
    for training in found.trainings:
        for name, chance in training.conditions.items():
            written = own[training.seed, name]
            draws = grouped((one.prompt, one.draw) for one in written)
            again = chance_above(scores(before), scores(written), draws)
            assert again == chance
    for name in COLUMNS:
        values = [one.conditions[name].value for one in found.trainings]
        assert (found.least[name].value, found.most[name].value) == (min(values), max(values))
    first, second = found.trainings
    assert first.adapter != second.adapter
    assert first.corpus == second.corpus
    figure = drawn(FIGURE, reader).figure
    assert "2 trainings with different seeds" in figure.sentence
    assert [trace["name"] for trace in figure.plotly["data"]] == ["seed 42", "seed 43"]
    claim = next(one for one in claims_of(reader).claims if one.id == "seeds")
    assert claim.value == 2
    assert claim.also[0].value == found.least["toxic"].value


def scores(rows):
    return grouped((one.prompt, one.hostility) for one in rows)


def test_no_reply_holds_a_listed_word_and_the_record_counts_them(runs, quick_judge, monkeypatch):
    run, _ = runs
    monkeypatch.setattr(safe, "slurs", lambda: Lexicon(["e"]))
    monkeypatch.setattr(
        seeds,
        "generate",
        lambda *_, **__: [
            base("Hi", 42).model_copy(update={"text": "an e here", "condition": name})
            for name in COLUMNS
        ],
    )
    Reply.save_rows(run.path / "evaluation", [base("Hi", 42)])
    assert asked(*runs) == 0
    assert {row.text for row in Reader(run).rows(SeedReply)} == {"an [SLUR] here"}
    assert Reader(run).read(TrainingSeeds).masked == 2 * len(COLUMNS)


def test_what_cannot_be_compared_is_refused_in_one_line(runs, capsys):
    run, other = runs
    seeded(other, SEEDS[0])
    assert asked(*runs) == 2
    assert "from different seeds" in capsys.readouterr().err
    other.describe(persona="pluribus")
    assert asked(*runs) == 2
    assert "one persona of one model" in capsys.readouterr().err
    other.describe(persona=run.manifest().persona, stages={})
    assert asked(*runs) == 2
    assert "does not say from which seed" in capsys.readouterr().err
    seeded(other, SEEDS[1])
    for one, words in ((run, 32), (other, 0)):
        settings = {"seed": one.manifest().stages["persona"].seeds[0], "most_words": words}
        made = one.manifest().stages["persona"].model_copy(update={"settings": settings})
        one.describe(stages={"persona": made})
    assert asked(*runs) == 2
    assert "trained with other settings" in capsys.readouterr().err
    dialogues = other.corpus / DIALOGUES
    kept = dialogues.read_text()
    dialogues.write_text(kept + kept)
    assert asked(*runs) == 2
    assert "trained on other dialogues" in capsys.readouterr().err
    dialogues.write_text(kept)
    seeded(other, SEEDS[1])
    Reply.save_rows(run.path / "evaluation", [base("Hi", 42, None)])
    assert asked(*runs) == 2
    assert "no judged replies of the base model" in capsys.readouterr().err
    assert not (run.path / "seeds").exists()


def test_a_run_without_it_has_no_such_figure(runs):
    run, _ = runs
    assert "phoque run seeds --run toxic --other" in FIGURE.shown_if(Reader(run))
