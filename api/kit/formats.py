"""Response formats: JSON, CSV, JSON lines, Parquet."""

import io
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

import orjson
from fastapi import Request

from api.kit.accept import qualities
from api.kit.answers import Answer, Stream
from api.kit.caching import pairs_by_name
from api.kit.snapshot import CountDetails, Lease
from git_contrib_assets.csv_text import csv_text

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

Suffix = Literal["json", "csv", "ndjson", "parquet"]
TextSuffix = Literal["json", "csv"]

# times in the snapshot are UTC but carry no zone; answers show the Z
JSON_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
LINE_OPTIONS = JSON_OPTIONS | orjson.OPT_APPEND_NEWLINE
PART_ROWS = 10_000
PART_BYTES = 1024 * 1024
# RFC 4180
CSV_LINE_END = "\r\n"


class Format(StrEnum):
    """A response format. Its value is the suffix."""

    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        """The Content-Type."""
        return MEDIA_TYPES[self]


MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.NDJSON: "application/jsonl",
    Format.PARQUET: "application/vnd.apache.parquet",
}
ACCEPTED = {
    **{media_type: one for one, media_type in MEDIA_TYPES.items()},
    "application/x-ndjson": Format.NDJSON,
    "application/ndjson": Format.NDJSON,
    "*/*": Format.JSON,
    "application/*": Format.JSON,
    "text/*": Format.CSV,
}


ALL_FORMATS = tuple(Format)
TEXT_FORMATS = (Format.JSON, Format.CSV)


def format_of(request: Request, offered: Sequence[Format] = ALL_FORMATS) -> Format:
    """The format to answer in: by suffix, else the offered one that Accept prefers, else JSON."""
    suffix = request.path_params.get("suffix")
    if suffix is not None:
        return Format(suffix)
    liked: dict[Format, float] = {}
    refused: set[Format] = set()
    for name, quality in qualities(request.headers.get("accept", "")):
        found = ACCEPTED.get(name)
        if found is None or found not in offered:
            continue
        if quality > 0:
            liked[found] = max(quality, liked.get(found, 0))
        elif "*" not in name:
            # refused by name, so a wildcard elsewhere does not include it
            refused.add(found)
    # the first of those with the same quality
    return max((one for one in liked if one not in refused), key=lambda one: liked[one], default=Format.JSON)


def json_answer(content: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(orjson.dumps(content, option=JSON_OPTIONS), Format.JSON.media_type, headers or {})


def provenance(lease: Lease) -> dict[str, Any]:
    """What every answer under ``/v1`` says about the data it was made from."""
    details = lease.snapshot.details
    counts: dict[str, Any] = {}
    if isinstance(details, CountDetails):
        counts = {"complete_through": details.complete_through, "identity": details.identity}
    source = {"snapshot": details.snapshot_id, "as_of": lease.as_of}
    return {**source, **counts, "definition_version": details.definition_version}


def address(request: Request, *, page: int | None = None) -> str:
    """The address of the request, with its parameters sorted and, if given, another page."""
    pairs = [pair for pair in pairs_by_name(request) if page is None or pair[0] != "page"]
    if page is not None:
        pairs.append(("page", str(page)))
    return request.url.path + ("?" + urlencode(pairs, safe="/,") if pairs else "")


def page_links(request: Request, *, page: int, page_size: int, total: int) -> dict[str, str | None]:
    """The addresses of this page, the previous and the next one."""
    last = max(1, -(-total // page_size))
    return {
        "self": address(request, page=page),
        "prev": address(request, page=min(page - 1, last)) if page > 1 else None,
        "next": address(request, page=page + 1) if page < last else None,
    }


def link_header(links: Mapping[str, str | None]) -> dict[str, str]:
    """The previous and the next page as a Link header."""
    found = [f'<{target}>; rel="{name}"' for name, target in links.items() if target and name != "self"]
    return {"Link": ", ".join(found)} if found else {}


def has_suffix(request: Request) -> bool:
    """Whether the address names the format."""
    return request.path_params.get("suffix") is not None


def download(lease: Lease, name: str, wanted: Format, statement: str, parameters: Mapping[str, Any]) -> Answer | Stream:
    """Rows as a file, named after its day. Only a few rows are in memory at a time, however many there are."""
    headers = {"Content-Disposition": f'attachment; filename="{name}-{lease.day.isoformat()}.{wanted}"'}

    def parts(file: IO[bytes]) -> Iterator[bytes]:
        return _parquet(file) if wanted is Format.PARQUET else _lines(file, wanted)

    return _made(lease, statement, parameters, parts, wanted, headers)


def whole_list(
    lease: Lease,
    head: Mapping[str, Any],
    statement: str,
    parameters: Mapping[str, Any],
    shape: Callable[[dict[str, Any]], dict[str, Any]],
) -> Answer | Stream:
    """A JSON object: the members of ``head``, and all rows as ``items``. Only a few rows are in memory at a time."""

    def parts(file: IO[bytes]) -> Iterator[bytes]:
        yield orjson.dumps(head, option=JSON_OPTIONS).removesuffix(b"}") + b',"items":['
        separator = b""
        for batch in _batches(file):
            if batch.num_rows:
                yield separator + orjson.dumps([shape(row) for row in batch.to_pylist()], option=JSON_OPTIONS)[1:-1]
                separator = b","
        yield b"]}"

    return _made(lease, statement, parameters, parts, Format.JSON, {})


def _made(
    lease: Lease,
    statement: str,
    parameters: Mapping[str, Any],
    parts: Callable[[IO[bytes]], Iterator[bytes]],
    wanted: Format,
    headers: Mapping[str, str],
) -> Answer | Stream:
    """An answer in parts, made from rows that are stored first.

    The query has finished when this returns, so a slow client neither blocks it nor runs into its time limit.
    """
    compressible = wanted is not Format.PARQUET
    with lease.snapshot.reader(statement, parameters) as reader:
        batches = iter(reader)
        first = list(islice(batches, 2))
        is_small = len(first) < 2
        file: IO[bytes] = io.BytesIO() if is_small else tempfile.TemporaryFile()  # noqa: SIM115 - closed by _closing
        _store(file, reader.schema, chain(first, batches))
    made = _closing(file, parts(file))
    if is_small:
        return Answer(b"".join(made), wanted.media_type, headers, compressible)
    return Stream(made, wanted.media_type, headers, compressible)


def _store(file: IO[bytes], schema: "pyarrow.Schema", batches: "Iterator[pyarrow.RecordBatch]") -> None:
    # imported here: it takes a tenth of a second and tens of megabytes, and most servers never need it
    import pyarrow.parquet

    with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def _closing(file: IO[bytes], parts: Iterator[bytes]) -> Iterator[bytes]:
    with file:
        yield from parts


def _parquet(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while part := file.read(PART_BYTES):
        yield part


def _lines(file: IO[bytes], wanted: Format) -> Iterator[bytes]:
    if wanted is Format.CSV:
        yield csv_text([_stored(file).schema_arrow.names], line_end=CSV_LINE_END)
    for batch in _batches(file):
        if wanted is Format.CSV:
            yield csv_text(zip(*(column.to_pylist() for column in batch.columns), strict=True), line_end=CSV_LINE_END)
        else:
            yield b"".join(orjson.dumps(row, option=LINE_OPTIONS) for row in batch.to_pylist())


def _batches(file: IO[bytes]) -> "Iterator[pyarrow.RecordBatch]":
    batches: Iterator[pyarrow.RecordBatch] = _stored(file).iter_batches(PART_ROWS)
    return batches


def _stored(file: IO[bytes]) -> "pyarrow.parquet.ParquetFile":
    import pyarrow.parquet

    file.seek(0)
    return pyarrow.parquet.ParquetFile(file, pre_buffer=False)
