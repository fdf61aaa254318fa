"""Read CSV tables strictly: a broken row is named by its line and costs only itself.

If quotes do not match, the end of a row is uncertain. A quote that can only open a cell (it follows a
delimiter) shows that an earlier one was never closed. Then the broken row ends with its first line,
and the rest is read again. A quote that can only close a cell ends the row, so that no line of a cell
is taken for a row.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, TextIO

from phoque.errors import PhoqueError
from phoque.inputs.opened import recognised
from phoque.inputs.rows import LONGEST_CELL, LONGEST_LINE, TOO_LONG, Row, undecoded

DELIMITERS = (",", ";", "\t", "|")
LOOKED_AHEAD = 16 * LONGEST_CELL
"""Characters that are kept, to be read again if a quote is not closed."""
TAIL = 1000
MOST_ROWS = 0.9
"""If at least this share of lines are whole rows, they count as rows, not as text."""
NOT_CSV = "quotes do not match"
WRONG_NUMBER = "wrong number of fields"


class Table:
    """The rows of a CSV file in constant memory; the file is text, opened with `newline=""`.

    PhoqueError where the first row, which names the columns, cannot be read; `name` is for errors.
    """

    def __init__(self, file: TextIO, name: str, *, delimiter: str = ",") -> None:
        # The module's limit is global and by default cuts cells at 131,072 characters.
        csv.field_size_limit(LONGEST_CELL)
        self._lines = _Lines(file)
        self._delimiter = delimiter
        self._reader = csv.reader(self._lines, strict=True, delimiter=delimiter)
        self.columns: list[str] = []
        head = self._head()
        if [one.lower() for one in head.value or ()] == ["sep=", ""]:
            # With this line spreadsheets name the delimiter.
            head = self._head()
        if head.fault:
            raise PhoqueError(
                f"{name}, {head.told}: the first row of a table must name its columns."
            )
        self.columns = [name.strip() for name in head.value]

    def __iter__(self) -> Iterator[Row]:
        """Every row but the first and blank ones, with one cell for each column."""
        return self._records()

    def _head(self) -> Row:
        return next(self._records(), Row(line=1, value=[]))

    def _records(self) -> Iterator[Row]:
        while True:
            first = self._lines.begin()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._broken(first, too_long="field limit" in str(error))
                continue
            if cells:
                yield self._row(first, cells)

    def _row(self, line: int, cells: list[str]) -> Row:
        if self._lines.cut:
            return Row(line=line, fault=f"a line of more than {LONGEST_LINE:,} characters")
        wanted = len(self.columns)
        # A delimiter at the end of a row adds no cell.
        if wanted and len(cells) > wanted and not any(cells[wanted:]):
            cells = cells[:wanted]
        if wanted and len(cells) != wanted:
            seen = f"{len(cells)}, where the first row has {wanted}"
            return Row(line=line, fault=WRONG_NUMBER, seen=seen)
        return Row(line=line, value=cells)

    def _broken(self, line: int, *, too_long: bool) -> Row:
        self._skip()
        if too_long:
            return Row(line=line, fault=f"a cell of {TOO_LONG}, or a quote that is not closed")
        return Row(line=line, fault=NOT_CSV, seen="a quote is not closed, or not doubled")

    def _skip(self) -> None:
        """Go to the next row; skip at least the first line of this one."""
        lines = self._lines
        seen = len(lines.record)
        opened = _ends_open(_marks(lines.record[0], self._delimiter))
        place = 1
        while opened:
            line = lines.record[place] if place < len(lines.record) else next(lines, None)
            if line is None:
                starts = [at for at in (1, seen) if self._are_rows(lines.record[at:])]
                place = (starts or [place])[0]
                break
            marks = _marks(line, self._delimiter)
            if marks.startswith(OPENS):
                place = 1 if lines.whole else len(lines.record) - 1
                break
            opened = _ends_open(marks) if marks else True
            place += 1
        lines.give_back(place)

    def _are_rows(self, lines: Sequence[str]) -> bool:
        told = [line for line in lines if line.strip()]
        fitting = [self._fields(line) for line in told].count(len(self.columns))
        return self._lines.whole and bool(told) and fitting >= MOST_ROWS * len(told)

    def _fields(self, line: str) -> int:
        try:
            return len(next(csv.reader([line], delimiter=self._delimiter)))
        except csv.Error:
            return 0


def whole_table(stream: BinaryIO, name: str) -> list[dict[str, str]]:
    """Every row, by column, of a CSV file with commas that must be complete.

    PhoqueError where a row cannot be read; names the file and the line.
    """
    read = Table(recognised(stream, name).text(newline=""), name)
    return [_whole_row(row, read.columns, name) for row in read]


def _whole_row(row: Row, columns: Sequence[str], name: str) -> dict[str, str]:
    if row.fault is None:
        faults = [fault for cell in row.value if (fault := undecoded(cell)) is not None]
        row = replace(row, fault=faults[0]) if faults else row
    if row.fault is not None:
        raise PhoqueError(f"{name} is damaged, {row.told}. Get the file again, or repair that row.")
    return dict(zip(columns, row.value, strict=True))


OPENS, CLOSES = "(", ")"


def _marks(line: str, delimiter: str) -> str:
    """The quotes of a line that can only open or only close a cell, in order."""
    sign = re.escape(delimiter)
    # Two quotes stand for one in the text.
    quotes = re.finditer(rf'"(?=(?P<closes> *(?:{sign}|[\r\n]|\Z))?)', line.replace('""', ""))
    told = ""
    for quote in quotes:
        before = quote.string[: quote.start()][-1:]
        if quote["closes"] is not None:
            told += CLOSES
        elif before in {"", delimiter}:
            told += OPENS
    return told


def _ends_open(marks: str) -> bool:
    return marks.endswith(OPENS)


class _Lines:
    """Lines of a file; keeps those of the current row, to give them again."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._again: deque[str] = deque()
        self._number = 0
        self._kept = 0
        self.record: list[str] = []
        self.whole = True
        """Whether all lines of the current row are kept."""
        self.cut = False
        """Whether a line of the current row was too long."""

    def begin(self) -> int:
        """Begin a row; returns the number of its line."""
        self.record, self._kept, self.whole, self.cut = [], 0, True, False
        return self._number + 1

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._line()
        if not line:
            raise StopIteration
        self._number += 1
        self._kept += len(line)
        if self._kept > LOOKED_AHEAD:
            self.record, self.whole = self.record[:1], False
        self.record.append(line)
        return line

    def give_back(self, place: int) -> None:
        """Give back the lines of the row from this place on."""
        following = self.record[place:]
        self._again.extendleft(reversed(following))
        self._number -= len(following)

    def _line(self) -> str:
        line = self._file.readline(LONGEST_LINE)
        last = line
        while len(last) == LONGEST_LINE and not last.endswith(("\n", "\r")):
            self.cut = True
            last = self._file.readline(LONGEST_LINE)
        return line if last is line else line[:-TAIL] + last[-TAIL:]
