"""Commits as git stores them, made into record batches: slices and Arrow kernels, no loop over commits.

Git itself re-codes a commit by the encoding that its header declares, before it looks for the author in it: with UTF-16
nothing of the author is left. Such commits, and those whose dates git cannot read, are rare: they are read byte by byte.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from git_contrib_assets.errors import HistoryCorrupt
from git_contrib_assets.sources.histories.protocol import COMMIT_SCHEMA
from git_contrib_assets.sources.text import cut_all

LOG_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%e"
_FIELDS = 7
_LATEST = 253402300799  # the last second of the year 9999: git also stores times that no calendar knows
_MOST_DIGITS = 18
_UTF8 = {b"", b"utf-8", b"utf8"}
_SECONDS = re.compile(rb" *(\d+)(?: +[+-]\d+)?\s*")
_LINES = {key: re.compile(rb"^%s (.*)$" % key, re.MULTILINE) for key in (b"author", b"committer", b"encoding")}
_ASCII = bytes(byte for byte in range(0x20, 0x7F) if byte != ord("\\")) + rb"\u0041"


def batches(
    chunks: Iterable[bytes], headers: Callable[[list[bytes]], list[bytes]], repository: str
) -> Iterator[pa.RecordBatch]:
    """Record batches of COMMIT_SCHEMA from what ``git log -z`` prints with LOG_FORMAT.

    ``headers`` gives the headers of the commits of these shas as they are stored. Raises HistoryCorrupt.
    """
    rest = b""
    for chunk in chunks:
        fields = (rest + chunk).split(b"\0")
        whole = (len(fields) - 1) // _FIELDS * _FIELDS
        rest = b"\0".join(fields[whole:])
        if whole:
            yield _batch(fields[:whole], headers)
    if rest:
        raise HistoryCorrupt(f"{repository}: git's list of commits ends in the middle of one: run again")


def _batch(fields: list[bytes], headers: Callable[[list[bytes]], list[bytes]]) -> pa.RecordBatch:
    sha, parents, name, email, authored, committed, encoding = (fields[number::_FIELDS] for number in range(_FIELDS))
    if any(encoding) or not all(authored) or not all(committed):
        signs = zip(encoding, authored, committed, strict=True)
        odd = [row for row, (declared, *dates) in enumerate(signs) if declared.lower() not in _UTF8 or not all(dates)]
        for row, header in zip(odd, headers([sha[row] for row in odd]) if odd else (), strict=True):
            name[row], email[row], authored[row] = _signature(header, b"author")
            _, _, committed[row] = _signature(header, b"committer")
    parent_text = pa.array(parents, pa.binary()).cast(pa.string())
    parent_count = pc.if_else(
        pc.equal(pc.binary_length(parent_text), 0), 0, pc.add(pc.count_substring(parent_text, " "), 1)
    )
    columns = [
        pa.array(sha, pa.binary()).cast(pa.string()),
        parent_count.cast(pa.int32()),
        cut_all(_text(name)),
        cut_all(_text(email)),
        _moments(authored),
        _moments(committed),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=COMMIT_SCHEMA)


def _signature(header: bytes, role: bytes) -> tuple[bytes, bytes, bytes]:
    """Name and address in UTF-8, and seconds; each may be missing. Git takes the first of several lines."""
    line = _line(header, role)
    codec = _codec(_line(header, b"encoding")[:64])
    name, _, rest = line.partition(b"<")
    name, email = (part.decode(codec, "replace").encode() for part in (name.strip(), rest.partition(b">")[0]))
    seconds = _SECONDS.fullmatch(line.rpartition(b">")[2])
    return name, email, seconds[1] if seconds else b""


def _line(header: bytes, key: bytes) -> bytes:
    found = _LINES[key].search(header)
    return found[1] if found else b""


@lru_cache(maxsize=64)
def _codec(declared: bytes) -> str:
    """The encoding of that name, if Python knows it and it leaves ASCII as it is: a header is looked for in ASCII."""
    codec = declared.decode("ascii", "replace")
    try:
        keeps_ascii = codec and _ASCII.decode(codec, "replace") == _ASCII.decode()
    except (LookupError, ValueError):  # unknown, or no encoding of text
        keeps_ascii = False
    return codec if keeps_ascii else "utf-8"


def _text(values: list[bytes]) -> pa.Array:
    """UTF-8, with bytes that are none replaced (only a batch that holds such bytes is decoded value by value)."""
    try:
        return pa.array(values, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([value.decode("utf-8", "replace") for value in values], pa.string())


def _moments(values: list[bytes]) -> pa.Array:
    """Seconds since 1970 as UTC times. A date that is missing or makes no sense is 1970, one beyond the calendar its end."""
    try:
        seconds = pa.array(values, pa.binary()).cast(pa.string()).cast(pa.int64())
    except pa.ArrowInvalid:  # only a batch that holds such a date is read value by value
        seconds = pa.array([_seconds(value) for value in values], pa.int64())
    return pc.multiply(pc.min_element_wise(seconds, _LATEST), 1000).cast(pa.timestamp("ms"))


def _seconds(value: bytes) -> int:
    if not value.isdigit():
        return 0
    return _LATEST if len(value.lstrip(b"0")) > _MOST_DIGITS else int(value)
