"""One published file, opened read-only: its answers, its limits, and what it lacks. Nothing is ever written."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import duckdb

from api.kit import queries
from api.kit.answers import AnswerCache
from api.kit.problems import NO_SNAPSHOT, NOT_YET_PUBLISHED, ProblemError
from api.kit.settings import Settings
from git_contrib_assets.published_files import (
    damage,
    is_damage,
    why_unreadable,
)
from git_contrib_assets.serving.contract import Publication

if TYPE_CHECKING:
    import pyarrow

Result = TypeVar("Result")
Made = TypeVar("Made")
BATCH_ROWS = 100_000


class SnapshotUnreadableError(Exception):
    """A published file that this version cannot serve. The message may be shown to clients."""


@dataclass(frozen=True)
class Details:
    """What every snapshot says about itself."""

    snapshot_id: str
    built_at: datetime
    checked_at: datetime
    as_of: datetime | None
    definition_version: int
    contract_version: int


@dataclass(frozen=True)
class CountDetails(Details):
    """What a snapshot with counts per month says besides."""

    complete_through: date
    identity: str
    emails: int
    emails_not_asked: int

    @property
    def running_month(self) -> date:
        """The first month that is not counted completely."""
        return (self.complete_through + timedelta(days=1)).replace(day=1)


class Snapshot:
    """One open snapshot file."""

    def __init__(self, path: Path, settings: Settings, publication: Publication, hooks: Sequence["Hook"] = ()) -> None:
        self.path = path
        self.publication = publication
        self.lacks: tuple[str, ...] = ()
        # set when a query comes to bytes that cannot be read: the store then looks for another file
        self.problem: str | None = None
        self.leases = 0
        self.retired = False
        self.cache = AnswerCache(settings.cache_bytes)
        self._lock = threading.Lock()
        # All set on connecting: a SET fails if the file is still open from an earlier lease, because its configuration
        # is locked, and a SET of the time limit does not apply to cursors.
        self._connection = duckdb.connect(
            str(path),
            read_only=True,
            config={
                "threads": 1,
                "memory_limit": f"{settings.query_bytes // 1024}KiB",
                "max_execution_time": int(settings.query_seconds * 1000),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "enable_external_access": False,
                "temp_directory": "",
                "lock_configuration": True,
            },
        )
        try:
            _ensure_as_published(path)
            self.lacks = self._compare_with_contract()
            self.details = _details(self.rows("kit/snapshot")[0])
            self._made = {type(made): made for made in (hook(self) for hook in hooks)}
        except BaseException:
            self.close()
            raise

    @property
    def counts(self) -> CountDetails:
        """What it says about its counts. Raises TypeError for a publication that has none."""
        if not isinstance(self.details, CountDetails):
            raise TypeError(f"{self.publication.name} has no counts")
        return self.details

    def opened(self, kind: "type[Made]") -> "Made":
        """What a hook made from this snapshot when it was opened, by its type."""
        return cast("Made", self._made[kind])

    def rows(self, name: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a select, such as ``contributors/people``."""
        return self.run(queries.select(name), parameters)

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a statement."""
        with self._answering(), self._cursor() as cursor:
            cursor.execute(sql, dict(parameters or {}))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def reader(self, sql: str, parameters: Mapping[str, Any] | None = None) -> "Iterator[pyarrow.RecordBatchReader]":
        """The rows of a statement in batches, so that only a few of them are in memory at a time."""
        with self._answering(), self._cursor() as cursor:
            try:
                yield cursor.sql(sql, params=dict(parameters or {})).to_arrow_reader(BATCH_ROWS)
            except OSError as error:
                # the time limit was reached between two batches
                if str(error).startswith("INTERRUPT"):
                    raise duckdb.InterruptException(str(error)) from error
                raise

    def row_counts(self) -> dict[str, int]:
        """How many rows each table of the publication has that is in this file."""
        held = [one.published_name for one in self.publication.all_tables if one.published_name not in self.lacks]
        counts = " union all ".join(f"select '{name}' as name, count(*) as counted from {name}" for name in held)  # noqa: S608
        return {row["name"]: row["counted"] for row in self.run(counts)}

    @contextmanager
    def _answering(self) -> "Iterator[None]":
        """Explain what is the file's fault: what it lacks, the next run publishes; if it is damaged, another is served."""
        try:
            yield
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            if not self.lacks:
                raise
            missing = ", ".join(self.lacks)
            raise ProblemError(
                NOT_YET_PUBLISHED, f"This answer needs what the current snapshot lacks ({missing})."
            ) from error
        except duckdb.Error as error:
            if not is_damage(error):
                raise
            self.problem = why_unreadable(self.path, error)
            raise ProblemError(NO_SNAPSHOT, self.problem) from error

    def close(self) -> None:
        """Close the file. Its cursors stop working."""
        self._connection.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        # two threads cannot use one connection at the same time, but each can use its own cursor
        with self._lock:
            return self._connection.cursor()

    def _compare_with_contract(self) -> tuple[str, ...]:
        """The tables and columns that the file lacks because it is older than they are.

        Raises SnapshotUnreadableError for another version of the contract, or a column of another type.
        """
        held = {(row["table_name"], row["column_name"]): row["data_type"] for row in self.rows("kit/columns")}
        if ("snapshot", "contract_version") in held:
            version = self.run("select contract_version from snapshot")[0]["contract_version"]
            if version != self.publication.version:
                raise SnapshotUnreadableError(
                    f"The published tables have version {version}, but this API reads version {self.publication.version}."
                )
        tables, lacks = {table for table, _ in held}, []
        for table in self.publication.all_tables:
            if table.published_name not in tables and table is not self.publication.snapshot:
                lacks.append(table.published_name)
                continue
            for column in table.columns:
                found = held.get((table.published_name, column.name))
                if found is None and table is not self.publication.snapshot:
                    lacks.append(f"{table.published_name}.{column.name}")
                elif found != column.type:
                    raise SnapshotUnreadableError(
                        f"The published snapshot does not contain {table.published_name}.{column.name} as {column.type}."
                    )
        return tuple(lacks)


# called with each snapshot when it is opened; ``Snapshot.opened`` returns the result
Hook = Callable[[Snapshot], object]


@dataclass(frozen=True)
class Lease:
    """A snapshot, lent to one request, with the times of the last check of its tables.

    ``problem`` says why it is not the current one, if that cannot be read.
    """

    snapshot: Snapshot
    checked_at: datetime
    as_of: datetime | None
    problem: str | None = None

    @property
    def day(self) -> date:
        """The day that files made from it are named after: the last that is counted, or else the one it is as of."""
        details = self.snapshot.details
        if isinstance(details, CountDetails):
            return details.complete_through
        return (self.as_of or details.built_at).date()


def _details(row: Mapping[str, Any]) -> Details:
    kind = CountDetails if "complete_through" in row else Details
    return kind(**{field.name: row[field.name] for field in fields(kind)})


def _ensure_as_published(path: Path) -> None:
    """Raises SnapshotUnreadableError for a file that is damaged, or was changed after it was published."""
    problem = damage(path)
    if problem:
        raise SnapshotUnreadableError(f"{problem}.")
