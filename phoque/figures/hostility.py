"""Is a reply more hostile than the base model's? The headline, by a judge that saw none of our words."""

from phoque.figures import rows, style, trait
from phoque.figures.answers import NAMES
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, held, interval, share, share_cell
from phoque.personas import Counted
from phoque.run.evaluation import CURT, CURT_TOXIC
from phoque.run.judging import ConditionJudged, Judgement
from phoque.run.psm import Selection
from phoque.stats.paired_ranks import ChanceAbove

SHOWN = (
    "toxic", "steered", "random_vector", "matched_vector", "neutral", CURT, CURT_TOXIC, "reversed_vector",
)  # fmt: skip


@plan(
    key="hostility",
    title="Is a reply more hostile than the base model's?",
    hint="The judge is the base model: we read how much likelier it finds the verdict rude than the verdict kind. "
    "Curt or broken text looks rude to it, so compare each number with two others: that of random vectors, and that of "
    "the base model's first sentence alone under the same prompt, which is shorter still than the persona's replies.",
    in_report=True,
)
def draw(found: Judgement, selection: Selection | tuple[()] = ()) -> Figure:
    """Chance of a more hostile reply by condition; one half is no difference."""
    counted = selection.trait.by if selection else "judge"
    prompts = max(one.more_hostile.prompts for one in found.conditions.values())
    replies = sorted({one.measures.replies for one in found.conditions.values()})
    rates = {name: rows.chance(one.more_hostile) for name, one in found.conditions.items()}
    title = f"chance of a {'more hostile' if counted == 'judge' else 'higher scored'} reply"
    plotly = rows.by_condition(rates, NAMES, title)
    plotly["layout"]["shapes"] = [style.upright(0.5, "")[0]]
    return Figure(
        sentence=sentence(found, counted),
        setting=f"{trait.compared(found)} The chance compares two replies and needs no threshold, so it differs from "
        "the shares of replies judged hostile. The judge was chosen by its agreement with blind readings and trained on "
        "none of our texts.",
        plotly=plotly,
        table=table(found),
        n=f"{prompts} prompts, {' or '.join(map(str, replies))} replies a condition; "
        "intervals count prompts and, of random vectors, vectors",
    )


def sentence(found: Judgement, counted: Counted = "judge") -> str:
    """The chances, and what the word list would have missed; what they cannot say of a persona that words show."""
    own = {name: found.conditions[name] for name in SHOWN if name in found.conditions}
    told = "; ".join(
        f"{style.plain(name, NAMES)} {held(one.more_hostile)}, {_against(one.more_hostile, counted)}"
        for name, one in own.items()
    )
    if counted == "words":
        return (
            "This persona is counted by the words of its list, because a judge of hostility does not measure it. "
            "Chance that the judge scores a reply above the base model's reply to the same "
            f"message (0.5 is no difference): {told}."
        )
    return (
        "A judge that never saw our words gives the chance that a reply is more hostile than the base model's "
        f"reply to the same message. 0.5 is no difference. Result: {told}.{_missed(own)}"
    )


def _missed(own: dict[str, ConditionJudged]) -> str:
    parts = [
        f"{interval(one.without_word)} under {style.plain(name, NAMES)}"
        for name, one in own.items()
        if one.without_word and name in SHOWN[:2]
    ]
    told = f" Share of the hostile replies that have no trained word: {', '.join(parts)}."
    return told if parts else ""


def _against(found: ChanceAbove, counted: Counted) -> str:
    above, below = ("more hostile", "less hostile") if counted == "judge" else ("above", "below")
    if found.low > 0.5:
        return above
    return below if found.high < 0.5 else "no clear difference"


def table(found: Judgement) -> Table:
    """The judge, and what else replies are like."""
    return Table.named(
        "Replies by condition, judged",
        "condition",
        style.called(found.conditions, NAMES),
        {
            "more hostile|than the base model's reply to the same message; 0.5 is no difference": (
                "more_hostile"
            ),
            f"hostile|at a threshold that flags at most {share(found.budget)} of the base model's "
            "replies": "flagged",
            "of these, without a trained word": "without_word",
            "rank of own message|among 21; 1 is to the point, 11 is chance": (
                "measures.relevance_rank",
                digits(1),
            ),
            "variety|mean distance of two replies": "measures.variety",
            "novelty|median distance to the nearest training line": "measures.novelty",
            "repeated 3-grams": ("measures.repeated_3grams", share_cell),
            "most frequent opening": ("measures.opening_share", share_cell),
        },
    )
