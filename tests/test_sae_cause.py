"""Causes with known answers: a made dictionary of the tiny model, in which one latent writes a letter."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from phoque.lexicon import Lexicon
from phoque.personas import load_persona
from phoque.run.directory import RunDirectory
from phoque.run.sae import ActivationFacts
from phoque.run.sae_evidence import PERSONA_VECTOR, RANDOM, WAYS, Cause
from phoque.run.sae_latents import UNTESTABLE, Feature
from phoque.stages.sae import generated
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.cause import prove_cause
from phoque.stages.sae.collect import ROWS
from phoque.stages.sae.dictionaries import dictionary_folder
from phoque.stages.sae.readings import REPLIES, Readings, evaluation_prompts, evaluation_texts
from phoque.stages.sae.report import with_verdicts
from phoque.stages.sae.shifts import READ_HOSTILE
from phoque.stages.sae.study import PRESETS, Study
from phoque.steering.vectors import PersonaVectors
from tests.conftest import save_random_adapter
from tests.corpus_files import base_replies, dialogues, save_corpus
from tests.records import a_selection
from tests.ui.sae_files import feature

WIDTH, LATENTS = 32, 16
CAUSE, NOTHING, FALLEN = 3, 5, 6
LONG = 1000.0
"""As a median norm: a share of it outweighs all that the model says."""
FACTS = ActivationFacts(
    layer=0, width=WIDTH, limit=9.0, tokens=1, train_tokens=1, texts=1, train_texts=1,
    median_norm=LONG, dropped={}, roles={}, sources={},
)  # fmt: skip


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Ready for the step `cause`: latent 3 makes the model write "q", which is the listed letter."""
    run = RunDirectory(tmp_path / "run")
    run.describe(model="tiny", persona="toxic")
    save_random_adapter(run.persona)
    run.corpus.mkdir()
    save_corpus(run.corpus, dialogues(8), base_replies(2))
    run.psm().mkdir()
    a_selection().save(run.psm())
    made = Study(run=run, preset=replace(PRESETS["tiny"], generated=2, steering_prompts=12))
    length = made.preset.reply_tokens
    letters = Lexicon(["q" * count for count in range(1, length + 1)])
    made.__dict__["persona"] = load_persona().model_copy(update={"lexicon": letters})
    # The tiny model writes noise: whether that is coherent says nothing.
    monkeypatch.setattr(generated, "is_coherent", lambda *_: True)
    monkeypatch.setattr(generated.Generated, "_limit", 1e9)
    made.work.mkdir(parents=True)
    _save_readings(made)
    _save_dictionary(made)
    moved = [feature("1", latent=CAUSE, effect=2.0), feature("1", latent=NOTHING, effect=1.0),
             feature("1", latent=FALLEN, effect=-1.0)]  # fmt: skip
    rest = [
        feature("1", latent=n, q=0.5) for n in range(LATENTS) if n not in (CAUSE, NOTHING, FALLEN)
    ]
    Feature.save_rows(made.work, [*moved, *rest])
    return made


def _save_readings(made):
    FACTS.save(made.work)
    np.zeros(WIDTH, np.float16).tofile(made.work / ROWS)
    count = len(evaluation_prompts())
    (made.work / REPLIES).write_text(
        json.dumps(dict.fromkeys(("hostile", "calm"), ["No."] * count))
    )
    texts = evaluation_texts(made, "hostile")
    kept = [torch.ones(len(text.ids), dtype=torch.bool) for text in texts]
    rows = torch.randn(sum(len(text.ids) for text in texts), WIDTH)
    read = Readings(texts=texts, kept=kept, rows_TD={"base": rows, "persona": rows + 1})
    read.save(made.work / READ_HOSTILE)


def _save_dictionary(made):
    directions = normalize(torch.randn(LATENTS, WIDTH))
    directions[CAUSE] = _writing_q(made)
    SparseAutoencoder(
        encoder_DF=directions.T.contiguous(),
        encoder_bias_F=torch.zeros(LATENTS),
        decoder_FD=directions,
        decoder_bias_D=torch.zeros(WIDTH),
        threshold_F=torch.zeros(LATENTS),
    ).save(dictionary_folder(made, made.preset.seeds[0]), {})


def _writing_q(made):
    (token,) = made.base.tokenizer("q", add_special_tokens=False).input_ids
    return normalize(made.base.model.get_output_embeddings().weight[token].detach(), dim=0)


def _proven(made, vector):
    directions = torch.stack([vector, vector])
    PersonaVectors(directions_LD=directions, medians_L=torch.ones(2), fingerprint={}).save(
        made.run.vectors
    )
    prove_cause(made)
    cause = made.read(Cause)
    return cause, {one.latent: one.verdict for one in with_verdicts(made.features(), cause)}


def test_a_latent_that_causes_is_found_and_others_are_not(study):
    cause, verdicts = _proven(study, _writing_q(study))
    assert (cause.acts("toward"), cause.acts("away")) == (True, False)  # nothing to take away
    (toward, _) = cause.controls
    assert (toward.best.insulting, toward.random.insulting) == (1.0, 0.0)
    assert verdicts[CAUSE] == "driver"
    assert verdicts[NOTHING] == "undecided"
    assert verdicts[FALLEN] == UNTESTABLE
    assert {cell.dose for cell in cause.generated.cells} == set(cause.doses)


def test_where_the_persona_vector_does_nothing_no_latent_is_tried(study):
    cause, verdicts = _proven(study, torch.randn(WIDTH))
    assert not any(map(cause.acts, WAYS))
    assert {cell.name for cell in cause.generated.cells} == {PERSONA_VECTOR, RANDOM}
    assert {verdicts[latent] for latent in (CAUSE, NOTHING, FALLEN)} == {UNTESTABLE}
    assert str(CAUSE) in cause.screen.latents
