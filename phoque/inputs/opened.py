"""Read a stream of bytes as text: the content tells gzip and encoding, and no byte stops it."""

import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO, TextIO, cast

from phoque.errors import PhoqueError

HEAD = 65_536
"""How many bytes decide what a file is."""
GZIP = b"\x1f\x8b"
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; of two with the same beginning the longer one comes first."""
WIDE, NUL = ("utf-16", "utf-32"), b"\0"
"""Encodings without a byte order; the first byte of plain text tells it."""
OTHERS = {
    b"PK\x03\x04": "a zip archive or a spreadsheet: save it as CSV",
    b"PAR1": "a Parquet file: write it as JSON Lines",
    b"%PDF": "a PDF: save its text",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet or document: save it as CSV or text",
    b"BZh": "packed by bzip2: unpack it, or use gzip",
    b"\xfd7zXZ": "packed by xz: unpack it, or use gzip",
    b"\x28\xb5\x2f\xfd": "packed by zstd: unpack it, or use gzip",
    b"SQLite format 3": "a database: export a table as CSV",
}
PLAIN = frozenset({*range(0x20, 0x100), 0x08, 0x09, 0x0A, 0x0C, 0x0D, 0x1B}) - {0x7F}
"""Bytes that occur in text with one byte per character."""
MOST_STRANGE = 0.3
"""With more than this share of other or undecodable bytes, a file is not text."""
UNDECODED = "phoque.undecoded"
SAVE = "Save it as UTF-8."


def _marked(error: UnicodeError) -> tuple[str, int]:
    """Undecodable bytes become lone surrogates, which decoded text never has."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in lost), error.end


codecs.register_error(UNDECODED, _marked)


@dataclass(frozen=True, kw_only=True)
class Input:
    """A stream of text."""

    name: str
    head: str
    """The beginning of the text, for deciding its form."""
    encoding: str
    data: BinaryIO

    def text(self, *, newline: str | None) -> TextIO:
        """The whole text; `inputs.rows.damage` finds what could not be decoded."""
        return io.TextIOWrapper(
            cast("IO[bytes]", self.data), self.encoding, errors=UNDECODED, newline=newline
        )


def recognised(
    stream: BinaryIO, name: str, encoding: str | None = None, *, remedy: str = SAVE
) -> Input:
    """The stream of bytes, also packed by gzip, as text; `name` is for errors.

    Without an encoding it is that of the byte order mark, or else UTF-8. PhoqueError where it is not text,
    or there is no such encoding; `remedy` says what to do about text in another one.
    """
    data, head = _ahead(stream)
    if head.startswith(GZIP):
        with told_when_cut_off(name):
            data, head = _ahead(cast(BinaryIO, gzip.GzipFile(fileobj=data)))
    chosen = _encoding(encoding, head)
    if other := next((told for magic, told in OTHERS.items() if head.startswith(magic)), None):
        raise PhoqueError(f"{name} is {other}.")
    text = codecs.getincrementaldecoder(chosen)(UNDECODED).decode(head)
    if encoding is None and _strange(text, head):
        raise PhoqueError(f"{name} is binary, or text that is not UTF-8. {remedy}")
    return Input(name=name, head=text, encoding=chosen, data=data)


def share_of(stream: BinaryIO) -> Callable[[], float | None]:
    """A function that tells how much of a file was read, in [0, 1]; None for an endless stream."""
    try:
        found = os.fstat(stream.fileno())
    except OSError:
        return lambda: None
    if not stat.S_ISREG(found.st_mode) or not found.st_size:
        return lambda: None
    return lambda: stream.tell() / found.st_size


@contextmanager
def told_when_cut_off(name: str) -> Iterator[None]:
    """Within the context, errors of a damaged archive or disk become a `PhoqueError`."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise PhoqueError(f"{name} cannot be read to its end: {error}") from error


class _Ahead(io.RawIOBase):
    """Bytes that were read ahead, then the rest of the stream."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        if self._head:
            part, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            part = _some(self._rest, len(buffer))
        buffer[: len(part)] = part
        return len(part)


def _ahead(stream: BinaryIO) -> tuple[BinaryIO, bytes]:
    """The whole stream, and at least its first line, without waiting for a slow writer."""
    head = b""
    while len(head) < HEAD and b"\n" not in head and (part := _some(stream, HEAD - len(head))):
        head += part
    return cast(BinaryIO, io.BufferedReader(_Ahead(head, stream))), head


def _some(stream: BinaryIO, most: int) -> bytes:
    read = getattr(stream, "read1", stream.read)
    return cast(bytes, read(most))


def _encoding(asked: str | None, head: bytes) -> str:
    """The encoding that was asked for, with the byte order that the file tells."""
    try:
        known = codecs.lookup(asked or "utf-8")
    except LookupError:
        known = None
    if known is None or not getattr(known, "_is_text_encoding", True):
        raise PhoqueError(f"{asked} is not an encoding of text. Known are utf-8, utf-16, cp1252 …")
    marked = [encoding for mark, encoding in MARKS if head.startswith(mark)]
    fitting = [one for one in marked if asked is None or one.startswith(known.name[:6])]
    if not fitting and known.name in WIDE:
        # Without a mark Python's codec fails; files of today are little-endian.
        return f"{known.name}-{'be' if head.startswith(NUL) else 'le'}"
    return fitting[0] if fitting else known.name


def _strange(text: str, head: bytes) -> bool:
    lost = sum("\udc00" <= character <= "\udcff" for character in text)
    odd = sum(character < "\x80" and ord(character) not in PLAIN for character in text)
    return bool(head) and (lost + odd) / len(text or " ") > MOST_STRANGE
