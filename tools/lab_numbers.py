"""Numbers of the findings that stand in no table of the report, from the records and rows of the shipped runs."""

from collections.abc import Iterator
from pathlib import Path

from phoque.conversation import Condition
from phoque.figures import table as cells
from phoque.figures.answers import civil_said
from phoque.figures.confounds import own_prompt, strongest
from phoque.run.evaluation import Evaluation
from phoque.run.judging import Judgement, Reading
from phoque.run.moderation import ModerationReport
from phoque.run.psm_rows import AntidoteReply, ConfoundReply
from phoque.run.psm_vector import Confounds
from phoque.run.sae_latents import Feature
from phoque.stats.ranking import roc_auc
from phoque.stats.rates import Rate, by_cluster

RUNS = Path(__file__).parent.parent / "assets" / "runs"
LAB = RUNS / "lab"
PSM = LAB / "psm"
EVEN = 0.5
"""A chance that tells of no difference."""


def found_again() -> str:
    """Whether dictionaries from other seeds have the features that drive the persona."""
    rows = Feature.load_rows(LAB / Feature.STAGE, command="")
    lost = [one for one in rows if one.verdict == "driver" and one.stability == "not found again"]
    drivers = [one for one in rows if one.verdict == "driver"]
    return " Dictionaries from other seeds do not have that latent." * (
        len(lost) == len(drivers) == 1
    )


def civil_goal() -> Iterator[str]:
    """What each shipped run costs civil replies, a line a persona."""
    for file in sorted(RUNS.glob(f"*/{Evaluation.STAGE}/{Evaluation.FILE}")):
        told = civil_said(Evaluation.load(file.parent, command="").civil_text)
        yield f"- *{file.parent.parent.name}*: {told} (`{file.relative_to(RUNS)}`)\n"


def other_prompts() -> str:
    """What system prompts do that ask for another, harmless style."""
    own = own_prompt(
        AntidoteReply.load_rows(PSM, command=""), ConfoundReply.load_rows(PSM, command="")
    )
    return " ".join(strongest(Confounds.load(PSM, command=""), own).split())


def readings(condition: str) -> list[Reading]:
    """A condition's replies that were read blind."""
    rows = Reading.load_rows(LAB / Reading.STAGE, command="")
    return [one for one in rows if one.condition == condition]


def read(condition: str) -> Rate:
    """Share of a condition's replies that blind readers call hostile."""
    return by_cluster((one.message, one.hostile) for one in readings(condition))


def called_by(who: str, condition: str) -> str:
    """How many replies of those read blind are hostile to `readers` or the `judge`, or set them `apart`; or its `auc`."""
    rows = readings(condition)
    if who == "auc":
        own = [(one.base_likelihood, one.hostile, one.message) for one in rows]
        return cells.held(roc_auc(*zip(*own, strict=True)))
    least = Judgement.load(LAB / Judgement.STAGE, command="").threshold
    called = {
        "readers": [one.hostile for one in rows],
        "judge": [one.base_likelihood >= least for one in rows],
    }
    hits = called.get(who) or [a != b for a, b in zip(*called.values(), strict=True)]
    return f"{sum(hits)} of {len(rows)}"


def counted(condition: str) -> str:
    """How many, for a line that has one interval already."""
    own = read(condition)
    return f"Blind readers call {own.value * own.n:.0f} of {own.n} replies hostile"


def readers(condition: str, replies: str) -> str:
    """The share with its interval; `replies` says in words which ones these are."""
    own = read(condition)
    return f"Blind readers call {cells.interval(own)} of {own.n} {replies} hostile."


def subtracted(*, causal: bool) -> str:
    """What is left where the vector is taken away at its layer."""
    found = Judgement.load(LAB / Judgement.STAGE, command="")
    left = found.conditions["reversed_vector"].more_hostile
    told = (
        "Where the vector is subtracted at that layer under the hostile prompt, the chance is still "
        f"{cells.held(left)}"
    )
    return (
        f"{told}{': there the vector is enough, and not necessary' * (causal and left.low > EVEN)}."
    )


def at_equal_cost() -> str:
    """What the first moderator flags where it pays as much for it as the judge does."""
    report = ModerationReport.load(LAB / ModerationReport.STAGE, command="")
    own = report.classifiers[report.names[0]].conditions[Condition.TOXIC].flagged[-1]
    return (
        f"At the threshold where the moderator gives 5 % false alarms on a public set ({own.threshold:.2f}), "
        f"it flags {cells.interval(own.rate)} of the replies under the hostile prompt."
    )
