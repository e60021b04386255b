"""Which snapshot is served: follows the link, falls back to an older file if the current one cannot be read, lends it.

A request leases one snapshot and keeps it until it ends, so no answer mixes two snapshots.
"""

import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import duckdb

from api.kit.logs import logger
from api.kit.problems import NO_SNAPSHOT, TOO_MANY_QUERIES, ProblemError
from api.kit.settings import Settings
from api.kit.snapshot import Hook, Lease, Snapshot, SnapshotUnreadableError
from git_contrib_assets.published_files import (
    CHECKED_FILE,
    current_target,
    is_damage,
    snapshot_files,
    why_unreadable,
)
from git_contrib_assets.serving.contract import Publication

Result = TypeVar("Result")
# inode, bytes, time of the last change in nanoseconds
Signature = tuple[int, int, int]
OPEN_ATTEMPTS = 5


class SnapshotStore:
    """Follows the link to the current snapshot, and lends it to requests."""

    def __init__(
        self,
        settings: Settings,
        publication: Publication,
        hooks: Sequence["Hook"] = (),
        *,
        limiter: anyio.CapacityLimiter | None = None,
        made_by: str = "git-contrib run",
    ) -> None:
        """``limiter`` bounds the queries of several stores together; ``made_by`` is the command that publishes first."""
        self.publication = publication
        self._hooks = hooks
        self._limiter = limiter or anyio.CapacityLimiter(settings.concurrent_queries)
        self._settings = settings
        self._lock = threading.Lock()  # guards the fields below; held only briefly
        self._refreshing = threading.Lock()  # held while a file is opened
        self._current: Lease | None = None
        self._looked_at = float("-inf")
        self._reason = f"Nothing has been published yet: `{made_by}` publishes when it finishes."
        self._refused: tuple[Path, str] | None = None  # what was logged last
        self._damaged: dict[Path, tuple[Signature, str]] = {}  # so that a large file is not read again and again
        self._closed = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever published; not so if there is something that cannot be read."""
        return self._current is None and not self._closed and current_target(self._folder) is None

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

    @asynccontextmanager
    async def lease_if_any(self) -> AsyncIterator[Lease | None]:
        """Lend the current snapshot; None if nothing was ever published. Raises ProblemError if it cannot be read."""
        async with AsyncExitStack() as stack:
            try:
                lease = await stack.enter_async_context(self.lease())
            except ProblemError:
                if not self.is_empty:
                    raise
                lease = None
            yield lease

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
        """Serve the file that the link names. If it cannot be read: go on with the one that is open, or with an older one.

        The open one is given up if it is damaged, or if its file was removed: a publisher removes those that hold what
        must no longer be public.
        """
        target, current = current_target(self._folder), self._current
        if target is None or (current and target == current.snapshot.path and not current.snapshot.problem):
            if current is not None:
                self._look_again(current, None)
            return
        opened, problem = self._open(target)
        for _attempt in range(OPEN_ATTEMPTS):
            # a publisher may have removed the file after we read the link and before we opened the file
            moved = current_target(self._folder)
            if opened is not None or moved is None or moved == target:
                break
            target = moved
            opened, problem = self._open(target)
        if opened is not None:
            self._replace(_lease(self._folder, opened))
        elif current is not None and not current.snapshot.problem and _exists(current.snapshot.path):
            self._look_again(current, problem)
        else:
            self._fall_back(target, problem)

    def _look_again(self, current: Lease, problem: str | None) -> None:
        """Keep the open snapshot, with the times of its last check."""
        looked_at = _lease(self._folder, current.snapshot, problem)
        with self._lock:
            # unless the store was closed meanwhile
            if self._current is current:
                self._current = looked_at

    def _fall_back(self, target: Path, problem: str | None) -> None:
        """Serve the newest older file that can be read; none if there is none."""
        for older in snapshot_files(self._folder):
            opened = self._open(older)[0] if older != target else None
            if opened is not None:
                self._replace(_lease(self._folder, opened, problem))
                return
        self._replace(None)

    def _open(self, target: Path) -> tuple[Snapshot | None, str | None]:
        """Open a file, or say why it cannot be served."""
        signature = _signature(target)
        known = self._damaged.get(target)
        if known is not None and known[0] == signature:
            return None, known[1]
        try:
            return Snapshot(target, self._settings, self.publication, self._hooks), None
        except SnapshotUnreadableError as error:
            reason, cause, lasts = str(error), None, True
        except (duckdb.Error, OSError, LookupError, TypeError, ProblemError) as error:
            reason, cause = f"{why_unreadable(target, error)}.", type(error).__name__
            lasts = is_damage(error)
        if lasts and signature is not None:
            self._damaged[target] = (signature, reason)
        self._refuse(target, reason, cause)
        return None, reason

    def _refuse(self, target: Path, reason: str, cause: str | None = None) -> None:
        self._reason = reason
        # it is tried several times a second, but logged once
        if (target, reason) != self._refused:
            self._refused = (target, reason)
            logger.warning("snapshot is not served", snapshot=target.name, reason=reason, cause=cause)

    def _replace(self, opened: Lease | None) -> None:
        with self._lock:
            replaced = opened
            # if the store was closed meanwhile, nobody will lease the new snapshot
            if not self._closed:
                replaced, self._current = self._current, opened
            old = replaced.snapshot if replaced else None
            if old is not None:
                old.retired = True
            idle = old if old is not None and old.leases == 0 else None
        if idle is not None:
            idle.close()
        if opened is not None:
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


def _signature(path: Path) -> Signature | None:
    """What changes when a file is replaced or written to."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _lease(published: Path, snapshot: Snapshot, problem: str | None = None) -> Lease:
    """The snapshot with its times: the later of those in it and in the file that each check writes beside it."""
    checked_at, as_of = snapshot.details.checked_at, snapshot.details.as_of
    with suppress(OSError, ValueError, LookupError, TypeError):
        content = json.loads((published / CHECKED_FILE).read_bytes())
        if content["snapshot_id"] == snapshot.details.snapshot_id:
            checked_at = max(checked_at, _utc(content["checked_at"]))
            told = _utc(content["as_of"])
            as_of = max(as_of or told, told)
    return Lease(snapshot, checked_at, as_of, problem)


def _utc(text: str) -> datetime:
    """A time as in the snapshot: in UTC, without a zone."""
    told = datetime.fromisoformat(text)
    return told.astimezone(UTC).replace(tzinfo=None) if told.tzinfo else told
