"""The rows that are copied: read from published files, in the form that PostgreSQL takes."""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from git_contrib_assets.errors import SnapshotUnreadable
from git_contrib_assets.published_files import checksum, current_target, damage, why_unreadable
from git_contrib_assets.serving.contract import Publication
from git_contrib_assets.storage.home import Home
from git_contrib_assets.tables import Column, Table

_VERSION = 1
"""Of the way of copying. With another one, tables that are up to date are compared once more."""
_BATCH_ROWS = 20_000
_MEMORY_LIMIT = "512MB"
_NO_NUL = "\ufffd"
"""PostgreSQL's texts hold no NUL. In its place comes the character that stands for one that cannot be shown."""


@dataclass(frozen=True)
class Source:
    """Published files, open. Their rows together are the publication."""

    _connection: duckdb.DuckDBPyConnection
    _files: int

    def batches(self, table: Table) -> pa.RecordBatchReader:
        """A table's rows in batches of bounded size: times with their zone, texts without NUL."""
        columns = ", ".join(_readable(column) for column in table.columns)
        parts = [f"select {columns} from file_{number}.{table.published_name}" for number in range(self._files)]  # noqa: S608 - our own names
        reader = self._connection.sql(" union all ".join(parts)).to_arrow_reader(_BATCH_ROWS)
        zoned = pa.schema([_zoned(one) for one in reader.schema])
        return pa.RecordBatchReader.from_batches(zoned, (batch.cast(zoned) for batch in reader))


def files_of(home: Home, publication: Publication) -> tuple[Path, ...]:
    """The files whose rows together are the publication; none if there is no snapshot of it."""
    current = current_target(publication.reading_folder(home.published))
    return (current,) if current else ()


def fingerprint(files: Sequence[Path]) -> str:
    """What the files hold, in 32 hex digits. Raises SnapshotUnreadable for one that is not as it was published."""
    parts = [str(_VERSION)]
    for file in files:
        changed = damage(file)
        if changed:
            raise SnapshotUnreadable(f"{changed}. Run again: the next run replaces it")
        try:
            parts.append(checksum(file))
        except OSError as error:
            raise SnapshotUnreadable(why_unreadable(file, error)) from error
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:32]


@contextlib.contextmanager
def open_source(files: Sequence[Path]) -> Iterator[Source]:
    """All files in one connection, read-only. Raises SnapshotUnreadable."""
    config: dict[str, Any] = {"memory_limit": _MEMORY_LIMIT, "autoinstall_known_extensions": False}
    with contextlib.closing(duckdb.connect(config=config)) as connection:
        try:
            for number, file in enumerate(files):
                escaped = str(file).replace("'", "''")
                connection.execute(f"attach '{escaped}' as file_{number} (read_only)")
            yield Source(connection, len(files))
        except duckdb.Error as error:
            raise SnapshotUnreadable(why_unreadable(files[0], error)) from error


def _readable(column: Column) -> str:
    name = f'"{column.name}"'
    return f"replace({name}, chr(0), '{_NO_NUL}') as {name}" if column.type == "VARCHAR" else name


def _zoned(column: pa.Field) -> pa.Field:
    return column.with_type(pa.timestamp("us", "UTC")) if pa.types.is_timestamp(column.type) else column
