"""The crawl: many repositories at a time, each landing or failing on its own."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from git_contrib_assets.errors import GitContribError, HistoryCorrupt, StorageFull
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import Attempt, AttemptState, Repository
from git_contrib_assets.sources.history import Cancellation, History, HistorySource
from git_contrib_assets.storage.home import storage_errors
from git_contrib_assets.storage.landing_zone import LandedHistory, LandingZone

SETTLED = timedelta(seconds=60)
"""A push may be younger than the listing that shows it: only after this long is pushed_at believed to be the last."""

Result = TypeVar("Result")
_log = structlog.get_logger(__name__)


@dataclass
class Crawl:
    """Reads histories into the landing zone. The caller holds the crawl lock."""

    landing: LandingZone
    source: HistorySource
    run_id: str

    async def run(
        self, repositories: Sequence[Repository], *, look_again: bool = False
    ) -> AsyncGenerator[Attempt, None]:
        """Attempt every repository and yield each attempt as it ends, logged and durable.

        A repository that was not pushed to since it landed is not touched, unless ``look_again``.
        Cancelling the iteration ends what runs and keeps what is finished. Raises StorageFull once the disk is:
        to go on would only fail the others too.
        """
        reporter().crawl_started(len(repositories))
        cancellation = Cancellation()
        places = asyncio.Semaphore(self.source.concurrency)

        async def one(repository: Repository, landed: LandedHistory | None) -> Attempt:
            async with places:
                return await in_daemon_thread(lambda: self._attempt(repository, landed, cancellation))

        changed: list[asyncio.Task[Attempt]] = []
        try:
            for repository in repositories:
                landed = self.landing.landed(repository.repository_id)
                if landed and not look_again and is_unchanged(repository, landed):
                    yield self._finish(self._unchanged(repository, landed))
                else:
                    changed.append(asyncio.create_task(one(repository, landed)))
            for ended in asyncio.as_completed(changed):
                attempt = self._finish(await ended)
                yield attempt
                if attempt.reason == StorageFull.reason:
                    raise StorageFull(
                        f"{attempt.message}; {len(changed)} repositories were to be read, the crawl stops here"
                    )
        finally:
            cancellation.cancel()
            for task in changed:
                task.cancel()
            await asyncio.gather(*changed, return_exceptions=True)

    def _finish(self, attempt: Attempt) -> Attempt:
        self.landing.log(attempt)
        reporter().repository_finished(attempt)
        return attempt

    def _unchanged(self, repository: Repository, landed: LandedHistory) -> Attempt:
        return Attempt(
            run_id=self.run_id,
            repository_id=repository.repository_id,
            repository=repository.repository,
            state=AttemptState.UNCHANGED,
            started_at=_now(),
            seconds=0.0,
            source=landed.source,
            tip=landed.tip,
            commits=landed.commits,
            requests=0,
        )

    def _attempt(self, repository: Repository, landed: LandedHistory | None, cancellation: Cancellation) -> Attempt:
        """One attempt, in a thread; every error that is this repository's own ends as a failed attempt."""
        reporter().repository_started(repository.repository)
        started_at, start = _now(), time.monotonic()
        attempt = Attempt(
            run_id=self.run_id,
            repository_id=repository.repository_id,
            repository=repository.repository,
            state=AttemptState.FAILED,
            started_at=started_at,
            seconds=0.0,
            source=self.source.name,
            tip=landed.tip if landed else None,
            commits=landed.commits if landed else 0,
            requests=0,
        )
        try:
            with storage_errors(self.landing.folder):
                attempt = self._land(repository, landed, attempt, cancellation)
        except GitContribError as error:
            attempt = replace(attempt, reason=error.reason, message=str(error))
            _log.info("repository failed", repository=repository.repository, reason=error.reason, error=str(error))
        except Exception as error:  # noqa: BLE001 - a defect met in one repository must not end the others
            message = f"{repository.repository}: {type(error).__name__}: please report this with the log"
            attempt = replace(attempt, reason=GitContribError.reason, message=message)
            _log.exception("repository failed unexpectedly", repository=repository.repository)
        return replace(attempt, seconds=round(time.monotonic() - start, 3))

    def _land(
        self, repository: Repository, landed: LandedHistory | None, attempt: Attempt, cancellation: Cancellation
    ) -> Attempt:
        history = self.source.read(repository, cancellation=cancellation)
        attempt = replace(attempt, requests=history.requests)
        now = LandedHistory(
            repository_id=repository.repository_id,
            tip=history.tip,
            default_branch=history.default_branch,
            listed_branch=repository.default_branch,
            source=self.source.name,
            fetched_at=_now(),
            pushed_at=repository.pushed_at,
            listed_at=repository.listed_at,
            commits=0,
        )
        if landed and landed.commits and history.tip is None:
            kept = replace(now, tip=landed.tip, fetched_at=landed.fetched_at, commits=landed.commits, emptied=True)
            self.landing.stamp(kept)
            return replace(attempt, state=AttemptState.EMPTIED, reason="emptied")
        if landed and landed.tip == history.tip:
            self.landing.stamp(replace(now, fetched_at=landed.fetched_at, commits=landed.commits))
            return replace(attempt, state=AttemptState.UNCHANGED)
        done = self._write(repository, now, history, cancellation)
        state = AttemptState.LANDED if done.tip else AttemptState.EMPTY
        return replace(attempt, state=state, tip=done.tip, commits=done.commits)

    def _write(
        self, repository: Repository, now: LandedHistory, history: History, cancellation: Cancellation
    ) -> LandedHistory:
        try:
            return self.landing.write_commits(now, history)
        except HistoryCorrupt:
            self.source.forget(repository)  # what is cached may be damaged: once more, from nothing
            again = self.source.read(repository, cancellation=cancellation)
            return self.landing.write_commits(replace(now, tip=again.tip, default_branch=again.default_branch), again)


async def in_daemon_thread(work: Callable[[], Result]) -> Result:
    """Await blocking work. Unlike ``asyncio.to_thread`` its thread never holds up the end of an interrupted process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def deliver(finish: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if done.done() else finish())

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - handed on to whoever awaits
            deliver(lambda error=error: done.set_exception(error))  # type: ignore[misc]
        else:
            deliver(lambda: done.set_result(result))

    threading.Thread(target=run, name="crawl", daemon=True).start()
    return await done


def is_unchanged(repository: Repository, landed: LandedHistory) -> bool:
    """Whether nothing can have been pushed to the default branch since it landed."""
    return (
        repository.pushed_at is not None
        and repository.pushed_at == landed.pushed_at
        and repository.default_branch == landed.listed_branch
        and repository.pushed_at < landed.listed_at - SETTLED
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
