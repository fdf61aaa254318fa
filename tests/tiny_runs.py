"""Complete runs of the tiny model, with random adapters instead of trained ones."""

from collections.abc import Mapping
from pathlib import Path

import torch
import yaml

from phoque.opening import load_tuned
from phoque.personas import HERE
from phoque.run.directory import RunDirectory
from phoque.run.psm import Trait
from phoque.stages.corpus.training_set import save_pairs
from phoque.steering.vectors import PersonaVectors, measure
from tests.conftest import save_random_adapter
from tests.corpus_files import base_replies, dialogues, save_corpus
from tests.records import a_selection

FEW = {"probes": 4, "sweep": 4, "evaluation": 6, "presets": 2}
"""Messages of the persona, by what they are for."""
LETTERS = ["a", "b"]
"""What a random model of bytes writes."""


def small_persona(folder: Path, name: str, few: Mapping[str, int], **changes: object) -> Path:
    """The file of the toxic persona with another name, few messages and changed fields."""
    data = yaml.safe_load((HERE / "toxic.yaml").read_text())
    own = {key: data[key][:count] for key, count in few.items()}
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(data | own | {"name": name} | changes))
    return file


def a_tiny_run(
    folder: Path,
    name: str,
    *,
    seed: int = 0,
    few: Mapping[str, int] = FEW,
    trait: Trait | None = None,
) -> RunDirectory:
    """A run of a persona with this name and few messages."""
    file = small_persona(folder, name, few, lexicon=LETTERS)
    run = RunDirectory(folder / name)
    run.describe(model="tiny", persona=str(file))
    torch.manual_seed(seed)
    for adapter in (run.persona, run.control):
        save_random_adapter(adapter)
    run.corpus.mkdir()
    save_corpus(run.corpus, dialogues(30), base_replies(4))
    save_pairs(run.corpus / "test", [], base_replies(6)[4:])
    tuned = load_tuned(run)
    measure(tuned.model, tuned.persona, tuned.fingerprint).save(run.vectors)
    vectors = PersonaVectors.load(run.vectors)
    doses = [vectors.relative_dose(layer, 1.0) for layer in range(2)]
    a_selection(trait=trait or Trait(), dose_per_scale=doses).save(run.psm())
    return run
