"""The last step: one summary for programs, and one report for people from the tab's figures."""

from phoque.figures.figure import drawn
from phoque.figures.page import section
from phoque.figures.shelf import WHERE_IT_LIVES
from phoque.files import read_json, write_text
from phoque.models.structure import text_config
from phoque.run.psm import ActivationByLayer, Selection
from phoque.run.psm_replies import Conditions, Summary
from phoque.run.psm_vector import Reliability
from phoque.run.steps import LEDGER
from phoque.stages.psm.subject import Subject
from phoque.steering.export import write_gguf

REPORT = "psm_report.md"
CONTROL_VECTOR = "persona_vector.gguf"


def write_report(subject: Subject) -> None:
    """Write `summary.json`, `psm_report.md` and the selected vector for llama.cpp."""
    summary = summarize(subject)
    summary.save(subject.folder)
    own = [plan for plan in WHERE_IT_LIVES if plan.stage == Summary.STAGE]
    figures = [drawn(plan, subject.reader) for plan in own]
    # Another persona has no figures of tuning.
    shown = [one for one in figures if one.figure or not one.plan.shown_if(subject.reader)]
    write_text(subject.folder / REPORT, "\n\n".join([_head(summary), *map(section, shown)]) + "\n")
    model_type = text_config(subject.model.model).model_type
    write_gguf(subject.vector, subject.folder / CONTROL_VECTOR, model_type=model_type)


def summarize(subject: Subject) -> Summary:
    """The talk's summary, and what stands behind it."""
    reader, choice = subject.reader, subject.choice
    layers = reader.read(ActivationByLayer)
    at = layers.block_outputs[choice.layer]
    return Summary(
        persona=subject.persona.name,
        model=subject.model.name,
        tuned=subject.is_tuned,
        fingerprint=dict(subject.fingerprint),
        probe_count=subject.num_probes,
        eval_count=len(subject.persona.evaluation),
        seeds=tuple(subject.seeds),
        seconds=read_json(subject.folder / LEDGER)["seconds"],
        verdict=reader.read(Reliability).layers[choice.layer].verdict,
        beyond_chance=reader.read(Selection).beyond_chance,
        steer_layer=choice.layer,
        steer_scale=choice.scale,
        relative_dose=choice.relative_dose,
        nat_scale=choice.nat_scale,
        chance=choice.chance,
        classic_layer=layers.classic_layer,
        tallest_relative_norm=max(layers.criteria, key=lambda row: row.relative_norm).layer,
        selected_layer_delta_proj_mean=at.delta_proj_mean,
        selected_layer_vector_norm=at.vector_norm,
        conditions=reader.read(Conditions).conditions,
    )


def _head(summary: Summary) -> str:
    return (
        f"# PSM: where the persona {summary.persona} lives\n\n"
        f"Model {summary.model}; {summary.probe_count} probes, {summary.eval_count} evaluation "
        f"prompts, seeds {', '.join(map(str, summary.seeds))}; measured in "
        f"{sum(summary.seconds.values()) / 60:.0f} minutes. Intervals are 95 %."
    )
