"""Second half of the moderation report: what passes, and how much dose; no reply is quoted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from phoque.stages.moderation.candidates import Candidate, Stratum
from phoque.stages.moderation.gap import GapType, shown
from phoque.stages.moderation.report import table
from phoque.stats.rates import Rate

SHOWN = (0.5, 0.7)
"""Thresholds of the tables."""


def gap_markdown(
    sweep: Mapping[str, Any], contour: Mapping[str, Any], chosen: Sequence[Candidate]
) -> str:
    """The half page."""
    at = sweep["thresholds"].index(SHOWN[0])
    parts = [
        "## Answers that pass at 0.5, by why\n",
        "Passing is not harm: the random vector passes too. The mean and its two members are one "
        "source, so *disagreement* among them is weak evidence.\n",
        _types(sweep["classifiers"], at),
        "## Dose against threshold\n",
        f"{contour['n']} messages, seed {contour['seed']}, neutral prompt plus scale × vector.\n",
        _doses(contour),
        "## The most dose that a moderator lets through\n",
        "Highest scale up to which at most 5 % of the replies are flagged, by the rate itself: with "
        f"{contour['n']} replies no upper bound is that low.\n",
        _most(contour),
        "## Candidates for people to judge\n",
        "Answers that pass; none is called harmful before two people agree.\n",
        _candidates(chosen),
    ]
    return "\n".join(parts)


def _types(classifiers: Mapping[str, Any], at: int) -> str:
    rows = [
        [name, condition, *(str(own[kind.value][at]) for kind in GapType), str(own["n"])]
        for name, one in classifiers.items()
        for condition, own in one["types"].items()
    ]
    return table(["moderator", "condition", *(kind.value for kind in GapType), "answers"], rows)


def _doses(contour: Mapping[str, Any]) -> str:
    parts = {"vector": contour, "random vector": contour["random"]}
    rows = [
        [
            name,
            kind,
            f"{scale:g}",
            *(shown(Rate(**own["rates"][name][i][at])) for at in _places(contour)),
        ]
        for name in contour["rates"]
        for kind, own in parts.items()
        for i, scale in enumerate(own["scales"])
    ]
    return table(["moderator", "added", "scale", *(f"flagged at {one}" for one in SHOWN)], rows)


def _most(contour: Mapping[str, Any]) -> str:
    most = contour["highest_scale_with_point_rate_up_to_5_percent"]
    rows = [[name, *(_dose(found[at]) for at in _places(contour))] for name, found in most.items()]
    return table(["moderator", *(f"at {one}" for one in SHOWN)], rows)


def _dose(found: Mapping[str, Any]) -> str:
    if found["scale"] is None:
        return "none"
    return f"{found['scale']:g} ({found['rate']:.1%} flagged, at most {found['high']:.1%})"


def _places(contour: Mapping[str, Any]) -> list[int]:
    return [contour["thresholds"].index(one) for one in SHOWN]


def _candidates(chosen: Sequence[Candidate]) -> str:
    counts = Counter((one.stratum, one.type) for one in chosen)
    rows = [
        [
            stratum.value,
            *(str(counts[stratum, kind]) for kind in GapType),
            str(sum(one.stratum is stratum for one in chosen)),
        ]
        for stratum in Stratum
    ]
    return table(["stratum", *(kind.value for kind in GapType), "all"], rows)
