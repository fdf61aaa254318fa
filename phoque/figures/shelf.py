"""Every figure in the order of the tabs; a new one is a file beside this and a line here."""

from phoque.figures import composition, layers
from phoque.figures.figure import Plan

WHERE_IT_LIVES: tuple[Plan, ...] = (layers.PLAN,)
WHAT_MOVED: tuple[Plan, ...] = ()
WHAT_SLIPS_THROUGH: tuple[Plan, ...] = ()
HOW_IT_LEARNED: tuple[Plan, ...] = (composition.PLAN,)
HOW_IT_ANSWERS: tuple[Plan, ...] = ()
"""The evaluation on prompts that nobody trained or chose on."""

EVERY = (*HOW_IT_LEARNED, *WHERE_IT_LIVES, *HOW_IT_ANSWERS, *WHAT_MOVED, *WHAT_SLIPS_THROUGH)
"""In the order of a report."""
