"""The stages of the pipeline in order, and what a Job can run of them."""

ORDER = ("corpus", "persona", "control", "psm", "evaluate", "sae", "moderation", "report")
"""A stage that a version does not have is named as missing and left out."""
NEEDS = {"moderation": ("hatecheck_path", "surge_path")}
"""Options that name files from outside, without which a stage cannot run on another machine."""
ALONE = tuple(stage for stage in ORDER if stage not in NEEDS)
"""Stages that a Job can run with nothing but the code."""


def by_name(only: tuple[str, ...] = (), start: str | None = None) -> tuple[str, ...]:
    """The words of a command line that choose stages by name."""
    return (*(("--only", *only) if only else ()), *(("--from", start) if start else ()))
