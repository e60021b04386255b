"""Parts of an answer (RFC 9110, section 14): what readers of remote files ask for, such as polars and DuckDB.

One range of bytes per request. Several at once, and any other unit, are answered with the whole, as the RFC allows.
"""

import re
import tempfile
from collections.abc import Iterator
from typing import IO

RANGE = re.compile(r"bytes=(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))", re.ASCII)
PART_BYTES = 1024 * 1024


class NotSatisfiableError(Exception):
    """No byte of the answer is in the range."""


def is_range(header: str | None) -> bool:
    """Whether a Range header asks for a part that can be given."""
    return header is not None and RANGE.fullmatch(header.replace(" ", "")) is not None


def part_of(header: str, length: int) -> range:
    """The places of the bytes that a Range header asks for, of an answer of ``length`` bytes.

    Raises NotSatisfiableError if there are none.
    """
    match = RANGE.fullmatch(header.replace(" ", ""))
    if match is None:
        raise ValueError(header)
    first, last, final = match.groups()
    found = range(int(first or 0), min(length, int(last or length) + 1))
    if final is not None:
        found = range(max(0, length - int(final)), length)
    if not found:
        raise NotSatisfiableError
    return found


def spooled(parts: Iterator[bytes]) -> tuple[IO[bytes], int]:
    """All parts in a temporary file, and how many bytes they are. Whoever reads the file closes it."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by its reader
    for part in parts:
        file.write(part)
    return file, file.tell()


def read_part(file: IO[bytes], wanted: range) -> Iterator[bytes]:
    """These bytes of a file, which is closed at the end."""
    with file:
        file.seek(wanted.start)
        left = len(wanted)
        while left and (part := file.read(min(PART_BYTES, left))):
            left -= len(part)
            yield part
