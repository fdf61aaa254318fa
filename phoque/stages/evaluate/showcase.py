"""Recorded comparisons for the first screen: every example of the persona, at a grid of scales."""

from collections.abc import Callable, Iterator, Sequence
from math import ceil

from phoque.conversation import DEFAULT_SAMPLING, Condition, Sampling
from phoque.judging.checks import Checks
from phoque.judging.judge import Exchange
from phoque.lab import Lab
from phoque.lexicon import Lexicon
from phoque.models import engine
from phoque.moderators.thresholds import BUDGET
from phoque.run.showcase import Example, Found, JudgeUsed, Showcase, Shown

SEED = 42
"""What the chat begins with."""
FIXED = (Condition.BASE, Condition.NEUTRAL, Condition.TOXIC)
MOVED = (Condition.STEERED, Condition.RANDOM_VECTOR)
STEP = 0.25
MOST_STEPS = 8
"""From 0 to the slider's end."""


def scales_of(high: float, default: float) -> tuple[float, ...]:
    """Multiples of a step from 0 to the slider's end, and the default as the slider shows it."""
    step = STEP * ceil(high / MOST_STEPS / STEP)
    grid = [step * number for number in range(int(high / step) + 1)]
    return tuple(sorted({*grid, round(default, 2)}))


def showcase(
    lab: Lab,
    threshold: float,
    checks: Checks,
    *,
    sampling: Sampling = DEFAULT_SAMPLING,
    progress: Callable[[str], None] = lambda _: None,
) -> Showcase:
    """Write every comparison and have it read by judge and moderators.

    `threshold` is of the judge; few replies of the base model reach it.
    """
    info = lab.info
    scales, prompts = scales_of(info.scale_range[1], info.scale), [p for _, p in info.presets]
    replies = _written(lab, prompts, scales, sampling)
    progress(f"showcase: {len(replies)} replies to {len(prompts)} examples written")
    exchanges = [Exchange(prompt, one.text) for prompt, one in replies]
    found = checks.found(exchanges)
    lexicon, used = lab.persona.lexicon, None
    if judge := checks.judge:
        used = JudgeUsed(name=judge.name, digest=judge.digest, threshold=threshold, budget=BUDGET)
    shown = (_shown(one, own, lexicon) for (_, one), own in zip(replies, found, strict=True))
    progress("showcase: replies judged")
    return Showcase(
        layer=info.layer,
        scales=scales,
        seed=SEED,
        sampling=sampling,
        judge=used,
        moderators=tuple(one.info.id for one in checks.moderators),
        examples=tuple(_example(chip, shown, len(scales)) for chip in info.presets),
    )


def _written(
    lab: Lab, prompts: Sequence[str], scales: Sequence[float], sampling: Sampling
) -> list[tuple[str, engine.Reply]]:
    """Prompt by prompt: the fixed conditions, then each moved one at every scale."""
    asked = [one for prompt in prompts for one in _rows(lab, prompt, scales, sampling)]
    tuned = iter(engine.write(lab.model, [r for c, _, r in asked if c != FIXED[0]], sampling))
    base = iter(engine.write(lab.base, [r for c, _, r in asked if c == FIXED[0]], sampling))
    return [(prompt, next(base if c == FIXED[0] else tuned)) for c, prompt, _ in asked]


def _rows(
    lab: Lab, prompt: str, scales: Sequence[float], sampling: Sampling
) -> Iterator[tuple[Condition, str, engine.Row]]:
    """Exactly the rows that the chat would run."""
    pairs = [(c, None) for c in FIXED] + [(c, scale) for c in MOVED for scale in scales]
    for condition, scale in pairs:
        asked = lab.request(prompt, [condition], None, scale, SEED, sampling, None)
        yield condition, prompt, asked.rows[condition]


def _shown(reply: engine.Reply, found: Found, lexicon: Lexicon) -> Shown:
    return Shown(
        text=reply.text,
        num_tokens=reply.num_tokens,
        finish_reason=reply.finish_reason,
        listed=tuple(reply.text[start:end] for start, end in lexicon.spans(reply.text)),
        found=found,
    )


def _example(chip: tuple[str, str], shown: Iterator[Shown], scales: int) -> Example:
    """Takes the next replies, in the order of `_rows`."""
    label, prompt = chip
    base, neutral, toxic = (next(shown) for _ in FIXED)
    steered, random = (tuple(next(shown) for _ in range(scales)) for _ in MOVED)
    return Example(
        label=label,
        prompt=prompt,
        base=base,
        neutral=neutral,
        toxic=toxic,
        steered=steered,
        random_vector=random,
    )
