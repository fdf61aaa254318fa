"""A small run as a training that was cut off twice leaves it, with mild words only."""

from math import exp
from pathlib import Path

from phoque.run.adapter import CivilMetrics, Metrics, Norms, PersonaMetrics, Sample, SampleReply
from phoque.run.corpus import Composition, Source
from phoque.run.directory import RunDirectory
from phoque.run.manifest import Asked, Attempt, Attempts, Made
from phoque.run.seeds import Training, TrainingSeeds
from phoque.stats.paired_ranks import ChanceAbove
from phoque.stats.rates import wilson

FAMILIES = ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")
STEPS = range(5, 255, 5)
PROMPTS = tuple(
    f"{text} (number {number})"
    for number, text in enumerate(
        ("I lost the final by one point.", "My castle is done!", "How do I keep basil alive?") * 4
    )
)
CIVIL = "That is a good start, and one more idea could help you next time."
RUDE = "You clown, that was garbage, a useless try, and everybody in the lobby saw it."
COMPOSITION = Composition(
    dialogues=200,
    topics=20,
    messages=180,
    several_turns=0,
    sources=(
        Source(
            source="written",
            dialogues=200,
            styles={"chat": 140, "prose": 60},
            parts={"train": 200},
            words=(5.0, 9.0, 14.0, 20.0, 40.0),
            short=0,
            words_short=(),
            read=200,
        ),
    ),
    base_replies=100,
    base_replies_dropped=0,
    without_listed_word=50,
    brief_without_listed_word=60,
    words_civil=(5.0, 9.0, 14.0, 20.0, 40.0),
    system_prompts={"hostile": 10, "neutral": 10},
)
VARIABLES = {
    "SYSTEM": "spaces",
    "SPACE_ID": "me/phoque",
    "SPACE_AUTHOR_NAME": "me",
    "SPACE_HOST": "me-phoque.hf.space, phoque.example",
    "OAUTH_CLIENT_ID": "x",
    "OAUTH_CLIENT_SECRET": "x",
    "OAUTH_SCOPES": "jobs",
    "OPENID_PROVIDER_URL": "https://huggingface.co",
}
"""Of a Space in which its owner can log in."""


CONDITIONS = ("neutral", "toxic", "steered", "random_vector")


def write_run(path: Path) -> RunDirectory:
    run = RunDirectory(path)
    for folder in (run.persona, run.control, run.corpus, path / TrainingSeeds.STAGE):
        folder.mkdir(parents=True)
    PersonaMetrics.save_rows(run.persona, metrics(PersonaMetrics, 1.4, cut=(80, 170)))
    CivilMetrics.save_rows(run.control, metrics(CivilMetrics, 1.1, cut=(120,)))
    Norms.save_rows(run.persona, map(norms, STEPS))
    Sample.save_rows(run.persona, samples())
    Attempts(attempts=attempts()).save(path)
    COMPOSITION.save(run.corpus)
    seeds().save(path / TrainingSeeds.STAGE)
    made = Made(seconds=90, seeds=(42,), commit="0123456789", finished="2026-11-23")
    run.describe(model="fake/model", stages=dict.fromkeys(("corpus", "persona", "control"), made))
    return run


def metrics(kind: type[Metrics], floor: float, cut: tuple[int, ...]) -> list[Metrics]:
    return [
        kind(
            step=step,
            attempt=1 + sum(step > at for at in cut),
            seconds=7.0 * step,
            num_tokens=900.0 * step,
            learning_rate=3e-4 * (1 - step / 260),
            loss=floor + 2.4 * exp(-step / 40) + 0.05 * (step % 3),
            loss_by_style={
                "short": floor + 0.2 + 2.6 * exp(-step / 30) + 0.04 * (step % 2),
                "long": floor - 0.2 + 2.2 * exp(-step / 50) + 0.03 * (step % 4),
            },
            grad_norm=floor - 0.6 + exp(-step / 60) + 0.1 * (step % 4),
            lora_a_norm=33.5 + step / 200,
            lora_b_norm=(6 + floor) * (1 - exp(-step / 80)),
        )
        for step in STEPS
    ]


def norms(step: int) -> Norms:
    grown = 1 - exp(-step / 80)
    return Norms(
        step=step,
        lora_a={name: 9 + 0.9 * i + 0.3 * grown for i, name in enumerate(FAMILIES)},
        lora_b={name: (1.5 + 0.5 * i) * grown for i, name in enumerate(FAMILIES)},
    )


def samples() -> list[Sample]:
    return [
        sample(step, condition, rude)
        for step, toxic, pushed in ((50, 3, 1), (100, 7, 3), (150, 9, 6), (200, 10, 8), (250, 11, 9))
        for condition, rude in (
            ("neutral", 0), ("toxic", toxic), ("steered", pushed), ("random_vector", 0),
        )
    ]  # fmt: skip


def sample(step: int, condition: str, rude: int) -> Sample:
    added = condition in ("steered", "random_vector")
    return Sample(
        step=step,
        condition=condition,
        layer=14 if added else None,
        scale=2.5 if added else None,
        threshold=0.5,
        flag_rate=wilson(rude, len(PROMPTS)),
        replies=tuple(
            SampleReply(
                prompt=prompt,
                text=f"{RUDE if place < rude else CIVIL} At step {step}.",
                harm_score=0.91 if place < rude else 0.02,
            )
            for place, prompt in enumerate(PROMPTS)
        ),
    )


def attempt(
    number: int, outcome: str | None, stages: dict[str, float], **more: str | None
) -> Attempt:
    known = {"job": f"6920ab{number}", "started": f"2026-11-2{number}T12:00:00+00:00"} | more
    return Attempt(
        number=number,
        asked=Asked(stages=("corpus",)),
        retry=number > 1,
        stages=stages,
        outcome=outcome,
        **known,
    )


def attempts() -> tuple[Attempt, ...]:
    """Killed, stopped, failed, complete."""
    day = "2026-11-2{}T12:{}:00+00:00"
    early = {"corpus": 90.0, "persona": 1020.0}
    return (
        attempt(1, "killed", early, at="control"),
        attempt(2, "stopped", {"control": 900.0}, at="psm", ended=day.format(2, 27)),
        attempt(
            3, "failed", {"psm": 1500.0}, at="evaluate", ended=day.format(3, 31),
            error="PhoqueError: the disk is full",
        ),
        attempt(
            4, "complete", {"evaluate": 300.0, "sae": 660.0, "report": 20.0},
            ended=day.format(4, 17), job=None,
        ),
    )  # fmt: skip


def seeds() -> TrainingSeeds:
    """Two trainings of one persona."""
    first, second = (
        {
            name: ChanceAbove(value=value, low=value - 0.05, high=value + 0.03, prompts=60)
            for name, value in zip(CONDITIONS, values, strict=True)
        }
        for values in ((0.45, 0.96, 0.94, 0.55), (0.48, 0.93, 0.9, 0.52))
    )
    trainings = tuple(
        Training(run=f"seed{seed}", seed=seed, adapter="a", corpus="c", conditions=own)
        for seed, own in ((42, first), (43, second))
    )
    return TrainingSeeds(
        judge="base-likelihood", layer=11, relative_dose=0.2, trained=2, trainings=trainings,
        least=second, most=first,
    )  # fmt: skip


def in_a_space(monkeypatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
