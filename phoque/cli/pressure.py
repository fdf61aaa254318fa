"""`phoque pressure`: what hostile people get through a moderation policy, and what it costs others."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click

from phoque.cli.options import FILE, FOLDER, ManyGroup, refuse_idle, verbose
from phoque.config import SHIPPED_RUNS, ships
from phoque.errors import PhoqueError
from phoque.files import replaced_folder, write_text
from phoque.progress import shown_on
from phoque.run.channel import Said
from phoque.run.directory import MANIFEST, RunDirectory
from phoque.run.hits import GARAK, PYRIT
from phoque.run.pressure import Candidate, PressureReport, Turn

FAILED = 1
NAME = "pressure"
HTML, MARKDOWN = "report.html", "report.md"
RECORDS = (Candidate, PressureReport, Said, Turn)
WRITTEN = (HTML, MARKDOWN, GARAK, PYRIT, *(one.FILE for one in RECORDS))
POLICIES = "Policy to test; may be repeated; default: words, meaning."
RUNS = "Run whose recorded replies are sent; may be repeated; default: the shipped runs."
LIVE = "Have the runs' models write new messages; takes minutes."
ATTACKS = "Attack corpora instead, such as RUN/synthetic of a refreshed run."
TEXT_COLUMN = "Column of --corpus with the text."
LABEL_COLUMN = "Column of --corpus that says whether it is hostile: true or false."
DECISIONS = "Decisions made elsewhere: CSV or JSON Lines of text, verdict."
SEEDS = "Seed of the channel; may be repeated; default: 42, 43, 44."
ASK_AGAIN = "Ask services about every text, also where an answer is kept."
DRY_RUN = "Check everything and print the first request; ask nothing."
WRITE_TEXTS = "Only write every text as CSV, to be judged elsewhere."
TEXTS = "Quote messages in the trace and lists of hits."
SHORT = "Keep the report and the first messages only: no trace, no lists of hits."
OUT = "Folder of the report; default: pressure in the one --run, if it is your own, or else here."


@click.group(
    cls=ManyGroup,
    invoke_without_command=True,
    short_help="Test a moderation policy in a simulated channel.",
    epilog="""Status: 0 done, 1 done with messages without a decision, 2 bad input, 75 a service stopped
    answering: run the same command again to go on.

    Example: phoque pressure --policy policy.yaml --out pressure""",
)
@click.option("--policy", "policies", multiple=True, metavar="NAME|FILE", help=POLICIES)
@click.option("--run", "runs", multiple=True, type=FOLDER, metavar="DIR", help=RUNS)
@click.option("--live", is_flag=True, help=LIVE)
@click.option("--attacks", multiple=True, type=FOLDER, metavar="DIR", help=ATTACKS)
@click.option("--corpus", type=FILE, help="Your own messages instead: CSV or JSON Lines.")
@click.option(
    "--column", "text_column", default="text", show_default=True, metavar="NAME", help=TEXT_COLUMN
)
@click.option(
    "--label",
    "label_column",
    default="hostile",
    show_default=True,
    metavar="NAME",
    help=LABEL_COLUMN,
)
@click.option("--file", "decisions", type=FILE, help=DECISIONS)
@click.option("--traffic", type=FILE, help="YAML with speakers, styles and pace.")
@click.option(
    "--messages",
    type=click.IntRange(min=1),
    help="Messages for each seed; default: 600, or what --traffic says.",
)
@click.option("--seed", "seeds", multiple=True, type=int, help=SEEDS)
@click.option("--allow-network", is_flag=True, help="Let texts leave this machine.")
@click.option("--ask-again", is_flag=True, help=ASK_AGAIN)
@click.option("--dry-run", is_flag=True, help=DRY_RUN)
@click.option("--write-texts", type=FILE, metavar="FILE", help=WRITE_TEXTS)
@click.option("--texts/--no-texts", default=True, help=TEXTS)
@click.option("--short", is_flag=True, help=SHORT)
@click.option("--html", is_flag=True, help="Write the report as one HTML file, too.")
@click.option("--out", type=FOLDER, help=OUT)
@verbose
@click.pass_context
def pressure(context: click.Context, /, **options: Any) -> int:
    """Send the same simulated traffic through moderation policies.

    Nothing leaves this machine without --allow-network. Answers of services are kept, so that a run that
    was interrupted goes on when the same command runs again.
    """
    _refuse_options(context)
    if context.invoked_subcommand:
        return 0
    return _press(options)


def _refuse_options(context: click.Context) -> None:
    """Refuse what would be ignored."""
    options = context.params
    if sub := context.invoked_subcommand:
        refuse_idle(
            context, options.keys(), f"{sub} only compares. Leave it out, or give it after {sub}."
        )
    if not options["corpus"]:
        refuse_idle(context, ("text_column", "label_column"), "it names a column of --corpus FILE.")
    if not options["runs"] and (options["corpus"] or options["attacks"]):
        refuse_idle(context, ("live",), "your messages take the place of the runs'. Add --run DIR.")


def _press(options: dict[str, Any]) -> int:
    from phoque.figures.pressure_measures import draw  # noqa: PLC0415
    from phoque.report.pressure import html_of  # noqa: PLC0415
    from phoque.stages.pressure import listing, stage  # noqa: PLC0415

    asked = stage.Asked(**{one.name: options[one.name] for one in fields(stage.Asked)})
    brought = asked.corpus or asked.attacks
    runs = asked.runs or (() if brought else _shipped())
    asked = replace(asked, runs=runs, seeds=asked.seeds or stage.SEEDS)
    if options["write_texts"]:
        count = listing.write_texts(asked, options["write_texts"])
        click.echo(f"{options['write_texts']}: {count} texts; fill in the column verdict")
        return 0
    ready = stage.prepared(asked)
    if options["dry_run"]:
        click.echo(listing.first_requests(asked, ready))
        return 0
    place, folder = _place(options["runs"], options["out"], asked.seeds)
    with shown_on(sys.stderr), folder as own:
        report = stage.press(asked, ready, own)
        if options["html"]:
            write_text(own / HTML, html_of(report))
        if options["short"]:
            (own / Turn.FILE).unlink()
        else:
            listing.write_lists(own, report, ready)
    click.echo(draw(report).sentence)
    for line in _of_services(report):
        click.echo(line, err=True)
    if unknown := sum(one.unknown for policy in report.policies for one in policy.speakers):
        told = f"{unknown} messages have no decision; see {place / MARKDOWN}"
        click.echo(f"Error: {told}.", err=True)
    click.echo(f"pressure: written to {place}")
    return FAILED if unknown else 0


def _of_services(report: PressureReport) -> Iterator[str]:
    """How much of what services said is older, and why a last request failed."""
    from phoque.figures.pressure_policies import kept  # noqa: PLC0415

    services = {name: calls for one in report.policies for name, calls in one.calls.items()}
    for name, calls in services.items():
        if calls.from_cache:
            yield (
                f"{name}: {calls.from_cache} answers were kept from before ({kept(calls)}), "
                f"{calls.requests} requests were sent; --ask-again asks about everything."
            )
        if calls.reason:
            yield f"{name}: a request had no usable answer; the last time: {calls.reason}"


def _shipped() -> tuple[Path, ...]:
    return tuple(sorted(one.parent for one in SHIPPED_RUNS.glob(f"*/{MANIFEST}")))


def _place(
    runs: tuple[Path, ...], out: Path | None, seeds: tuple[int, ...]
) -> tuple[Path, AbstractContextManager[Path]]:
    """Where the report goes: into the run of one's own that was named, as its stage, or into a folder."""
    if run := _owner(runs, out):
        place = run.path / NAME
        return place, run.stage(NAME, place, seeds=seeds)
    place = out or Path(NAME)
    ours = all((place / one.FILE).is_file() for one in (PressureReport, Said))
    if place.exists() and any(place.iterdir()) and not ours:
        raise PhoqueError(f"{place} has other files. Choose another folder with --out.")
    return place, replaced_folder(place, made=WRITTEN)  # what a person put there stays


def _owner(runs: tuple[Path, ...], out: Path | None) -> RunDirectory | None:
    """The run of one's own whose stage this is: the only one, or the one that has the folder."""
    if out is None and len(runs) > 1:
        return None
    folders = {one: (one / NAME).resolve() for one in runs if not ships(one)}
    found = (one for one, own in folders.items() if out is None or own == out.resolve())
    return next(map(RunDirectory, found), None)


@pressure.command(
    epilog="""Status: 0 no rule is broken, 1 one is, 2 bad input.

    Example: phoque pressure compare before after --fail-if "leak > +2 points\"""",
)
@click.argument("a")
@click.argument("b")
@click.option(
    "--fail-if", multiple=True, metavar="RULE", help='Such as "leak > +2 points"; may be repeated.'
)
@verbose
def compare(a: str, b: str, fail_if: tuple[str, ...]) -> int:
    """Say how B differs from A, each a FOLDER or FOLDER:POLICY, and fail if a rule is broken."""
    from phoque.report import pressure as comparing  # noqa: PLC0415

    rules = [comparing.rule_of(text) for text in fail_if]
    found = comparing.changes(a, b)
    click.echo(comparing.page(found, a, b))
    for told_of in comparing.warnings(a, b):
        click.echo(f"Warning: {told_of}", err=True)
    told = comparing.broken(found, rules)
    for one in told:
        click.echo(f"Failed: {one}", err=True)
    return FAILED if told else 0
