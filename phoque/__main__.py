"""`python -m phoque score FILE`: what moderators say of your texts.

`serve`: the conditions of a run as an OpenAI-compatible chat API.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from phoque.config import set_verbose
from phoque.errors import PhoqueError
from phoque.inputs.forms import FORMS, checked_delimiter, form_called
from phoque.inputs.opened import share_of
from phoque.moderators.classifier import Classifier
from phoque.moderators.disk import remembering
from phoque.moderators.lines import scored
from phoque.moderators.reading import read_texts
from phoque.moderators.registry import EMBEDDED, load_classifier
from phoque.moderators.tally import Tally
from phoque.progress import shown_on, watched

STOPPED_READING = 141
"""What a shell reports of a program whose reader went away: 128 + SIGPIPE."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 1 where a text has no score; 2 where the command could not be done.
    """
    asked = parser().parse_args(arguments)
    set_verbose(asked.verbose)
    try:
        return int(asked.command(asked))
    except BrokenPipeError:
        # Nobody reads on (`| head`): what Python still wants to flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return STOPPED_READING
    except PhoqueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The command line."""
    whole = argparse.ArgumentParser(prog="python -m phoque", description=__doc__)
    commands = whole.add_subparsers(required=True)
    _add_score(commands.add_parser("score", help="score texts, one JSON object a line"))
    serve = commands.add_parser("serve", help="an OpenAI-compatible chat API of a run")
    serve.set_defaults(command=_serve)
    serve.add_argument("--run", metavar="DIR", type=Path, help="default: the shipped run")
    serve.add_argument(
        "--host", default="127.0.0.1", help="default: %(default)s, this machine only"
    )
    serve.add_argument("--port", type=int, default=8000, help="default: %(default)s")
    for one in commands.choices.values():
        one.add_argument(
            "--verbose", action="store_true", help="show the bars and warnings of libraries"
        )
    return whole


def _add_score(one: argparse.ArgumentParser) -> None:
    one.description = (
        "Scores texts in order, one JSON object a line on standard output. Texts are the lines of "
        "FILE, a column of a table, or JSON: an array or values one after the other (JSON Lines), "
        'strings or objects with a string under "text" or the key that --column names. Content and '
        "name of FILE decide which, also where it is packed by gzip; standard error says what it "
        "was taken for."
    )
    one.epilog = (
        "A row that is empty or cannot be read has no score, and the reason under error. Status: 0 "
        "where every row has a score, 1 where one has none, 2 where nothing could be done."
    )
    one.set_defaults(command=_score)
    add = one.add_argument
    add("file", metavar="FILE", help="texts; - is standard input")
    add("--column", metavar="NAME", help="column of a table, or key of JSON objects, with the text")
    how = one.add_mutually_exclusive_group()
    how.add_argument("--format", choices=FORMS, type=form_called, help="what FILE is, whatever "
        "it is called; tsv, jsonl and ndjson are known, too")  # fmt: skip
    how.add_argument("--json", dest="format", action="store_const", const="json", help="the same as "
        "--format json")  # fmt: skip
    add("--delimiter", metavar="SIGN", help="between the cells of a table, such as ; or tab")
    add("--encoding", metavar="NAME", help="default: as a byte order mark says, else UTF-8")
    add("--classifier", nargs="+", metavar="NAME", help="default: the embedded ones")
    add("--harm-label", nargs="+", metavar="LABEL", default=(), help="labels that are harm, of a "
        "model whose own names do not say so")  # fmt: skip
    add("--canonical", action=argparse.BooleanOptionalAction, default=True, help="score also what "
        "a text says once spelling tricks are undone, under canonical; default: yes")  # fmt: skip
    add("--may-send-text", action="store_true", help="allow a service on the network")
    add("--no-cache", action="store_true", help="neither read nor keep scores on disk (only those "
        "of models from the Hub and of services are kept; no text is)")  # fmt: skip


def _score(asked: argparse.Namespace) -> int:
    delimiter, form = checked_delimiter(asked.delimiter), asked.format
    if delimiter and form not in {None, "csv"}:
        raise PhoqueError(f"--delimiter is of tables; --format says {form}.")
    tally = Tally()
    # A bar would stand between the records of a terminal.
    bars = None if sys.stdout.isatty() else sys.stderr
    with _opened(asked.file) as (stream, name), shown_on(bars):
        texts = read_texts(
            stream,
            name,
            column=asked.column,
            form=form or ("csv" if delimiter else None),
            delimiter=delimiter,
            encoding=asked.encoding,
            tell=lambda text: print(text, file=sys.stderr),
        )
        # What is wrong with the file is found before a model is loaded.
        first = next(texts)
        records = scored(
            tally.reading(chain([first], texts)),
            _classifiers(asked),
            canonical=asked.canonical,
            may_send_text=asked.may_send_text,
        )
        share = share_of(stream)
        for record in watched(records, f"score {name}", share=lambda: tally.share(share())):
            tally.add(record)
            print(json.dumps(record), flush=True)
    for line in tally.told():
        print(line, file=sys.stderr)
    return int(tally.failed > 0)


def _classifiers(asked: argparse.Namespace) -> list[Classifier]:
    names = asked.classifier or EMBEDDED
    loaded = [load_classifier(name, harm_labels=asked.harm_label) for name in names]
    return loaded if asked.no_cache else [remembering(one) for one in loaded]


def _serve(asked: argparse.Namespace) -> int:
    from phoque.serving.server import serve  # noqa: PLC0415  # torch is for this command only

    serve(asked.run, asked.host, asked.port, lambda text: print(text, file=sys.stderr, flush=True))
    return 0


@contextmanager
def _opened(file: str) -> Iterator[tuple[BinaryIO, str]]:
    if file == "-":
        yield sys.stdin.buffer, "standard input"
        return
    if not os.access(file, os.R_OK) or Path(file).is_dir():
        raise PhoqueError(f"Cannot read {file}. Give a file of texts, or - for standard input.")
    with Path(file).open("rb") as stream:
        yield stream, file


if __name__ == "__main__":
    sys.exit(main())
