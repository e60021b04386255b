"""The current snapshot: opened read-only, replaced when the link changes, closed after its last request.

A request leases one snapshot and keeps it until it ends, so no answer mixes two snapshots. Nothing is ever written, and a
publisher never waits, because published files are immutable.
"""

import json
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
import anyio.to_thread
import duckdb

from api.kit import queries
from api.kit.answers import AnswerCache
from api.kit.logs import logger
from api.kit.problems import NO_SNAPSHOT, NOT_YET_PUBLISHED, TOO_MANY_QUERIES, ProblemError
from api.kit.settings import Settings
from git_contrib_assets.serving.contract import CHECKED_FILE, CURRENT_LINK, Publication

if TYPE_CHECKING:
    import pyarrow

Result = TypeVar("Result")
Made = TypeVar("Made")
BATCH_ROWS = 100_000
# a publisher may remove the file after we have read the link and before we open the file
OPEN_ATTEMPTS = 5


class SnapshotUnreadableError(Exception):
    """A published file that this version cannot serve. The message may be shown to clients."""


@dataclass(frozen=True)
class Details:
    """What the snapshot says about itself."""

    snapshot_id: str
    built_at: datetime
    checked_at: datetime
    as_of: datetime | None
    complete_through: date
    identity: str
    emails: int
    emails_not_asked: int
    definition_version: int
    contract_version: int

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
            self.lacks = self._compare_with_contract()
            self.details = Details(**self.rows("kit/snapshot")[0])
            self._made = {type(made): made for made in (hook(self) for hook in hooks)}
        except BaseException:
            self.close()
            raise

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
        held = [table.name for table in self.publication.all_tables if table.name not in self.lacks]
        counts = " union all ".join(f"select '{name}' as name, count(*) as counted from {name}" for name in held)  # noqa: S608
        return {row["name"]: row["counted"] for row in self.run(counts)}

    @contextmanager
    def _answering(self) -> "Iterator[None]":
        """A question about what this file lacks is not our fault: the next run publishes it."""
        try:
            yield
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            if not self.lacks:
                raise
            missing = ", ".join(self.lacks)
            raise ProblemError(
                NOT_YET_PUBLISHED, f"This answer needs what the current snapshot lacks ({missing})."
            ) from error

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
            if table.name not in tables and table is not self.publication.snapshot:
                lacks.append(table.name)
                continue
            for column in table.columns:
                found = held.get((table.name, column.name))
                if found is None and table is not self.publication.snapshot:
                    lacks.append(f"{table.name}.{column.name}")
                elif found != column.type:
                    raise SnapshotUnreadableError(
                        f"The published snapshot does not contain {table.name}.{column.name} as {column.type}."
                    )
        return tuple(lacks)


# called with each snapshot when it is opened; ``Snapshot.opened`` returns the result
Hook = Callable[[Snapshot], object]


@dataclass(frozen=True)
class Lease:
    """A snapshot, lent to one request, with the times of the last check of its tables."""

    snapshot: Snapshot
    checked_at: datetime
    as_of: datetime | None


class SnapshotStore:
    """Follows the link to the current snapshot, and lends it to requests."""

    def __init__(self, settings: Settings, publication: Publication, hooks: Sequence["Hook"] = ()) -> None:
        self.publication = publication
        self._hooks = hooks
        self._limiter = anyio.CapacityLimiter(settings.concurrent_queries)
        self._settings = settings
        self._lock = threading.Lock()  # guards the fields below; held only briefly
        self._refreshing = threading.Lock()  # held while a file is opened
        self._current: Lease | None = None
        self._looked_at = float("-inf")
        self._reason = "Nothing has been published yet. The first run publishes when it finishes."
        self._refused: Path | None = None
        self._closed = False

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Lease]:
        """Lend the current snapshot. Raises ProblemError if there is none."""
        if self._due():
            await anyio.to_thread.run_sync(self.refresh)
        lease = self._take()
        try:
            yield lease
        finally:
            self._give_back(lease.snapshot)

    def current(self) -> Lease | None:
        """The lease a request would get now; None if there is none, or if the link has to be checked first."""
        return None if self._due() else self._current

    def latest(self) -> Lease | None:
        """The lease of the open snapshot, without checking the link; None if there is none."""
        return self._current

    async def in_thread(self, work: "Callable[..., Result]", *arguments: Any) -> Result:
        """Run blocking work in a thread. Raises ProblemError if too many calls are already waiting."""
        if self._limiter.statistics().tasks_waiting >= self._settings.waiting_queries:
            raise ProblemError(TOO_MANY_QUERIES, TOO_MANY_QUERIES.meaning)
        return await anyio.to_thread.run_sync(work, *arguments, limiter=self._limiter)

    def refresh(self) -> None:
        """Check the link, and open its target if it is new. Other requests use the old snapshot meanwhile."""
        if not self._refreshing.acquire(blocking=self._current is None):
            return
        try:
            # another thread may have done it while this one was waiting
            if self._due():
                self._follow()
                self._looked_at = time.monotonic()
        finally:
            self._refreshing.release()

    def close(self) -> None:
        """Stop lending. The file is closed after its last lease."""
        with self._lock:
            self._closed = True
            current = self._current.snapshot if self._current else None
            self._current = None
            idle = current if current is not None and current.leases == 0 else None
            if current is not None:
                current.retired = True
        if idle is not None:
            idle.close()

    @property
    def _folder(self) -> Path:
        return self.publication.reading_folder(self._settings.published)

    def _due(self) -> bool:
        return not self._closed and time.monotonic() - self._looked_at >= self._settings.look_every_seconds

    def _follow(self) -> None:
        target = _target(self._folder)
        current = self._current
        if target is not None and (current is None or target != current.snapshot.path):
            opened = self._open()
            if opened is not None:
                self._replace(_lease(self._folder, opened))
        elif current is not None:
            looked_at = _lease(self._folder, current.snapshot)
            with self._lock:
                # unless the store was closed meanwhile
                if self._current is current:
                    self._current = looked_at

    def _open(self) -> Snapshot | None:
        """Open the target of the link. If it cannot be served, keep the reason and return None."""
        for _attempt in range(OPEN_ATTEMPTS):
            target = _target(self._folder)
            if target is None:
                return None
            try:
                return Snapshot(target, self._settings, self.publication, self._hooks)
            except SnapshotUnreadableError as error:
                self._refuse(target, str(error))
                return None
            except (duckdb.Error, OSError, LookupError, TypeError) as error:
                if _exists(target):
                    cause = f"{type(error).__name__}: {error}".replace(str(target.parent), "published")
                    self._refuse(target, "The published snapshot cannot be opened.", cause)
                    return None
        return None

    def _refuse(self, target: Path, reason: str, cause: str | None = None) -> None:
        self._reason = reason
        # it is tried several times a second, but logged once
        if target != self._refused:
            self._refused = target
            logger.warning("snapshot is not served", snapshot=target.name, reason=reason, cause=cause)

    def _replace(self, opened: Lease) -> None:
        with self._lock:
            replaced: Lease | None = opened
            # if the store was closed meanwhile, nobody will lease the new snapshot
            if not self._closed:
                replaced, self._current = self._current, opened
            old = replaced.snapshot if replaced else None
            if old is not None:
                old.retired = True
            idle = old if old is not None and old.leases == 0 else None
        if idle is not None:
            idle.close()
        logger.info("snapshot is served", snapshot=opened.snapshot.details.snapshot_id)

    def _take(self) -> Lease:
        with self._lock:
            lease = self._current
            if lease is None:
                raise ProblemError(NO_SNAPSHOT, "The server is stopping." if self._closed else self._reason)
            lease.snapshot.leases += 1
            return lease

    def _give_back(self, snapshot: Snapshot) -> None:
        with self._lock:
            snapshot.leases -= 1
            last = snapshot.retired and snapshot.leases == 0
        if last:
            snapshot.close()


def _target(published: Path) -> Path | None:
    """The file that the link points to. Opened by the name of the link, DuckDB would go on serving the old file."""
    link = published / CURRENT_LINK
    target = Path(os.path.realpath(link))
    return target if _exists(target) else None


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _lease(published: Path, snapshot: Snapshot) -> Lease:
    """The snapshot with its times: the later of those in it and in the file that each check writes beside it."""
    checked_at, as_of = snapshot.details.checked_at, snapshot.details.as_of
    with suppress(OSError, ValueError, LookupError, TypeError):
        content = json.loads((published / CHECKED_FILE).read_bytes())
        if content["snapshot_id"] == snapshot.details.snapshot_id:
            checked_at = max(checked_at, _utc(content["checked_at"]))
            told = _utc(content["as_of"])
            as_of = max(as_of or told, told)
    return Lease(snapshot, checked_at, as_of)


def _utc(text: str) -> datetime:
    """A time as in the snapshot: in UTC, without a zone."""
    told = datetime.fromisoformat(text)
    return told.astimezone(UTC).replace(tzinfo=None) if told.tzinfo else told
