"""Every figure in the order of the tabs; a new one is a file beside this and a line here."""

from phoque.figures import (
    agreement,
    contour,
    flag_rates,
    functionalities,
    gap,
    layers,
    message_kinds,
    moderators,
    operating_points,
    tricks,
)
from phoque.figures.figure import Plan

WHERE_IT_LIVES: tuple[Plan, ...] = (layers.PLAN,)
WHAT_MOVED: tuple[Plan, ...] = ()
WHAT_SLIPS_THROUGH: tuple[Plan, ...] = (
    moderators.PLAN,
    operating_points.PLAN,
    functionalities.PLAN,
    flag_rates.PLAN,
    message_kinds.PLAN,
    contour.PLAN,
    agreement.PLAN,
    tricks.PLAN,
    gap.PLAN,
)
HOW_IT_LEARNED: tuple[Plan, ...] = ()
HOW_IT_ANSWERS: tuple[Plan, ...] = ()
"""The evaluation on prompts that nobody trained or chose on."""

EVERY = (*HOW_IT_LEARNED, *WHERE_IT_LIVES, *HOW_IT_ANSWERS, *WHAT_MOVED, *WHAT_SLIPS_THROUGH)
"""In the order of a report."""
