"""How much does another training seed change? The headline for personas of one corpus and several seeds.

    phoque run persona --run runs/seed43 --seed 43     in a copy of a run that has corpus and civil adapter
    python tools/training_seeds.py runs/lab runs/seed43 runs/seed44

Layer and dose are those that PSM chose in the first run. Every persona gets its own vector, and all answer the
messages of the evaluation with the same sampling seeds. It prints a line a persona and condition: how likely its
reply is more hostile than the base model's, with an interval that counts messages.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from phoque.judging import likelihood
from phoque.judging.headline import BASE, rated
from phoque.opening import Tuned, load_tuned
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import Reader
from phoque.run.psm import Choice, Selection
from phoque.stages.evaluate.replies import NUM_RANDOM, Setting, generate
from phoque.stats.paired_ranks import chance_above
from phoque.stats.rates import grouped
from phoque.steering.vectors import measure


def main() -> None:
    """Ask every persona, and tell."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("runs", type=Path, nargs="+", metavar="DIR")
    runs = [RunDirectory(path) for path in asked.parse_args().runs]
    choice = Reader(runs[0]).read(Selection).choice
    base = base_replies(runs[0])
    for run in runs:
        for line in lines(run, choice, base):
            print(line, flush=True)


def base_replies(run: RunDirectory) -> list[Reply]:
    """What the base model says to the messages of the evaluation, as the run recorded it."""
    return [one for one in Reader(run).rows(Reply) if one.condition == BASE]


def lines(run: RunDirectory, choice: Choice, base: list[Reply]) -> Iterator[str]:
    """One line a condition."""
    tuned = load_tuned(run)
    written = [*generate(settings(tuned, choice), tuned.persona.evaluation, tuned.persona.lexicon)]
    by_condition = grouped(
        (one.condition, one) for one in rated([*base, *written], likelihood.load())
    )
    seeds = run.manifest().stages["persona"].seeds
    for name, own in by_condition.items():
        found = chance_above(scores(by_condition[BASE]), scores(own))
        value = f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
        yield f"{run.path.name}, training seed {seeds}, {name}: {value}, n = {len(own)} replies"


def settings(tuned: Tuned, choice: Choice) -> list[Setting]:
    """The three conditions and random vectors, at the dose of the choice."""
    vectors = measure(tuned.model, tuned.persona, tuned.fingerprint)
    vector = vectors[choice.layer]
    scale = vectors.scale_for(choice.layer, choice.relative_dose)
    neutral, hostile = tuned.persona.neutral_prompt, tuned.persona.persona_prompt
    random = [(vector.random_like(seed).injection(scale),) for seed in range(NUM_RANDOM)]
    return [
        Setting("neutral", tuned.model, neutral),
        Setting("toxic", tuned.model, hostile),
        Setting("steered", tuned.model, neutral, [(vector.injection(scale),)]),
        Setting("random_vector", tuned.model, neutral, random),
    ]


def scores(replies: list[Reply]) -> dict[str, list[float]]:
    """What the judge says, by message."""
    return grouped((one.prompt, one.hostility or 0.0) for one in replies)


if __name__ == "__main__":
    main()
