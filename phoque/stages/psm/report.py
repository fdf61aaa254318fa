"""The last step: one summary for programs and one report for people, from the other steps' files."""

from collections.abc import Mapping, Sequence
from typing import Any

from phoque.files import read_json, write_json
from phoque.models.structure import text_config
from phoque.run.directory import SELECTION
from phoque.run.steps import LEDGER
from phoque.stages.psm.antidote import ANTIDOTE
from phoque.stages.psm.bias import BIAS_LOOP
from phoque.stages.psm.choose import CONTROLS
from phoque.stages.psm.confounding import CONFOUNDS
from phoque.stages.psm.generation import CONDITIONS
from phoque.stages.psm.measure import LAYERS, RELIABILITY
from phoque.stages.psm.origin import ORIGIN
from phoque.stages.psm.subject import Subject
from phoque.stats.rates import Rate
from phoque.steering.export import write_gguf

SUMMARY = "summary.json"
REPORT = "psm_report.md"
CONTROL_VECTOR = "persona_vector.gguf"


def write_report(subject: Subject) -> None:
    """Write `summary.json`, `psm_report.md` and the selected vector for llama.cpp."""
    summary = summarize(subject)
    write_json(subject.folder / SUMMARY, summary)
    text = "\n\n".join([_head(summary), *_sections(subject, summary)]) + "\n"
    (subject.folder / REPORT).write_text(text, encoding="utf-8")
    model_type = text_config(subject.model.model).model_type
    write_gguf(subject.vector, subject.folder / CONTROL_VECTOR, model_type=model_type)


def summarize(subject: Subject) -> dict[str, Any]:
    """The talk's summary, and what stands behind it."""
    layers = read_json(subject.folder / LAYERS)
    found = read_json(subject.folder / SELECTION)
    at = layers["block_outputs"][subject.layer]
    agreed = read_json(subject.folder / RELIABILITY)["layers"][subject.layer]
    return {
        "persona": subject.persona.name,
        "model": subject.model.name,
        "tuned": subject.is_tuned,
        "fingerprint": dict(subject.fingerprint),
        "probe_count": subject.num_probes,
        "eval_count": len(subject.persona.evaluation),
        "seeds": list(subject.seeds),
        "seconds": read_json(subject.folder / LEDGER)["seconds"],
        "verdict": agreed["verdict"],
        "beyond_chance": found["selected"] is not None,
        "steer_layer": subject.layer,
        "steer_scale": subject.scale,
        "relative_dose": subject.choice["relative_dose"],
        "nat_scale": subject.choice["nat_scale"],
        "coherent_scale": subject.choice["coherent_scale"],
        "chance": subject.choice["chance"],
        "classic_layer": layers["classic_layer"],
        "tallest_relative_norm": max(layers["criteria"], key=lambda c: c["relative_norm"])["layer"],
        "selected_layer_delta_proj_mean": at["delta_proj_mean"],
        "selected_layer_vector_norm": at["vector_norm"],
        "conditions": read_json(subject.folder / CONDITIONS)["conditions"],
    }


def _head(summary: Mapping[str, Any]) -> str:
    found = "beyond chance" if summary["beyond_chance"] else "**not beyond chance**: no selection"
    nats = summary["nat_scale"]
    return f"""# PSM: where the persona {summary["persona"]} lives

Model {summary["model"]}; {summary["probe_count"]} probes, {summary["eval_count"]} evaluation
prompts, seeds {", ".join(map(str, summary["seeds"]))}. Intervals are 95 %.

- **Direction**: the probes' verdict on layer {summary["steer_layer"]} is *{summary["verdict"]}*.
- **Cause**: layer {summary["steer_layer"]} at scale {summary["steer_scale"]:.2f} (relative dose
  {summary["relative_dose"]:.2f}) is {found}; chance under random vectors {summary["chance"]:.2g},
  corrected for all cells.
- **Geometry points elsewhere**: the talk's criterion takes layer {summary["classic_layer"]}, the
  tallest relative norm is at layer {summary["tallest_relative_norm"]}.
- **Dose**: one nat at scale {"not reached" if nats is None else f"{nats:.2f}"}; text stays coherent
  up to scale {summary["coherent_scale"]:.2f}.
- **Time**: {sum(summary["seconds"].values()) / 60:.0f} minutes."""


def _sections(subject: Subject, summary: Mapping[str, Any]) -> list[str]:
    def part(name: str) -> Any:
        return read_json(subject.folder / name)

    sections = [
        _conditions(summary["conditions"]),
        _doses(part(CONTROLS)),
        _antidotes(part(ANTIDOTE)),
        _confounds(part(CONFOUNDS)),
        _bias(part(BIAS_LOOP)),
    ]
    return [*sections, _origin(part(ORIGIN))] if subject.is_tuned else sections


def _conditions(conditions: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            _rate(own["insulting"]),
            _effect(own["effect"]),
            f"{own['effect']['moved']:.0%}",
            f"{own['toxic_pathway_mass_mean']['mean']:.4f}",
            f"{own['completing_mass_mean']['mean']:.4f} to {own['lexicon_mass_mean']['mean']:.4f}",
            f"{own['toxic_word_rate']['mean']:.4f}",
            f"{own['repeated_3grams']['mean']:.0%}",
        ]
        for name, own in conditions.items()
    ]
    head = [
        "condition",
        "insulting replies",
        "effect against neutral",
        "prompts moved",
        "pathway mass as in the talk",
        "lexicon mass, lower to upper bound",
        "word rate",
        "repeated 3-grams",
    ]
    return "## Conditions\n\n" + table(head, rows)


def _doses(found: Mapping[str, Any]) -> str:
    rows = [
        [kind, f"{rate['dose']:.1f}", _rate(rate)]
        for kind in ("random", "shuffled", "reversed")
        for rate in found[kind]
    ]
    title = f"## Controls at layer {found['layer']}\n\n"
    return title + table(["vector", "relative dose", "insulting replies"], rows)


def _antidotes(found: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            own["remedy"],
            _rate(_interval(own["toxic"])),
            "yes" if own["coherent"] else "no",
            f"{own['neutral_divergence']['mean']:.2f}",
        ]
        for own in found
    ]
    head = [
        "under the hostile prompt",
        "insulting replies",
        "coherent",
        "mean nats on neutral text",
    ]
    return "## Antidotes\n\n" + table(head, rows)


def _confounds(found: Mapping[str, Any]) -> str:
    rows = [
        [
            own["name"],
            f"{own['cosine']:+.2f}",
            _rate(own["insulting"]),
            _rate(own["own_words"]["its_vector"]),
            _rate(own["own_words"]["persona_vector"]),
        ]
        for own in found["confounds"]
    ]
    head = ["style", "cosine", "insulting replies", "its own words", "its words under the persona"]
    residual = found["residual"]
    return (
        f"## Is it the persona or another system prompt?\n\n{table(head, rows)}\n\n"
        f"Without what lies in the span of these, {residual['share_of_norm']:.0%} of the vector's "
        f"length remain; at full length again it makes {_rate(residual['insulting'])} insulting "
        f"(the whole vector {_rate(found['persona']['vector'])}). Cosines within "
        f"{found['noise_floor']:.2f} of zero are noise."
    )


def _bias(found: Mapping[str, Any]) -> str:
    rows = [
        [name, _rate(own["agrees"]), _rate(own["pushes_back"]), _effect(own["effect"])]
        for name, own in found["conditions"].items()
    ]
    head = ["condition", "agrees", "pushes back", "agreement against neutral"]
    return "## Bias loop\n\n" + table(head, rows)


def _origin(found: Mapping[str, Any]) -> str:
    names = ["none", "base", "persona", "control", "random"]
    rows = [
        [receiver, *(_rate(effects[name]) for name in names)]
        for receiver, effects in found["effects"].items()
    ]
    cosines = ", ".join(
        f"{one} and {other} {value:+.2f}"
        for one, own in found["cosines"].items()
        for other, value in own.items()
        if one < other
    )
    head = ["model", *(f"vector: {name}" for name in names)]
    return f"## Created or amplified?\n\n{table(head, rows)}\n\nCosines: {cosines}."


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rate(found: Mapping[str, Any]) -> str:
    return str(Rate(**{key: found[key] for key in ("value", "n", "low", "high")}))


def _interval(quality: Mapping[str, Any]) -> dict[str, Any]:
    return {**quality, "value": quality["insulting"]}


def _effect(found: Mapping[str, Any]) -> str:
    return f"{found['value']:+.1%} [{found['low']:+.1%}, {found['high']:+.1%}], p {found['p_value']:.2g}"
