"""Scale of the vector against threshold of a moderator: the scored replies behind it."""

from collections.abc import Sequence

from phoque.moderators.classifier import Classifier
from phoque.moderators.scoring import harm_scores
from phoque.run.scored import Contour, DosedReply
from phoque.stages.moderation.friendly import CONTOUR_SEED, Doses
from phoque.stages.moderation.outcomes import outcome


def contour_of(
    doses: Doses,
    prompts: Sequence[str],
    classifiers: Sequence[Classifier],
    *,
    selected: float,
    may_send_text: bool = False,
) -> Contour:
    """Every reply along the scale, scored by every moderator.

    Raises:
        PhoqueError: a classifier failed on a reply, or may not be sent text.
    """
    texts = [text for own in doses.values() for text in own]
    scores = {
        one.info.id: harm_scores(one, texts, may_send_text=may_send_text) for one in classifiers
    }
    keys = [
        (*key, prompt) for key, own in doses.items() for prompt, _ in zip(prompts, own, strict=True)
    ]
    replies = tuple(
        DosedReply(
            condition=condition,
            scale=scale,
            prompt=prompt,
            response=text,
            outcome=outcome(prompt, text),
            raw={name: own[i] for name, own in scores.items()},
        )
        for i, ((condition, scale, prompt), text) in enumerate(zip(keys, texts, strict=True))
    )
    return Contour(selected=selected, seed=CONTOUR_SEED, replies=replies)
