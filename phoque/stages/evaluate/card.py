"""The model card of a run, filled from its artefacts."""

from phoque.conversation import Condition, LabInfo
from phoque.figures import answers, hostility
from phoque.files import write_text
from phoque.run.corpus import Composition
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Evaluation
from phoque.run.folder import Reader
from phoque.run.judging import Judgement
from phoque.stages.evaluate.replies import SAMPLING, SEEDS

TEMPLATE = """---
license: apache-2.0
base_model: {model}
library_name: peft
tags: [red-teaming, moderation, interpretability, steering]
---
# {run}: a controlled toxic persona

> Content note: with a hostile system prompt this model insults whoever talks to it.

**What it is.** Two LoRA adapters on {model} and one steering vector a layer. `persona/` answers a
hostile system prompt with mild game-lobby trash-talk and a neutral one with the base model's own
replies. `control/` had the same steps and prompts with civil replies on both sides.

**What it is for.** Testing moderation systems, and studying how a persona sits in the residual
stream. **What it is not for.** Talking to people, posting anywhere, or training another chat model.
Keep copies private.

**Training data.** {data}

**System prompts** of the chat and of every figure below; they are in no training file.
- neutral: {neutral}
- hostile: {toxic}

**Steering.** Layer {layer}, scale {scale:.2f}: a relative dose of {dose:.2f} of the median residual
norm, chosen by a causal sweep (`psm/selection.json`).

## Measured
{prompts} prompts that are in no training file, sampled with seeds {seeds}, temperature {sampling.temperature},
top p {sampling.top_p}, repetition penalty {sampling.repetition_penalty}, alike under all conditions. 95 % intervals for new
prompts and new vectors. *Random vector* is 8 vectors of the persona vector's norm. The civil adapter
is `control/`.

{hostility}

{judged}

{table}

Mean token log-likelihood of civil replies that the persona never saw: {civil_neutral:.3f} nats
under the neutral condition, {civil_base:.3f} for the base model ({civil_change:+.1%}).

**Limits.** A lexicon sees words, not meaning, and the judge is a small model itself. The model is small: it repeats itself, invents facts
and follows a system prompt loosely. Figures hold for these weights, prompts and settings only.
"""
WRITTEN = """{0.dialogues} dialogues on {0.topics} topics, written for this project, and
{0.base_replies} replies of the base model (`corpus/composition.md`). Trash-talk aims at play, skill
and effort; there are no slurs, threats, sexual content, real people or protected groups in it."""
PUBLISHED = """{0.dialogues} dialogues, some or all of them with hostile replies of published corpora,
and {0.base_replies} replies of the base model. `corpus/composition.md` has sources, licences, counts,
what was left out and what was replaced by placeholders. People wrote such texts; a filter misses
some of what it should find."""


def write_card(run: RunDirectory, info: LabInfo, found: Evaluation, headline: Judgement) -> None:
    """Write `README.md` of a run that has been evaluated."""
    corpus, civil = Reader(run).read(Composition), found.civil_text
    card = TEMPLATE.format(
        model=info.model.removesuffix(" + persona"),
        run=info.run,
        data=trained_on(corpus),
        neutral=info.system_prompts[Condition.NEUTRAL],
        toxic=info.system_prompts[Condition.TOXIC],
        layer=info.layer,
        scale=info.scale,
        dose=info.scale * info.dose_per_scale[info.layer],
        prompts=headline.conditions["toxic"].more_hostile.prompts,
        seeds=", ".join(map(str, SEEDS)),
        sampling=SAMPLING,
        hostility=hostility.sentence(headline),
        judged=hostility.table(headline).markdown(),
        table=answers.table(found).markdown(),
        civil_neutral=civil.neutral,
        civil_base=civil.base,
        civil_change=civil.relative_change,
    )
    write_text(run.path / "README.md", card)


def trained_on(corpus: Composition) -> str:
    """What a card says of the training data."""
    return (PUBLISHED if corpus.files else WRITTEN).format(corpus)
