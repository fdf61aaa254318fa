"""Runs for reports: small copies of the shipped one that a test may break, and one of a judge."""

import shutil
from pathlib import Path

from phoque.config import SHIPPED_RUN
from phoque.files import file_sha256
from phoque.run.directory import RunDirectory
from phoque.run.folder import STAGE_OF, Reader
from phoque.run.judging import ConditionJudged, Judgement, Measures
from phoque.run.manifest import Made
from phoque.run.record import Record
from phoque.stats.paired_ranks import ChanceAbove
from tests.records import a_rate

LEFT = ("*.safetensors", "*.gz", "*.gguf", "*.html", "report")
"""What no figure and no row is made from."""


def copied_run(path: Path) -> RunDirectory:
    """What the report reads of the shipped run."""
    shutil.copytree(SHIPPED_RUN, path, ignore=shutil.ignore_patterns(*LEFT))
    return RunDirectory(path)


def without(run: RunDirectory, stage: str) -> None:
    """As if the stage had not been run."""
    stages = run.manifest().stages
    run.describe(stages={name: made for name, made in stages.items() if name != stage})


def saved(run: RunDirectory, record: Record) -> None:
    """As if the stage had written another record."""
    record.save(run.path / record.STAGE)
    _entered(run, f"{record.STAGE}/{record.FILE}")


def rewritten(run: RunDirectory, file: str, text: str) -> None:
    """As if the stage had written another text."""
    (run.path / file).write_text(text, encoding="utf-8")
    _entered(run, file)


def _entered(run: RunDirectory, file: str) -> None:
    stages, folder = run.manifest().stages, file.split("/")[0]
    stages[STAGE_OF.get(folder, folder)].outputs[file] = file_sha256(run.path / file)
    run.describe(stages=stages)


def a_run(folder, *, persona="toxic", model="lab", **chances) -> Reader:
    """A run whose judge found these chances by condition; none at all where there are none."""
    run = RunDirectory(folder)
    run.describe(model=model, persona=persona, stages={"persona": Made(seconds=1800, seeds=(42,))})
    if chances:
        (run.path / "evaluation").mkdir()
        judged(**chances).save(run.path / "evaluation")
    return Reader(run)


def judged(**chances: float) -> Judgement:
    measures = Measures(
        replies=4, relevance_rank=1, relevance_nearest=a_rate(0.9), variety=0.5, novelty=None,
        repeated_3grams=0.1, opening="you", opening_share=0.1,
    )  # fmt: skip
    conditions = {
        name: ConditionJudged(
            more_hostile=ChanceAbove(value=value, low=value - 0.05, high=value + 0.05, prompts=60),
            flagged=a_rate(value),
            measures=measures,
        )
        for name, value in chances.items()
    }
    return Judgement(judge="j", digest="d", threshold=0.5, budget=0.05, conditions=conditions)
