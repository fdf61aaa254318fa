"""Can the dictionary be trusted? Asked before anything it says."""

from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, Value, digits, share
from phoque.run.sae import SaeReport


@plan(
    key="gates",
    title="Can this dictionary be trusted?",
    hint="The dictionary was trained on the base model only. Every gate is measured on texts that it "
    "never saw. Where a gate fails, nothing below is a finding.",
)
def draw(report: SaeReport) -> Figure:
    """Whether every gate held, and how much of the change the dictionary can see at all."""
    shifts, held = report.shifts, report.fidelity.held_out
    verdict = (
        f"GATES FAILED ({'; '.join(report.failed)}): nothing below is a finding, because the "
        "dictionary is not faithful to the model."
        if report.failed
        else f"All {len(report.gates)} gates held."
    )
    return Figure(
        sentence=f"{verdict} Token by token, the dictionary expresses {_expressed(shifts.explained_change)} of the "
        f"change that tuning made, and {_expressed(shifts.explained_change_civil_adapter)} of the change in the civil "
        f"adapter. Of the mean change it misses a part, R, that is {share(shifts.remainder_share)} as long.",
        table=Table.of(
            "Gates",
            report.gates,
            {
                "gate": "gate",
                "measured": ("value", digits(3)),
                "needed": "needed",
                "held?": lambda gate: Value(
                    "✓ held" if gate.passed else "✗ FAILED", {"": gate.passed}
                ),
            },
        ),
        n=f"{held.tokens} tokens of {held.texts} held-out texts, half of them for the gates",
    )


def _expressed(part: float) -> str:
    """A share of a change; below 0 the guess is further off than none."""
    return share(part) if part > 0 else f"none ({share(part)}, worse than to expect no change)"
