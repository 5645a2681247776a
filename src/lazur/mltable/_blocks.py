"""Text files in blocks of whole lines, as UTF-8, whatever their size and encoding."""

from __future__ import annotations

import codecs
from typing import Any, BinaryIO, Iterator, List, Optional

from ._errors import MLTableError

SIZE = 8 << 20
LONGEST = 512 << 20
"""Bytes of a line. One that is longer is no text; it would fill the memory and be read by no
parser."""
ENCODINGS = {
    "utf8": "utf-8",
    "iso88591": "iso-8859-1",
    "latin1": "iso-8859-1",
    "ascii": "ascii",
    "utf16": "utf-16",
    "utf32": "utf-32",
    "utf8bom": "utf-8-sig",
    "windows1252": "cp1252",
}
_SPELLINGS = {
    "utf-8": "utf8",
    "utf-8 bom": "utf8bom",
    "iso-8859-1": "iso88591",
    "latin-1": "latin1",
    "utf-16": "utf16",
    "utf-32": "utf32",
    "windows-1252": "windows1252",
}
_BOM = b"\xef\xbb\xbf"


def encoding_of(name: Any) -> Any:
    """An encoding's name as `ENCODINGS` has it; unknown ones as they are."""
    return _SPELLINGS.get(name, name) if isinstance(name, str) else name


def pieces(stream: BinaryIO, encoding: str, source: str, size: int = SIZE) -> Iterator[bytes]:
    """The text as UTF-8 without a byte order mark, cut anywhere."""
    utf8 = encoding in ("utf8", "utf8bom")
    decoder = None if utf8 else codecs.getincrementaldecoder(ENCODINGS[encoding])()
    first = True
    while True:
        data = stream.read(size)
        piece = data
        if decoder:
            try:
                piece = decoder.decode(data, final=not data).encode()
            except UnicodeError as error:
                raise MLTableError(
                    f"{source} is not encoded in {encoding}: {error}. Give the right `encoding`;"
                    f" there are {', '.join(ENCODINGS)}."
                ) from None
        if first and piece:
            piece = piece[len(_BOM) :] if piece.startswith(_BOM) else piece
            first = False
        if piece:
            yield piece
        if not data:
            return


def blocks(stream: BinaryIO, encoding: str, source: str, size: int = SIZE) -> Iterator[bytes]:
    """Blocks that end where a line does."""
    rest: List[bytes] = []
    held = 0
    end: Optional[bytes] = None
    for piece in pieces(stream, encoding, source, size):
        if end is None:
            end = b"\r" if b"\r" in piece and b"\n" not in piece else b"\n"
        cut = piece.rfind(end) + 1
        if not cut:
            rest.append(piece)
            held = checked(held + len(piece), source)
            continue
        yield b"".join((*rest, memoryview(piece)[:cut]))
        rest, held = [piece[cut:]], len(piece) - cut
    if any(rest):
        yield b"".join((*rest, end or b"\n"))


def checked(size: int, source: str) -> int:
    """The length of a line so far."""
    if size > LONGEST:
        raise MLTableError(
            f"{source} has a line of more than {LONGEST >> 20} MB. Delimited text and JSON lines"
            " have a row in each line: this is something else, or its line breaks are lost."
        )
    return size


def ended(parts: Iterator[bytes]) -> Iterator[bytes]:
    """With a line break at the end. Arrow takes an empty last value for a quoted one without."""
    last = b"\n"
    for part in parts:
        yield part
        last = part or last
    if not last.endswith((b"\n", b"\r")):
        yield b"\n"


class Stream:
    """The pieces as something to read from, for parsers that want a file."""

    def __init__(self, found: Iterator[bytes]) -> None:
        self._pieces = found
        self._rest = b""
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._rest += piece
        cut = len(self._rest) if size < 0 else size
        data, self._rest = self._rest[:cut], self._rest[cut:]
        return data

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True
