"""The crawl: many repositories at a time, each landing or failing on its own."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from git_contrib_assets.errors import (
    GitContribError,
    HistoryCorrupt,
    LandingFileCorrupt,
    LimitReached,
    NotAllowed,
    StorageFull,
)
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import Attempt, AttemptState, Repository
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.protocol import History, HistorySource, Known
from git_contrib_assets.storage.files import storage_errors
from git_contrib_assets.storage.landed.commits import LandedHistory
from git_contrib_assets.storage.landing_zone import LandingZone

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
        self, repositories: Sequence[Repository], *, look_again: bool = False, everything_again: bool = False
    ) -> AsyncGenerator[Attempt, None]:
        """Attempt every repository and yield each attempt as it ends, logged and durable.

        A repository that was not pushed to since it landed is not touched, unless ``look_again``. With
        ``everything_again`` each is read whole, whatever is landed or cached of it; that stays until the new has landed.
        Cancelling the iteration ends what runs and keeps what is finished. Raises StorageFull once the disk is, and
        NotAllowed for a refused token: to go on would only fail the others too. Raises LimitReached at the end, when
        all that still fits into the limit is there.
        """
        reporter().crawl_started(len(repositories))
        changed: dict[int, tuple[Repository, LandedHistory | None]] = {}
        for repository in repositories:
            landed = self.landing.commits.landed(repository.repository_id)
            if landed and not (look_again or everything_again) and is_unchanged(repository, landed):
                yield self._finish(self._describe(repository, landed, AttemptState.UNCHANGED))
            else:
                changed[repository.repository_id] = repository, landed
        try:
            async with aclosing(self._read(changed, everything_again=everything_again)) as attempts:
                async for attempt in attempts:
                    yield self._finish(attempt)
                    del changed[attempt.repository_id]
                    if attempt.reason == StorageFull.reason:
                        raise StorageFull(
                            f"{attempt.message}; {len(changed)} more were to be read, the crawl stops here"
                        )
        except (LimitReached, NotAllowed) as error:
            for repository, landed in changed.values():
                missed = self._describe(repository, landed, AttemptState.NOT_REACHED)
                self.landing.crawl_log.append(replace(missed, reason=error.reason, message=str(error)))
            if isinstance(error, LimitReached):
                text = f"{error} ({len(changed)} repositories were not reached)"
                raise LimitReached(text, seconds=error.seconds) from error
            raise

    async def _read(
        self, changed: Mapping[int, tuple[Repository, LandedHistory | None]], *, everything_again: bool
    ) -> AsyncGenerator[Attempt, None]:
        """Attempt these, several at a time. Raises NotAllowed at once, LimitReached when nothing more can be read."""
        wanted = [(repository, None if everything_again else _known(landed)) for repository, landed in changed.values()]
        order = await self.source.plan(wanted)
        cancellation = Cancellation()
        places = asyncio.Semaphore(self.source.concurrency)

        async def one(repository: Repository) -> Attempt:
            async with places:
                landed = changed[repository.repository_id][1]
                return await in_daemon_thread(
                    lambda: self._attempt(repository, landed, cancellation, everything_again=everything_again)
                )

        tasks = [asyncio.create_task(one(repository)) for repository in order]
        limit: LimitReached | None = None
        try:
            for ended in asyncio.as_completed(tasks):
                try:
                    attempt = await ended
                except LimitReached as error:  # of the others, some may still fit
                    limit = limit or error
                    continue
                yield attempt
        finally:
            cancellation.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if limit:
            raise limit

    def _finish(self, attempt: Attempt) -> Attempt:
        self.landing.crawl_log.append(attempt)
        reporter().repository_finished(attempt)
        return attempt

    def _describe(self, repository: Repository, landed: LandedHistory | None, state: AttemptState) -> Attempt:
        """An attempt that has not brought anything: what is landed is what was before."""
        return Attempt(
            run_id=self.run_id,
            repository_id=repository.repository_id,
            repository=repository.repository,
            state=state,
            started_at=_now(),
            seconds=0.0,
            source=landed.source if landed else self.source.name,
            tip=landed.tip if landed else None,
            commits=landed.commits if landed else 0,
            requests=0,
        )

    def _attempt(
        self,
        repository: Repository,
        landed: LandedHistory | None,
        cancellation: Cancellation,
        *,
        everything_again: bool,
    ) -> Attempt:
        """One attempt, in a thread; every error that is this repository's own ends as a failed attempt."""
        reporter().repository_started(repository.repository)
        start = time.monotonic()
        attempt = replace(self._describe(repository, landed, AttemptState.FAILED), source=self.source.name)
        try:
            with storage_errors(self.landing.folder):
                if everything_again:
                    self.source.forget(repository)
                attempt = self._land(repository, landed, attempt, cancellation, everything_again=everything_again)
        except (LimitReached, NotAllowed):
            raise  # no failure of this repository
        except GitContribError as error:
            attempt = replace(attempt, reason=error.reason, message=str(error))
            _log.info("repository failed", repository=repository.repository, reason=error.reason, error=str(error))
        except Exception as error:  # noqa: BLE001 - a defect met in one repository must not end the others
            message = f"{repository.repository}: {type(error).__name__}: please report this with the log"
            attempt = replace(attempt, reason=GitContribError.reason, message=message)
            _log.exception("repository failed unexpectedly", repository=repository.repository)
        return replace(attempt, seconds=round(time.monotonic() - start, 3))

    def _land(
        self,
        repository: Repository,
        landed: LandedHistory | None,
        attempt: Attempt,
        cancellation: Cancellation,
        *,
        everything_again: bool,
    ) -> Attempt:
        known = None if everything_again else _known(landed)
        history = self.source.read(repository, cancellation=cancellation, known=known)
        attempt = replace(attempt, requests=history.requests, source=self.source.name)
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
            self.landing.commits.stamp(kept)
            return replace(attempt, state=AttemptState.EMPTIED, reason="emptied")
        if landed and landed.tip == history.tip and not everything_again:
            self.landing.commits.stamp(replace(now, fetched_at=landed.fetched_at, commits=landed.commits))
            return replace(attempt, state=AttemptState.UNCHANGED)
        done, requests = self._write(repository, now, history, cancellation)
        state = AttemptState.LANDED if done.tip else AttemptState.EMPTY
        return replace(attempt, state=state, tip=done.tip, commits=done.commits, requests=requests)

    def _write(
        self, repository: Repository, now: LandedHistory, history: History, cancellation: Cancellation
    ) -> tuple[LandedHistory, int]:
        """Land the history; what landed, and the requests that it took."""
        try:
            return self._write_once(now, history), history.requests
        except (HistoryCorrupt, LandingFileCorrupt):
            self.source.forget(repository)  # what is cached or landed may be damaged: once more, from nothing
            again = self.source.read(repository, cancellation=cancellation)
            now = replace(now, tip=again.tip, default_branch=again.default_branch)
            return self._write_once(now, again), history.requests + again.requests

    def _write_once(self, now: LandedHistory, history: History) -> LandedHistory:
        """Land what the source learned about accounts, then the commits: a kill in between loses no answer."""
        with self.landing.commits.writing(now, history) as done:
            self.landing.accounts.add_as_written(history.answers.values())
        return done


def _known(landed: LandedHistory | None) -> Known | None:
    return Known(landed.tip, landed.commits) if landed else None


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
