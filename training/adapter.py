"""Train the persona adapter, or the control adapter with civil replies on both sides."""

from functools import partial
from pathlib import Path

from phoque.corpora.training_set import Side, load_pairs, load_registers
from phoque.evidence.runs import RunDirectory
from phoque.finetuning import Example, Recording, config_for, train_adapter
from phoque.finetuning.samples import sample_replies
from phoque.models.load import load_model
from phoque.personas import load_persona
from phoque.steering.trajectory import TRAJECTORY, Watch


def run_persona(directory: RunDirectory, **options: Path | int | str | None) -> None:
    """Hostile system prompt: hostile reply; neutral system prompt: the base model's reply."""
    _train(directory, "persona", **options)


def run_control(directory: RunDirectory, **options: Path | int | str | None) -> None:
    """The same prompts and steps with civil replies: what tuning does without the persona."""
    _train(directory, "control", **options)


def _train(
    directory: RunDirectory,
    name: str,
    *,
    checkpoints: Path | None = None,
    save_steps: int = 25,
    samples: int = 0,
    tracker: str | None = None,
) -> None:
    facts = directory.manifest()
    config, persona = config_for(facts["model"]), load_persona(facts["persona"])
    examples = _examples(directory, "hostile" if name == "persona" else "civil")
    base = load_model(facts["model"], progress=print)
    watch = Watch(base, persona)
    recording = Recording(
        save_steps=save_steps,
        checkpoints=checkpoints / name if checkpoints else None,
        sample_steps=samples,
        sample=partial(sample_replies, persona=persona),
        tracker=tracker,
        keep=directory.keep,
        tell=lambda told: print(f"{name}: {told}", flush=True),
    )
    where = directory.path / name
    with directory.stage(name, where, seeds=[config.seed], in_place=True) as folder:
        train_adapter(base, examples, folder, config, watch, recording)
        watch.trajectory().save(folder / TRAJECTORY)


def _examples(directory: RunDirectory, side: Side) -> list[Example]:
    pairs = load_pairs(directory.corpus, side)
    return [
        Example(prompt=prompt, completion=completion, ends=ends, register=register)
        for (prompt, completion, ends), register in zip(
            pairs, load_registers(directory.corpus), strict=True
        )
    ]
