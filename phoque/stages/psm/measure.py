"""Step one: the vectors, the talk's table of layers, and whether the vectors are more than noise."""

from phoque.run.directory import VECTORS
from phoque.run.psm import ActivationByLayer
from phoque.run.psm_vector import ProbeCurve, Reliability
from phoque.stages.psm.criteria import classic_rows, geometry_criteria, with_normed_last_layer
from phoque.stages.psm.pathway import Pathway
from phoque.stages.psm.reliability import agreement, probe_curve
from phoque.stages.psm.subject import Subject

CURVE = (1, 2, 4, 6, 8, 12, 20, 30, 40)


def measure_vectors(subject: Subject) -> None:
    """Write the vectors, `activation_by_layer.json` and `reliability.json`."""
    used = subject.contrast.first(subject.num_probes)
    used.vectors(subject.fingerprint).save(subject.folder / VECTORS)
    starts = Pathway(subject.model.tokenizer, subject.persona.lexicon).first_tokens()
    classic = classic_rows(with_normed_last_layer(subject.model, used))
    ActivationByLayer(
        probes=len(used.neutral_NLD),
        classic=classic,
        classic_layer=max(classic, key=lambda row: row.delta_proj_mean).layer,
        block_outputs=classic_rows(used),
        criteria=geometry_criteria(subject.model, used, starts),
    ).save(subject.folder)
    _reliability(subject).save(subject.folder)


def _reliability(subject: Subject) -> Reliability:
    """Per layer for the probes in use, for all probes, and what more of them buy."""
    used = subject.contrast.first(subject.num_probes).differences_NLD
    everything = subject.contrast.differences_NLD
    layers = range(used.shape[1])
    return Reliability(
        layers=tuple(agreement(used[:, i], i) for i in layers),
        all_probes=tuple(agreement(everything[:, i], i) for i in layers),
        curve=tuple(
            ProbeCurve(layer=i, points=probe_curve(everything[:, i], CURVE)) for i in layers
        ),
    )
