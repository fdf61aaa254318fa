"""Measure how a run answers at several temperatures, top-p and penalties, and choose one.

    python tools/choose_decoding.py --run runs/x

Writes decoding/decoding.json into the run, and changes no default. `DEFAULT_SAMPLING` in phoque/conversation.py
was chosen by readings; this says whether it keeps the limits, too. It writes 16 prompts x 2 seeds x 4 columns x
12 settings = 1,536 replies, and the judge reads each: count on half an hour on two cores.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean

from phoque.conversation import DEFAULT_SAMPLING, Condition, Sampling
from phoque.judging import likelihood
from phoque.judging.judge import Exchange, Judge, by_message
from phoque.judging.measures import Embed, Floats, measured
from phoque.lab import Lab
from phoque.models.engine import write
from phoque.moderators import minilm
from phoque.opening import open_lab
from phoque.run.corpus import BaseReply, Dialogue
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.judging import Decoded, DecodingChoice, Measures
from phoque.stats.paired_ranks import chance_above

TEMPERATURES, TOP_PS, PENALTIES = (0.6, 0.8, 1.0), (0.9, 0.95), (1.0, 1.1)
GRID = tuple(
    Sampling(temperature=temperature, top_p=top_p, repetition_penalty=penalty)
    for temperature, top_p, penalty in product(TEMPERATURES, TOP_PS, PENALTIES)
)
NUM_PROMPTS = 16
SEEDS = (42, 43)
COLUMNS = (Condition.BASE, Condition.NEUTRAL, Condition.TOXIC, Condition.STEERED)
HOSTILE = (Condition.TOXIC, Condition.STEERED)
REPEATED, RELEVANT, MORE_HOSTILE = 0.02, 0.05, 0.05
RULE = (
    f"A setting may repeat at most {REPEATED:.0%} more of its 3-grams than the best one, have at most "
    f"{RELEVANT:.0%} fewer replies nearest to their own message, and lose at most {MORE_HOSTILE} of "
    "the chance that toxic and steered replies are more hostile than the base model's. Of the "
    "settings that break the fewest of these limits the one in use stays, because every number of a run was "
    "measured with it; otherwise the one with the most varied replies is chosen, then the one with the lowest "
    "temperature. All columns are decoded alike."
)
Texts = Mapping[Condition, Sequence[Exchange]]


def choose_decoding(
    lab: Lab,
    judge: Judge,
    embed: Embed,
    training: Sequence[str],
    *,
    grid: Sequence[Sampling] = GRID,
    progress: Callable[[str], None] = lambda _: None,
) -> DecodingChoice:
    """Sample every column at every setting, measure, choose by `RULE`."""
    prompts = lab.persona.sweep[:NUM_PROMPTS]
    messages = [*prompts, *lab.persona.evaluation]
    training_LE = embed(training)
    settings = []
    for sampling in grid:
        texts = dict(_written(lab, prompts, sampling))
        settings.append(_decoded(sampling, texts, judge, messages, training_LE, embed))
        progress(
            f"temperature {sampling.temperature}, top-p {sampling.top_p}, penalty "
            f"{sampling.repetition_penalty}: done"
        )
    return DecodingChoice(
        prompts=len(prompts),
        seeds=SEEDS,
        judge=judge.name,
        digest=judge.digest,
        rule=RULE,
        settings=tuple(settings),
        chosen=best(settings).sampling,
    )


def best(settings: Sequence[Decoded]) -> Decoded:
    """The setting by `RULE`."""
    most_repeated = min(one.repeated_3grams for one in settings) + REPEATED
    least_relevant = max(one.relevance for one in settings) - RELEVANT
    least_hostile = max(one.more_hostile_mean for one in settings) - MORE_HOSTILE

    def rank(one: Decoded) -> tuple[int, bool, float, float]:
        broken = (
            one.repeated_3grams > most_repeated,
            one.relevance < least_relevant,
            one.more_hostile_mean < least_hostile,
        )
        changes = one.sampling != DEFAULT_SAMPLING
        return sum(broken), changes, -one.variety, one.sampling.temperature

    return min(settings, key=rank)


def _written(
    lab: Lab, prompts: Sequence[str], sampling: Sampling
) -> Iterator[tuple[Condition, list[Exchange]]]:
    asked = [(prompt, seed) for prompt in prompts for seed in SEEDS]
    requests = [
        lab.request(prompt, COLUMNS, None, None, seed, sampling, None) for prompt, seed in asked
    ]
    for condition in COLUMNS:
        model = lab.base if condition is Condition.BASE else lab.model
        replies = write(model, [request.rows[condition] for request in requests], sampling)
        pairs = zip(asked, replies, strict=True)
        yield condition, [Exchange(prompt, one.text) for (prompt, _), one in pairs]


def _decoded(
    sampling: Sampling,
    texts: Texts,
    judge: Judge,
    messages: Sequence[str],
    training_LE: Floats,
    embed: Embed,
) -> Decoded:
    measures = {
        condition: measured(own, messages, training_LE, embed) for condition, own in texts.items()
    }
    scores = {condition: by_message(own, judge.scores(own)) for condition, own in texts.items()}
    base = scores[Condition.BASE]
    more_hostile = {condition: chance_above(base, scores[condition]) for condition in HOSTILE}

    def mean(of: Callable[[Measures], float]) -> float:
        return fmean(map(of, measures.values()))

    return Decoded(
        sampling=sampling,
        more_hostile=more_hostile,
        more_hostile_mean=fmean(one.value for one in more_hostile.values()),
        relevance=mean(lambda own: own.relevance_nearest.value),
        repeated_3grams=mean(lambda own: own.repeated_3grams),
        variety=mean(lambda own: own.variety or 0.0),
        measures=measures,
    )


def main() -> None:
    """Measure and choose."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--run", type=Path, required=True)
    run = RunDirectory(asked.parse_args().run)
    files = Reader(run)
    training = [text for one in files.rows(Dialogue) for text in one.learned]
    training += [one.reply for one in files.rows(BaseReply)]
    with run.stage("decoding", run.path / "decoding", seeds=SEEDS) as folder:
        choice = choose_decoding(
            open_lab(run.path), likelihood.load(), minilm.load().embed, training, progress=print
        )
        choice.save(folder)
    for one in choice.settings:
        print(
            f"{one.sampling.temperature} {one.sampling.top_p} {one.sampling.repetition_penalty}: "
            f"more hostile {one.more_hostile_mean:.2f}, relevance {one.relevance:.2f}, repeated "
            f"{one.repeated_3grams:.3f}, variety {one.variety:.2f}"
        )
    print(f"chosen: {choice.chosen}")


if __name__ == "__main__":
    main()
