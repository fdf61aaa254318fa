"""The last steps: everything that is kept, for programs and for people."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import torch

from phoque.figures.page import stage_page
from phoque.figures.shelf import WHAT_MOVED
from phoque.files import read_json, write_text
from phoque.run.folder import Reader
from phoque.run.sae import Fidelity, SaeReport, Shifts, Strata
from phoque.run.sae_evidence import Cause, Evidence
from phoque.run.sae_latents import VERDICTS, Feature, Prompt
from phoque.run.sae_reading import FallenWords, Reading
from phoque.run.steps import LEDGER
from phoque.stages.corpus.safe import Mask
from phoque.stages.corpus.training_set import read_dialogues
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.collect import held_out_texts, load_activations, streams
from phoque.stages.sae.contexts import gathered, largest_first
from phoque.stages.sae.dictionaries import dictionary, metadata
from phoque.stages.sae.fallen_words import fallen_words
from phoque.stages.sae.fidelity import HELD_OUT, gates
from phoque.stages.sae.held_words import HeldWords
from phoque.stages.sae.lens import LensReader
from phoque.stages.sae.readings import Readings
from phoque.stages.sae.sources import OWN, SOURCES
from phoque.stages.sae.study import Study
from phoque.stages.sae.texts import ASSISTANT, conversation
from phoque.stages.sae.verdicts import with_verdicts
from phoque.stats.ranking import auc
from phoque.stats.resampling import Array

PAGE = "sae_comparison_report.md"
TONE_DIALOGUES = 48
LISTED = 20
"""Latents a side in the report; the table has all."""
CAVEATS = """## What this does not say

- A dictionary is one convenient decomposition, not the model's parts: other seeds find other
  latents, which is why stability is told beside each.
- A name is made by a rule from half of the held-out texts; its precision on the other half stands beside
  it. It says where a latent fires, not what it means.
- *Not found* is not *absent*: a dictionary of this size has seen little text, and what it cannot express is
  the remainder R.
- Narrow tuning leaves a mean difference that is readable without any dictionary; it stands beside
  the latents in every comparison of causes.
- The civil adapter had the same steps and prompts with civil replies. What survives it is still
  of this corpus and these two adapters: one seed of tuning each.
- A reply shows the persona where the judge calls it hostile or, if PSM counts words, where it has a listed word.
- Composed replies share sentences with what was trained on.
"""


def gather_evidence(study: Study) -> None:
    """Write every latent with its verdict, and what is seen of those that are shown."""
    sae = dictionary(study, study.preset.seeds[0])
    tone = tone_aucs(study, sae)
    judged = with_verdicts(study.features(), study.read(Cause))
    held = Readings.load(study.work / HELD_OUT, held_out_texts(study.work))
    words = HeldWords.of(held, study.base.tokenizer)
    lenses = LensReader(study.base, sae.decoder_FD)
    evidence = list(gathered(study, judged, held, words, lenses))
    # A count a row: each latent has a mask of its own.
    evidence = [Mask()(one) for one in evidence]
    Evidence.save_rows(study.folder, evidence)
    fallen_words(judged, sae, held.rows_TD["base"], words, lenses).save(study.work)
    readings = {one.latent: one.reading for one in evidence}
    rows = [
        _named(one, readings.get(str(one.latent))).model_copy(
            update={"tone_auc": round(float(tone[one.latent]), 7)}
        )
        for one in sorted(judged, key=lambda one: -abs(one.effect))
    ]
    Feature.save_rows(study.folder, rows)


def _named(one: Feature, found: Reading | None) -> Feature:
    if found is None:
        return one
    held = found.precision
    told = {
        "name": found.name,
        "precision": held and held.value,
        "precision_low": held and held.low,
        "firing_rate": held and held.base,
    }
    return one.model_copy(update=told)


def write_report(study: Study) -> None:
    """Write the dictionary and the report, for programs and for people."""
    report = Mask()(summarize(study))
    sae = dictionary(study, study.preset.seeds[0])
    facts = metadata(study, load_activations(study.work)) | {"seed": study.preset.seeds[0]}
    sae.save(study.folder, facts | {"gates_passed": report.passed})
    SparseAutoencoder.load(study.folder)
    prompts = Reader(study.run).rows(Prompt)
    page = stage_page("SAE: which features the tuning moved", WHAT_MOVED, report, prompts)
    write_text(study.folder / PAGE, f"{page}\n{_made(report)}\n\n{CAVEATS}")
    report.save(study.folder)


def _made(report: SaeReport) -> str:
    preset = report.preset
    return (
        "## How it was made\n\n"
        f"Model {report.model}, persona {report.persona}, layer {report.layer} "
        f"({report.layer_choice.how}); {preset.d_sae} latents, k = {preset.k}, {preset.tokens:,} "
        f"training tokens, seeds {', '.join(map(str, preset.seeds))}; "
        f"{sum(report.seconds.values()) / 60:.0f} minutes. Intervals are 95 %."
    )


def summarize(study: Study) -> SaeReport:
    """Everything but single latents and contexts."""
    fidelity, features = study.read(Fidelity), Reader(study.run).rows(Feature)
    found, counts = gates(fidelity), Counter(one.verdict for one in features)
    return SaeReport(
        model=study.base.name,
        persona=study.persona.name,
        layer=study.layer,
        layer_choice=study.layer_choice,
        preset=study.preset,
        seconds=read_json(study.folder / LEDGER)["seconds"],
        passed=all(gate.passed for gate in found),
        gates=found,
        fidelity=fidelity,
        shifts=study.read(Shifts),
        verdicts={name: counts[name] for name in VERDICTS if counts[name]},
        verdict_meanings={name: told for name, told in VERDICTS.items() if counts[name]},
        risen=_listed(one for one in features if one.effect > 0),
        fallen=_listed(one for one in features if one.effect < 0),
        fallen_words=study.read(FallenWords),
        strata=study.read(Strata),
        cause=study.read(Cause),
        sources=(*SOURCES, OWN),
    )


def _listed(features: Iterable[Feature]) -> tuple[Feature, ...]:
    return tuple(largest_first(features)[:LISTED])


def tone_aucs(study: Study, sae: SparseAutoencoder) -> Array:
    """AUC_F of each latent's mean over a reply in the base model: hostile against civil replies.

    Of the same prompts, spread over the corpus.
    """
    dialogues, tokenizer = read_dialogues(study.run.corpus), study.base.tokenizer
    last, count = len(dialogues) - 1, min(TONE_DIALOGUES, len(dialogues))
    some = [dialogues[place] for place in np.linspace(0, last, count, dtype=int)]
    texts = [
        conversation(tokenizer, one.messages, reply, "tone").cut(study.preset.context)
        for one in some
        for reply in (one.persona, one.civil)
    ]
    means = [
        sae.encode(stream_SD[torch.tensor(text.roles) == ASSISTANT]).mean(0)
        for text, stream_SD in zip(texts, streams(study.base, texts, study.layer), strict=True)
    ]
    return auc(torch.stack(means[0::2]).numpy(), torch.stack(means[1::2]).numpy())
