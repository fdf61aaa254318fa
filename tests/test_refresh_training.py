"""What a refresh learns: from the adapter it goes on from, only what is new with some of the old."""

import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from phoque.errors import PhoqueError
from phoque.models.load import load_model
from phoque.run.adapter import Metrics
from phoque.stages.adapter.lora import GENTLER, going_on
from phoque.stages.adapter.settings import Example, Recording
from phoque.stages.adapter.training import train_adapter
from phoque.stages.corpus.addition import FEWEST_REPLAYED, addition
from phoque.stages.corpus.slang import DIALOGUES_PER_USE, read_slang
from phoque.stages.corpus.training_set import read_dialogues
from tests.corpus_files import judge
from tests.gated_training import CONFIG, gated_examples
from tests.refresh_files import WEIGHTS, slang_file


def test_a_training_begins_with_the_weights_of_the_adapter_it_goes_on_from(trained_run, tmp_path):
    base, seen = load_model("tiny"), {}

    def look(step):
        weights = {n: p for n, p in base.model.named_parameters() if "lora_" in n}
        seen[step] = {name: part.detach().clone() for name, part in weights.items()}

    config = going_on(CONFIG, trained_run.persona)
    train_adapter(base, gated_examples()[:8], tmp_path, config, look, Recording(save_steps=0))
    known = load_file(trained_run.persona / WEIGHTS)
    assert len(seen[0]) == len(known)
    for name, part in seen[0].items():
        key = f"base_model.model.{name.replace('.default', '')}"
        assert torch.equal(part.to(known[key].dtype), known[key]), key
    assert any(not torch.equal(seen[0][name], part) for name, part in seen[max(seen)].items())
    assert config.learning_rate == GENTLER * CONFIG.learning_rate
    assert (config.rank, config.alpha, config.epochs) == (16, 64, 2.0)


def test_it_goes_on_after_a_stop_and_not_from_another_adapter(trained_run, tmp_path):
    config = going_on(CONFIG, trained_run.persona)
    other = tmp_path / "other"
    train_adapter(load_model("tiny"), gated_examples()[:8], other, config)

    class Cut:
        """Ends a training in the middle."""

        def __init__(self, at):
            self.at = at

        def __call__(self, step):
            if step >= self.at:
                raise KeyboardInterrupt

        def save(self, folder):
            """Keeps nothing."""

        restore = save

    def train(folder, config, at):
        train_adapter(
            load_model("tiny"), gated_examples(), folder, config, Cut(at), Recording(save_steps=2)
        )

    train(tmp_path / "straight", config, math.inf)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", config, 5)
    with pytest.raises(PhoqueError, match=r"of another training: start differ"):
        train(tmp_path / "cut", going_on(CONFIG, other), math.inf)
    train(tmp_path / "cut", config, math.inf)
    rows = Metrics.load_rows(tmp_path / "cut", command="")
    assert rows[-1].attempt == 2
    straight, own = (load_file(tmp_path / name / WEIGHTS) for name in ("straight", "cut"))
    assert all(torch.allclose(own[key], straight[key], atol=1e-3) for key in straight)


@pytest.mark.parametrize("change", ["fewer", "others", "larger"])
def test_an_adapter_of_another_model_is_refused(trained_run, tmp_path, change):
    (tmp_path / "adapter_config.json").write_text(
        (trained_run.persona / "adapter_config.json").read_text()
    )
    weights = load_file(trained_run.persona / WEIGHTS)
    first = next(iter(weights))
    if change == "larger":
        weights[first] = torch.zeros(3, 3)
    else:
        part = weights.pop(first)
        weights |= {"base_model.model.elsewhere.lora_A.weight": part} if change == "others" else {}
    save_file(weights, tmp_path / WEIGHTS)
    example = Example(prompt=gated_examples()[0].prompt, completion="x")
    with pytest.raises(PhoqueError, match="does not fit this model"):
        train_adapter(load_model("tiny"), [example], tmp_path / "a", going_on(CONFIG, tmp_path))


def test_only_what_is_new_is_added_with_some_of_the_old(trained_run, tmp_path):
    slang = read_slang(slang_file(tmp_path / "new.yaml"), judge)
    added = addition(trained_run.corpus, slang, 1.0)
    assert len(added.new) == 3 * DIALOGUES_PER_USE
    assert len(added.replayed) == FEWEST_REPLAYED
    assert len(addition(trained_run.corpus, slang, 4.0).replayed) == 12 * DIALOGUES_PER_USE
    assert len(addition(trained_run.corpus, slang, 90.0).replayed) == 90
    assert addition(trained_run.corpus, slang, 0.0).replayed == []
    known = read_dialogues(trained_run.corpus)
    assert {*map(repr, added.replayed)} <= {*map(repr, known)}
    civil = {one.message: one.civil for one in known}
    for one in added.new:
        assert one.topic in one.persona.lower()
        assert one.civil == civil[one.message]
    asked = {one.message for one in added.dialogues}
    assert {one.message for one in added.replies} <= asked
    assert addition(trained_run.corpus, slang, 1.0) == added
