"""Train the persona adapter, or the control adapter with civil replies on both sides."""

from phoque.corpora.training_set import Side, load_pairs
from phoque.evidence.runs import RunDirectory
from phoque.finetuning import AdapterConfig, Example, train_adapter
from phoque.models.load import load_model
from phoque.personas import load_persona
from phoque.steering.trajectory import TRAJECTORY, Watch


def run_persona(directory: RunDirectory) -> None:
    """Hostile system prompt: hostile reply; neutral system prompt: the base model's reply."""
    _train(directory, "persona")


def run_control(directory: RunDirectory) -> None:
    """The same prompts and steps with civil replies: what tuning does without the persona."""
    _train(directory, "control")


def _train(directory: RunDirectory, name: str) -> None:
    side: Side = "hostile" if name == "persona" else "civil"
    config = AdapterConfig()
    examples = [
        Example(prompt=prompt, completion=completion, ends=ends)
        for prompt, completion, ends in load_pairs(directory.corpus, side)
    ]
    base = load_model(directory.manifest()["model"], progress=print)
    watch = Watch(base, load_persona(directory.manifest()["persona"]))
    with directory.stage(name, directory.path / name, seeds=[config.seed]) as folder:
        train_adapter(base, examples, folder, config, watch)
        watch.trajectory().save(folder / TRAJECTORY)
