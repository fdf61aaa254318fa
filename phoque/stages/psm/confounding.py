"""Is it the persona, or any other system prompt? Vectors of other styles, at the same dose."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from phoque.conversation import asked
from phoque.models.engine import Reply, Row
from phoque.personas.controls import Confound, confounds
from phoque.run.psm_rows import ConfoundReply
from phoque.run.psm_vector import Confounds, OwnWords, Residual, Style
from phoque.stages.corpus.safe import Mask
from phoque.stages.psm.subject import Subject
from phoque.stages.psm.tried import Key, rates_by_key, tried
from phoque.stats.rates import Rate
from phoque.steering.experiment import listed_share, rows_of, write_grouped
from phoque.steering.search import SAMPLING
from phoque.steering.vectors import SteeringVector, last_tokens

NUM_PROMPTS = 30


def compare_confounds(subject: Subject) -> None:
    """Write `confounds.json` and its replies: cosines, cross-effects, the vector without the confounds."""
    neutral_LD = subject.contrast.first(subject.num_probes).neutral_NLD.mean(0)
    others = {
        one.name: last_tokens(subject.model, one.prompt, subject.probes).mean(0) - neutral_LD
        for one in confounds()
    }
    layer = subject.layer
    vectors = {name: SteeringVector(layer, mean_LD[layer]) for name, mean_LD in others.items()}
    residual = residualised(subject.vector, list(vectors.values()))
    groups = _groups(subject, vectors, residual)
    replies = write_grouped(subject.model, groups, SAMPLING, subject.progress)
    rows = tried(ConfoundReply, subject, groups, replies)
    rates, mask = rates_by_key(rows), Mask()
    ConfoundReply.save_rows(subject.folder, mask.rows(rows))
    found = Confounds(
        layer=layer,
        noise_floor=3 / subject.model.width**0.5,
        neutral=rates["plain", "neutral"],
        steered=rates["vector", "persona"],
        residual=Residual(
            share_of_norm=residual.norm / subject.vector.norm,
            insulting=rates["vector", "residual"],
        ),
        styles=tuple(_style(subject, c, others[c.name], replies, rates) for c in confounds()),
        counted=subject.selection.trait.by,
    )
    mask(found).save(subject.folder)


def residualised(vector: SteeringVector, others: Sequence[SteeringVector]) -> SteeringVector:
    """The vector without what lies in the span of `others`."""
    basis_DK, _ = torch.linalg.qr(torch.stack([other.direction_D for other in others], dim=1))
    direction_D = vector.direction_D
    return SteeringVector(vector.layer, direction_D - basis_DK @ (basis_DK.T @ direction_D))


def _groups(
    subject: Subject, vectors: dict[str, SteeringVector], residual: SteeringVector
) -> dict[Key, list[Row]]:
    """Each confound as a vector and as a system prompt; all vectors have the persona's length."""
    prompts = subject.persona.evaluation[:NUM_PROMPTS]
    neutral, length = subject.neutral(prompts), subject.vector.norm * subject.scale
    added = {"persona": subject.vector, "residual": residual, **vectors}
    return {
        ("plain", "neutral"): rows_of(neutral),
        **{
            ("vector", name): rows_of(neutral, (vector.injection(length / vector.norm),))
            for name, vector in added.items()
        },
        **{("prompt", c.name): rows_of(asked(c.prompt, prompts)) for c in confounds()},
    }


def _style(
    subject: Subject,
    confound: Confound,
    mean_LD: Tensor,
    replies: Mapping[Key, Sequence[Reply]],
    rates: Mapping[Key, Rate],
) -> Style:
    name, own = confound.name, confound.lexicon
    cosines_L = cosine_similarity(mean_LD, subject.vectors.directions_LD)
    return Style(
        name=name,
        description=confound.description,
        cosine=float(cosines_L[subject.layer]),
        cosine_by_layer=tuple(cosines_L.tolist()),
        norm_ratio=float(mean_LD[subject.layer].norm() / subject.vector.norm),
        insulting=rates["vector", name],
        insulting_by_prompt=rates["prompt", name],
        own_words=OwnWords(
            neutral=listed_share(replies["plain", "neutral"], own),
            its_prompt=listed_share(replies["prompt", name], own),
            its_vector=listed_share(replies["vector", name], own),
            persona_vector=listed_share(replies["vector", "persona"], own),
        ),
    )
