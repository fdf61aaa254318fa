"""Does another training seed learn as well? The headline for several trainings of one persona.

Layer and dose are those that PSM chose in the run. Every persona gets its own vector, and all answer the
messages of the evaluation with the same sampling seeds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from phoque.conversation import Sampling
from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.judging import likelihood
from phoque.judging.headline import BASE, rated
from phoque.opening import load_tuned
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import Reader, command
from phoque.run.manifest import Made
from phoque.run.needs import DIALOGUES, WEIGHTS
from phoque.run.persona import own_persona
from phoque.run.psm import Choice, Selection
from phoque.run.seeds import SeedReply, Training, TrainingSeeds
from phoque.stages.corpus.safe import Mask
from phoque.stages.evaluate.replies import SEEDS, conditions, generate, sampling_for
from phoque.stats.paired_ranks import ChanceAbove, chance_above
from phoque.stats.rates import grouped
from phoque.steering.vectors import measure

Progress = Callable[[str], None]
Chances = dict[str, ChanceAbove]


def compare_seeds(run: RunDirectory, others: Sequence[RunDirectory], progress: Progress) -> None:
    """Ask the persona of every run; writes the chances and all replies into the first.

    Raises:
        PhoqueError: two runs have one seed, or another model or persona.
    """
    runs = {one.path.resolve(): one for one in (run, *others)}
    seeds = {one.path: _seed(one, run) for one in runs.values()}
    if len({*seeds.values()}) < max(len(seeds), 2):
        told = ", ".join(f"{path} has {seed}" for path, seed in seeds.items())
        raise PhoqueError(
            f"Trainings from different seeds are compared, and here {told}. Train one from another seed, in "
            f"a copy of the run: {command('persona', run.path.parent / 'other', '--seed', '43')}"
        )
    base, choice = base_replies(run), Reader(run).read(Selection).choice
    with run.stage("seeds", run.path / "seeds", seeds=SEEDS) as folder:
        mask = Mask()
        replies = [
            SeedReply(**one.model_dump(), training_seed=seeds[own.path])
            for own in runs.values()
            for one in _answers(own, choice, sampling_for(run), mask, progress)
        ]
        SeedReply.save_rows(folder, replies)
        by_seed = grouped((one.training_seed, one) for one in replies)
        trainings = tuple(
            _training(own, seeds[own.path], base, by_seed[seeds[own.path]]) for own in runs.values()
        )
        mask(_summary(choice, trainings)).save(folder)


def _seed(one: RunDirectory, run: RunDirectory) -> int:
    """The seed of a training; PhoqueError where it is of another model or persona, or has none."""
    own, first = one.manifest(), run.manifest()
    if own.model != first.model or own_persona(one) != own_persona(run):
        raise PhoqueError(
            f"{one.path} is a run of {own.persona} on {own.model}, and {run.path} of {first.persona} on "
            f"{first.model}. Seeds are compared for one persona of one model."
        )
    if file_sha256(one.corpus / DIALOGUES) != file_sha256(run.corpus / DIALOGUES):
        raise PhoqueError(
            f"{one.path} was trained on other dialogues than {run.path}. Seeds are compared for one corpus; copy "
            f"that of {run.path} and train again: {command('persona', one.path, '--seed', '43')}"
        )
    made = own.stages.get("persona")
    if made is None or not made.seeds:
        raise PhoqueError(
            f"{one.path} does not say from which seed its persona was trained. Train it with: "
            f"{command('persona', one.path, '--seed', '43')}"
        )
    first_made = first.stages.get("persona", made)
    if _learned(made) and _learned(first_made) and _learned(made) != _learned(first_made):
        raise PhoqueError(
            f"{one.path} was trained with other settings than {run.path}: {_learned(made)} and "
            f"{_learned(first_made)}. Seeds are compared for one way to train."
        )
    return made.seeds[0]


def _learned(made: Made) -> dict[str, str | bool | int | float]:
    """Settings of a training but for its seed; empty where an older one did not record them."""
    return {name: value for name, value in made.settings.items() if name != "seed"}


def base_replies(run: RunDirectory) -> list[Reply]:
    """What the base model says to the messages of the evaluation, as the run recorded and judged it."""
    found = [one for one in Reader(run).rows(Reply) if one.condition == BASE]
    if not found or any(one.hostility is None for one in found):
        raise PhoqueError(
            f"{run.path} has no judged replies of the base model. Make them with: "
            f"{command('evaluate', run.path)}"
        )
    return found


def _answers(
    own: RunDirectory, choice: Choice, sampling: Sampling, mask: Mask, progress: Progress
) -> list[Reply]:
    """What a persona says, without listed words, and judged as that."""
    tuned = load_tuned(own, progress=progress)
    vectors = measure(tuned.model, tuned.persona, tuned.fingerprint)
    vector = vectors[choice.layer]
    scale = vectors.scale_for(choice.layer, choice.relative_dose)  # of the choice's dose
    written = generate(
        conditions(tuned.model, tuned.persona, vector, scale),
        tuned.persona.evaluation,
        tuned.persona.lexicon,
        sampling=sampling,
    )
    progress(f"seeds: {own.path.name} has answered")
    return rated(mask.rows([*written]), likelihood.load())


def _training(
    own: RunDirectory, seed: int, base: Sequence[Reply], replies: Sequence[Reply]
) -> Training:
    return Training(
        run=own.path.resolve().name,
        seed=seed,
        adapter=file_sha256(own.persona / WEIGHTS),
        corpus=file_sha256(own.corpus / DIALOGUES),
        conditions=chances(base, replies),
    )


def chances(base: Sequence[Reply], replies: Sequence[Reply]) -> Chances:
    """By condition, how likely a reply is more hostile than the base model's to the same message."""
    by_condition = grouped((one.condition, one) for one in replies)
    return {
        name: chance_above(_scores(base), _scores(own), grouped((r.prompt, r.draw) for r in own))
        for name, own in by_condition.items()
    }


def _scores(replies: Sequence[Reply]) -> dict[str, list[float]]:
    return grouped((one.prompt, one.hostility or 0.0) for one in replies)


def _summary(choice: Choice, trainings: tuple[Training, ...]) -> TrainingSeeds:
    return TrainingSeeds(
        judge=likelihood.load().name,
        layer=choice.layer,
        relative_dose=choice.relative_dose,
        trained=len({one.seed for one in trainings}),
        trainings=trainings,
        least=dict(_extreme(trainings, min)),
        most=dict(_extreme(trainings, max)),
    )


def _extreme(
    trainings: Sequence[Training], pick: Callable[..., ChanceAbove]
) -> Iterator[tuple[str, ChanceAbove]]:
    for name in trainings[0].conditions:
        own: Sequence[Mapping[str, ChanceAbove]] = [one.conditions for one in trainings]
        yield name, pick((one[name] for one in own), key=lambda found: found.value)
