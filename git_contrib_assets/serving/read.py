"""Reading the current snapshot, for the command line."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import duckdb
import orjson

from git_contrib_assets.csv_text import csv_text
from git_contrib_assets.errors import NotPublished, SnapshotUnreadable, UsageError
from git_contrib_assets.published_files import CHECKED_FILE, current_target, damage, why_unreadable
from git_contrib_assets.serving.contract import Publication
from git_contrib_assets.serving.contract.catalogue import CSV_COLUMNS, csv_select
from git_contrib_assets.serving.contract.contributors import MONTHLY_NEW_CONTRIBUTORS, PUBLICATION, SNAPSHOT
from git_contrib_assets.storage.home import Home
from git_contrib_assets.tables import Table

_BATCH_ROWS = 10_000
# a name that was taken again after a repository vanished means the living one, else the newest: as in the API
_NEWEST_FIRST = "order by state = 'vanished', repository_id desc"


@dataclass
class Snapshot:
    """A snapshot that is open."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    publication: Publication = PUBLICATION

    def about(self) -> dict[str, Any]:
        """Its one row about itself, with the newest check's time."""
        row = self.rows(SNAPSHOT)[0]
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            checked = orjson.loads((self.folder / CHECKED_FILE).read_bytes())
            if checked["snapshot_id"] == row["snapshot_id"]:
                for name in ("checked_at", "as_of"):
                    row[name] = datetime.fromisoformat(checked[name]).replace(tzinfo=None)
        return row

    def rows(self, table: Table, *, repository: str | None = None) -> list[dict[str, Any]]:
        """All rows of a table, or those of one repository."""
        return [dict(zip(table.column_names, row, strict=True)) for row in self._select(table, repository).fetchall()]

    def resolve(self, name: str) -> str:
        """The full name of a repository told by its full or its short name, whatever its case.

        Raises UsageError for one that is unknown or not the only one.
        """
        query = f"""
            select repository from repositories
            where lower(repository) = lower($name) or lower(name) = lower($name)
            qualify row_number() over (partition by lower(repository) {_NEWEST_FIRST}) = 1
        """  # noqa: S608
        found = [row[0] for row in self.connection.execute(query, {"name": name}).fetchall()]
        exact = [one for one in found if one.lower() == name.lower()] or found
        if len(exact) == 1:
            return str(exact[0])
        if exact:
            raise UsageError(f"{name!r} is the name of several repositories: say which of {', '.join(sorted(exact))}")
        near = """
            select repository from repositories
            order by jaro_winkler_similarity(if(contains($name, '/'), lower(repository), lower(name)), lower($name)) desc, repository
            limit 3
        """
        hints = [str(row[0]) for row in self.connection.execute(near, {"name": name}).fetchall()]
        raise UsageError(
            f"No repository {name!r} is collected" + (f": did you mean {', '.join(hints)}?" if hints else "")
        )

    def last_months(self, number: int) -> dict[str, list[int]]:
        """Per repository the newcomers of its last months, oldest first."""
        series: dict[str, list[int]] = {}
        for row in self.rows(MONTHLY_NEW_CONTRIBUTORS):
            series.setdefault(row["repository"], []).append(row["number_of_new_contributors"])
        return {name: counts[-number:] for name, counts in series.items()}

    def write(self, table: Table, form: str, sink: IO[bytes], *, repository: str | None = None) -> None:
        """Write a table as csv, ndjson, json or parquet, in its published order. Only CSV guards against formulas."""
        if form == "parquet":
            import pyarrow.parquet as pq

            pq.write_table(self._relation(table, repository).to_arrow_table(), sink, compression="zstd")
            return
        result = self._select(table, repository)
        if form == "csv":
            sink.write(csv_text([table.column_names], line_end="\n"))
            for rows in _batches(result):
                sink.write(csv_text(rows, line_end="\n"))
        elif form == "ndjson":
            for rows in _batches(result):
                sink.write(b"".join(orjson.dumps(self._json(table, row)) + b"\n" for row in rows))
        else:
            sink.write(orjson.dumps([self._json(table, row) for row in result.fetchall()]) + b"\n")

    def write_repositories_csv(self, sink: IO[bytes]) -> None:
        """Write the repositories of a catalogue with their owners, as RFC 4180 says. No spreadsheet takes a text for a formula."""
        result = self.connection.execute(csv_select(self.publication))
        sink.write(csv_text([CSV_COLUMNS], line_end="\r\n"))
        for rows in _batches(result):
            sink.write(csv_text(rows, line_end="\r\n"))

    def _select(self, table: Table, repository: str | None) -> duckdb.DuckDBPyConnection:
        return self.connection.execute(*_query(table, repository))

    def _relation(self, table: Table, repository: str | None) -> duckdb.DuckDBPyRelation:
        query, parameters = _query(table, repository)
        return self.connection.sql(query, params=parameters)

    @staticmethod
    def _json(table: Table, row: tuple[Any, ...]) -> dict[str, Any]:
        return {name: _json_value(value) for name, value in zip(table.column_names, row, strict=True)}


@contextlib.contextmanager
def open_snapshot(home: Home, publication: Publication = PUBLICATION) -> Iterator[Snapshot]:
    """The current snapshot, read-only.

    Raises NotPublished if there is none, and SnapshotUnreadable, with the cause, for one that cannot be read.
    """
    folder = publication.reading_folder(home.published)
    file = current_target(folder)
    if file is None:
        commands = (
            "`git-contrib run` or `git-contrib demo`" if publication is PUBLICATION else "`git-contrib catalogue`"
        )
        raise NotPublished(f"Nothing is published in {home.root} yet: run {commands} first")
    changed = damage(file)
    if changed:
        raise SnapshotUnreadable(f"{changed}. Run again: the next run replaces it")
    try:
        with contextlib.closing(duckdb.connect(str(file), read_only=True)) as connection:
            yield Snapshot(connection, folder, publication)
    except duckdb.Error as error:
        raise SnapshotUnreadable(why_unreadable(file, error)) from error


def _query(table: Table, repository: str | None) -> tuple[str, dict[str, Any]]:
    one = f"select repository_id from repositories where repository = $repository {_NEWEST_FIRST} limit 1"  # noqa: S608
    where = f" where repository_id = ({one})" if repository else ""
    query = f"select {', '.join(table.column_names)} from {table.name}{where} order by {', '.join(table.order)}"  # noqa: S608
    return query, {"repository": repository} if repository else {}


def _batches(result: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[Any, ...]]]:
    while rows := result.fetchmany(_BATCH_ROWS):
        yield rows


def _json_value(value: Any) -> Any:
    """Times as ISO 8601 with a Z; dates and numbers as they are."""
    return value.isoformat(timespec="seconds") + "Z" if isinstance(value, datetime) else value
