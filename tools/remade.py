"""Write which verdicts and numbers of the ledger moved when a run was made again.

    python tools/remade.py OLD NEW [--out docs/remade.md]

OLD and NEW are folders of runs of one persona and one model. Runs that lie beside each, such as Pluribus, are asked
for the claims about them. Both are judged by the ledger of today.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.figures.claims import SECONDS, WORDS, number_of
from phoque.figures.kinds import shown
from phoque.figures.table import NOTHING, markdown_table
from phoque.files import write_text
from phoque.progress import span
from phoque.report.claims import claims_of
from phoque.report.writing import read_run
from phoque.run.claims import Claim
from phoque.run.directory import RunDirectory, source_commit
from phoque.run.manifest import Manifest

PAGE = Path(__file__).parent.parent / "docs" / "remade.md"
HEAD = ("claim", "verdict before", "verdict after", "before", "after", "difference", "intervals")
Pair = tuple[Claim, Claim]
"""A claim on the old and on the new run."""


def pairs_of(old: RunDirectory, new: RunDirectory) -> list[Pair]:
    """Every claim of the ledger on both runs.

    Raises:
        PhoqueError: a folder is no run, or the runs are of two personas or models.
    """
    about = [(one.manifest().persona, one.manifest().model) for one in (old, new)]
    if about[0] != about[1]:
        told = ", ".join(f"{persona} on {model}" for persona, model in about)
        raise PhoqueError(f"These are no two makings of one run: {told}. Name runs of one persona.")
    before, after = (claims_of(read_run(one)).claims for one in (old, new))
    return list(zip(before, after, strict=True))


def page(old: RunDirectory, new: RunDirectory) -> str:
    """The page, with what changed before what did not."""
    pairs = pairs_of(old, new)
    changed = [pair for pair in pairs if pair[0].verdict != pair[1].verdict]
    same = [pair for pair in pairs if pair not in changed]
    parts = [
        "# Made again",
        f"{len(same)} of {len(pairs)} verdicts are the same. {overlaps(pairs)}",
        "*Before* and *after* are two makings of one run. Their corpus and code may differ, as the commits say; another "
        "machine alone rounds differently, so that texts differ, and with them all that is counted. This page is written by "
        f"`python tools/remade.py OLD NEW`; both runs are judged by the ledger of commit {(source_commit() or NOTHING)[:9]}.",
        f"- Before: {made(old.manifest())}\n- After: {made(new.manifest())}",
        *section("Verdicts that changed", changed),
        *section("Verdicts that are the same", same),
    ]
    return "\n\n".join([*parts, ""])


def overlaps(pairs: Sequence[Pair]) -> str:
    """Of how many numbers the intervals overlap."""
    told = [overlap(*pair) for pair in pairs]
    both = [one for one in told if one != NOTHING]
    return (
        f"Of {len(both)} numbers with an interval in both runs, "
        f"{both.count('overlap')} have intervals that overlap."
    )


def made(manifest: Manifest) -> str:
    """The commits and machines of a run's stages."""
    own = manifest.stages.values()
    commits = dict.fromkeys(one.code for one in own if one.code)
    machines = dict.fromkeys(one.machine for one in own if one.machine)
    return f"commits {', '.join(commits) or NOTHING}; machines {'; '.join(machines) or NOTHING}"


def section(title: str, pairs: Sequence[Pair]) -> list[str]:
    """A heading and a table; nothing where there is no row."""
    rows = [row(*pair) for pair in pairs]
    return [f"## {title}: {len(rows)}", markdown_table(HEAD, rows)] if rows else []


def row(before: Claim, after: Claim) -> list[str]:
    """A claim with both verdicts and numbers."""
    verdicts = [WORDS[one.verdict] for one in (before, after)]
    numbers = [number_of(one) for one in (before, after)]
    moved = difference(before, after)
    return [before.claim, *verdicts, *numbers, moved, overlap(before, after)]


def difference(before: Claim, after: Claim) -> str:
    """After − before, in points where both are shares; a dash where they are not the same number."""
    if before.value is None or after.value is None or not alike(before, after):
        return NOTHING
    value = after.value - before.value
    if before.unit in SECONDS:
        return ("-" if value < 0 else "") + span(abs(value) * SECONDS[before.unit])
    return shown(value, "points" if before.kind == "share" else before.kind)


def alike(before: Claim, after: Claim) -> bool:
    """Whether both are one number: a claim may have another where the first was not measured."""
    return before.measure == after.measure


def overlap(before: Claim, after: Claim) -> str:
    """Whether the intervals overlap; a dash where one has none."""
    if before.low is None or before.high is None or after.low is None or after.high is None:
        return NOTHING
    if not alike(before, after):
        return NOTHING
    return "overlap" if before.low <= after.high and after.low <= before.high else "apart"


def main(words: Sequence[str] | None = None) -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("old", type=Path, help="folder of the run as it was")
    parser.add_argument("new", type=Path, help="folder of the run that was made again")
    parser.add_argument("--out", type=Path, default=PAGE, help="default: docs/remade.md")
    asked = parser.parse_args(words)
    try:
        write_text(asked.out, page(RunDirectory(asked.old), RunDirectory(asked.new)))
    except PhoqueError as error:
        raise SystemExit(f"Error: {error}") from error


if __name__ == "__main__":
    main()
