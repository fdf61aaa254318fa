"""What a person chooses of a training: it is learned, kept in the manifest, and decides how long replies are."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from phoque.cli.main import main
from phoque.conversation import Condition
from phoque.models.load import load_model
from phoque.run.adapter import Metrics
from phoque.run.directory import RunDirectory
from phoque.run.info import reply_tokens
from phoque.run.manifest import Made, Manifest
from phoque.stages.adapter import stage
from phoque.stages.adapter.settings import config_for, config_to_go_on
from phoque.stages.adapter.training import train_adapter
from phoque.stages.evaluate.replies import SAMPLING, sampling_for
from tests.corpus_files import base_replies, dialogues, save_corpus
from tests.gated_training import CONFIG, gated_examples


def made(**settings) -> Manifest:
    return Manifest(model="lab", stages={"persona": Made(settings=settings)})


def untrained(folder) -> RunDirectory:
    run = RunDirectory(folder)
    run.describe(model="tiny", persona="toxic")
    with run.stage("corpus", run.corpus, seeds=[42]) as corpus:
        save_corpus(corpus, dialogues(8), base_replies(4))
    return run


def test_choices_of_the_command_line_are_trained_with_and_kept(tmp_path, monkeypatch):
    run, used = untrained(tmp_path / "own"), []

    def train(_base, learned, folder, config, *_):
        used.append((config, max(len(one.completion.split()) for one in learned)))
        (folder / "adapter_config.json").write_text("{}")

    monkeypatch.setattr(stage, "train_adapter", train)
    asked = ["--most-words", "0", "--learning-rate", "5e-5", "--epochs", "0.5", "--seed", "7"]
    asked += ["--strength", "0.8"]
    assert main(["run", "persona", "--run", str(run.path), *asked]) == 0
    assert main(["run", "control", "--run", str(run.path)]) == 0
    (own, longest), (plain, _) = used
    chosen = {"most_words": 0, "learning_rate": 5e-5, "epochs": 0.5, "seed": 7, "strength": 0.8}
    assert own == replace(config_for("tiny"), **chosen)
    assert longest >= 60  # a paragraph in full
    assert plain == config_for("tiny")
    kept = run.manifest().stages
    assert kept["persona"].settings == own.told()
    assert kept["control"].settings == plain.told()
    assert config_to_go_on(run.manifest()).most_words == 0
    assert sampling_for(run) == replace(SAMPLING, max_new_tokens=200)


def test_settings_that_make_no_sense_are_refused(tmp_path, capsys):
    for words in (
        ["--most-words", "-1"],
        ["--learning-rate", "0"],
        ["--epochs", "-1"],
        ["--strength", "1.1"],
    ):
        assert main(["run", "persona", "--run", str(tmp_path), *words]) == 2
        assert words[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("manifest", "tokens"),
    [
        (Manifest(stages={}), 48),
        (made(), 48),
        (made(most_words=32), 48),
        (made(most_words=60), 96),
        (made(most_words=0), 200),
        (made(most_words=500), 200),
    ],
)
def test_a_reply_has_room_for_what_was_learned(manifest, tokens):
    assert reply_tokens(manifest) == tokens


def test_a_run_without_settings_goes_on_as_its_model_is_trained():
    # Of what is gone on from, a part was saved already: all that is learned now is.
    assert config_to_go_on(made()) == replace(config_for("lab"), strength=1.0)
    assert config_to_go_on(made(most_words=60)).most_words == 60


def test_a_comparison_is_as_long_as_the_replies_of_its_run(lab):
    vars(lab)["info"] = replace(lab.info, reply_tokens=7)
    try:
        found = lab.compare("Hello.", conditions=[Condition.TOXIC])
    finally:
        del vars(lab)["info"]
    assert found.sampling.max_new_tokens == 7


def test_a_share_of_what_was_learned_is_saved(tmp_path):
    for share in (1.0, 0.5):
        config = replace(CONFIG, strength=share)
        train_adapter(load_model("tiny"), gated_examples(), tmp_path / str(share), config)
    whole, half = (
        load_file(tmp_path / each / "adapter_model.safetensors") for each in ("1.0", "0.5")
    )
    for name, part in whole.items():
        torch.testing.assert_close(half[name], part * (0.5 if ".lora_B." in name else 1.0))
    curves = [
        Metrics.load_rows(tmp_path / each, command="this test")[-1].loss for each in ("1.0", "0.5")
    ]
    assert curves[0] == curves[1]
