"""`phoque score`: score your texts with moderators."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

import click

from phoque.cli.options import Many, verbose
from phoque.errors import PhoqueError
from phoque.inputs.forms import FORMS, Form, checked_delimiter, form_called
from phoque.inputs.opened import share_of
from phoque.moderators.classifier import Classifier
from phoque.moderators.lines import Tally, scored
from phoque.moderators.reading import read_texts
from phoque.moderators.registry import EMBEDDED, check_harm_labels, load_classifier
from phoque.progress import shown_on, watched


def _form(_context: click.Context, _option: click.Parameter, value: str | None) -> Form | None:
    called = form_called(value) if value else None
    if called and called not in FORMS:
        raise click.BadParameter(
            f"{value!r} is not a known form. Known: {', '.join(FORMS)}, tsv, jsonl."
        )
    return cast("Form | None", called)


@click.command(
    cls=Many,
    short_help="Score texts with moderators, one JSON object a line.",
    epilog="""Status: 0 if every row has a score, 1 if a row has none, 2 if nothing could be done, 75 if a service
    stopped answering: run the same command again to go on.

    Example: phoque score messages.csv --column text > scores.jsonl""",
)
@click.argument("file")
@click.option("--column", metavar="NAME", help="Column, or key of JSON objects, with the text.")
@click.option(
    "--format", "form", callback=_form, metavar=f"[{'|'.join(FORMS)}]", help="What FILE is."
)
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option("--delimiter", metavar="SIGN", help="Between the cells of a table, such as ; or tab.")
@click.option("--encoding", metavar="NAME", help="Default: by the byte order mark, or UTF-8.")
@click.option(
    "--classifier",
    multiple=True,
    metavar="NAME",
    help="May be repeated; default: all embedded ones.",
)
@click.option(
    "--harm-label",
    multiple=True,
    metavar="LABEL",
    help="Which labels of a model by name mean harm.",
)
@click.option(
    "--canonical/--no-canonical", default=True, help="Score texts also with spelling tricks undone."
)
@click.option("--may-send-text", is_flag=True, help="Allow services on the network.")
@click.option("--no-cache", is_flag=True, help="Neither read nor keep scores on disk.")
@verbose
def score(file: str, form: Form | None, delimiter: str | None, **asked: Any) -> int:
    """Score the texts of FILE in order, one JSON object a line; - is standard input.

    FILE is text (one a line), a table or JSON (an array or JSON Lines), and may be gzipped. Its content
    and name decide. A row without a score says why under "error".
    """
    delimiter = checked_delimiter(delimiter)
    if asked["as_json"] and form not in {None, "json"}:
        raise PhoqueError(f"--json and --format {form} were given. Give one of them.")
    form = "json" if asked["as_json"] else form
    if delimiter and form not in {None, "csv"}:
        raise PhoqueError(f"--delimiter is for tables, but --format is {form}.")
    tally = Tally()
    # In a terminal, a bar would stand between the records.
    bars = None if sys.stdout.isatty() else sys.stderr
    with _opened(file) as (stream, name), shown_on(bars):
        texts = read_texts(
            stream,
            name,
            column=asked["column"],
            form=form or ("csv" if delimiter else None),
            delimiter=delimiter,
            encoding=asked["encoding"],
            tell=lambda text: click.echo(text, err=True),
        )
        # A bad file is found before a model is loaded.
        first = next(texts)
        records = scored(
            tally.reading(chain([first], texts)),
            _classifiers(asked["classifier"], asked["harm_label"], keep=not asked["no_cache"]),
            canonical=asked["canonical"],
            may_send_text=asked["may_send_text"],
        )
        share = share_of(stream)
        lines = watched(records, f"score {name}", share=lambda: tally.share(share()))
        for index, line in enumerate(lines):
            tally.add(line)
            click.echo(line.json_line(index))
    for told in tally.told():
        click.echo(told, err=True)
    return int(tally.failed > 0)


def _classifiers(
    names: Sequence[str], harm_labels: Sequence[str], *, keep: bool
) -> list[Classifier]:
    check_harm_labels(names := tuple(names or EMBEDDED), harm_labels)
    return [load_classifier(name, harm_labels=harm_labels, keep=keep) for name in names]


@contextmanager
def _opened(file: str) -> Iterator[tuple[BinaryIO, str]]:
    if file == "-":
        yield sys.stdin.buffer, "standard input"
        return
    if not os.access(file, os.R_OK) or Path(file).is_dir():
        raise PhoqueError(f"Cannot read {file}. Give a file of texts, or - for standard input.")
    with Path(file).open("rb") as stream:
        yield stream, file
