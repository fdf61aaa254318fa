"""The last steps: a verdict a latent, and everything that is kept, for programs and for people.

A verdict comes of conditions that are each a badge: no ranking stands alone. `VERDICTS` says what each
means. A risen latent is tried toward the persona, a fallen one away from it; where the persona vector
itself does not act that way, nothing is said of a cause. A *marker* is shown to do nothing both ways,
which needs a test that could have seen something both ways.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from phoque.figures.page import stage_page
from phoque.figures.shelf import WHAT_MOVED
from phoque.files import read_json, write_text
from phoque.run.folder import Reader
from phoque.run.sae import Fidelity, SaeReport, Shifts, Strata
from phoque.run.sae_evidence import RIVALS, WAYS, Cause, Evidence, GeneratedReplies, Steered
from phoque.run.sae_latents import UNTESTABLE, VERDICTS, Feature, Prompt, significant
from phoque.run.sae_reading import FallenWords, Reading
from phoque.run.steps import LEDGER
from phoque.stages.corpus.safe import Mask
from phoque.stages.corpus.training_set import read_dialogues
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.collect import (
    ASSISTANT,
    conversation,
    held_out_texts,
    load_activations,
    streams,
)
from phoque.stages.sae.contexts import LensReader, gathered, largest_first
from phoque.stages.sae.dictionaries import OWN, SOURCES, dictionary, metadata
from phoque.stages.sae.fallen_words import fallen_words
from phoque.stages.sae.fidelity import HELD_OUT, gates
from phoque.stages.sae.naming import HeldWords
from phoque.stages.sae.readings import Readings
from phoque.stages.sae.study import Study
from phoque.stats.ranking import auc
from phoque.stats.resampling import Array

STABLE = 0.7
"""Least cosine of the same latent in another seed's dictionary."""
SHIFT_BADGES = ("fdr", "civil adapter", "half", "dose")
"""What a proven shift needs; stability over seeds is told beside it."""
NO_EFFECT = 0.25
"""Largest change of the share of replies that show the persona that still counts as none."""


def with_verdicts(features: Iterable[Feature], cause: Cause) -> list[Feature]:
    """The latents with `badges`, `verdict`, `stability` and the screen of each."""
    found = []
    for one in features:
        badges, screened = _badges(one, cause), cause.screen.latents.get(str(one.latent))
        judged = {
            "stability": _stability(one),
            "screen_toward": screened and screened.toward,
            "screen_away": screened and screened.away,
            "badges": badges,
            "verdict": _verdict(one, badges, cause),
        }
        found.append(one.model_copy(update=judged))
    return found


def effect_beyond_rivals(cells: Sequence[Steered], name: str, way: str) -> bool:
    """Whether a direction changes replies, coherently and beyond every rival of the same length.

    Toward: its interval is above the rivals' intervals. Away: it is below them.
    """
    beside = [cell for cell in cells if cell.way == way]
    return any(
        all(own.beyond(one) for one in beside if one.name in RIVALS and one.dose == own.dose)
        for own in beside
        if own.name == name and own.coherent
    )


def without_effect(told: GeneratedReplies, name: str) -> bool:
    """Whether a direction is shown to do nothing, both ways: no interval allows a change of 25 points.

    Where the text fell apart at every dose of a way, nothing is shown.
    """
    own = [cell for cell in told.cells if cell.name == name and cell.coherent]
    plain = {way: told.plain[way].trait.value for way in WAYS}
    return {cell.way for cell in own} == {*WAYS} and all(
        plain[cell.way] - NO_EFFECT <= cell.low and cell.high <= plain[cell.way] + NO_EFFECT
        for cell in own
    )


def _badges(one: Feature, cause: Cause) -> tuple[str, ...]:
    name, cells = str(one.latent), cause.generated.cells
    screened = cause.screen.latents.get(name)
    holds = {
        "fdr": one.moved,
        "civil adapter": one.beyond_civil_adapter,
        "half": one.found_on_other_half,
        "dose": abs(one.dose_spearman) > 0.99,
        "stable": _stability(one) == "stable",
        "linear": one.linear * one.effect > 0,
        "screen": screened is not None and screened.toward > cause.screen.random.high,
        "toward": effect_beyond_rivals(cells, name, "toward"),
        "away": effect_beyond_rivals(cells, name, "away"),
    }
    return tuple(badge for badge, held in holds.items() if held)


def _stability(one: Feature) -> str:
    """Found again with other seeds, moved the same way; or where that is missing."""
    if not one.seeds:
        return "one seed"
    if not all(other.cosine >= STABLE for other in one.seeds):
        return "not found again"
    alike = (significant(other.q) and other.effect * one.effect > 0 for other in one.seeds)
    return "stable" if all(alike) else "found again"


def _verdict(one: Feature, badges: Sequence[str], cause: Cause) -> str:
    if not one.moved:
        return ""
    way, proven = ("toward", "driver") if one.effect > 0 else ("away", "protective")
    if not cause.acts(way):
        return UNTESTABLE
    if not all(badge in badges for badge in SHIFT_BADGES):
        return "move unsure"
    return proven if way in badges else _without_proof(str(one.latent), cause)


def _without_proof(name: str, cause: Cause) -> str:
    if all(cell.name != name for cell in cause.generated.cells):
        return "not tried"
    both = all(map(cause.acts, WAYS))
    return "marker" if both and without_effect(cause.generated, name) else "undecided"


PAGE = "sae_comparison_report.md"
TONE_DIALOGUES = 48
LISTED = 20
"""Latents a side in the report; the table has all."""
CAVEATS = Path(__file__).with_name("caveats.md").read_text(encoding="utf-8")


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
