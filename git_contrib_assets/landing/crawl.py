"""The crawl: many repositories at a time, each landing or failing on its own."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from git_contrib_assets.errors import (
    LimitReached,
    NotAllowed,
    RepositoryFailed,
    RepositoryPrivate,
    StorageFull,
    TargetFailed,
)
from git_contrib_assets.landing.catalogue import mark_private
from git_contrib_assets.landing.reading import Read, Reader, Wanted
from git_contrib_assets.landing.visibility import Visibility
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import Attempt, AttemptState, Repository
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.protocol import HistorySource
from git_contrib_assets.storage.landed.commits import LandedHistory
from git_contrib_assets.storage.landing_zone import LandingZone

SETTLED = timedelta(seconds=60)
"""There may be a push after the one that the listing shows: pushed_at is believed only if it is older than this."""

Result = TypeVar("Result")


@dataclass
class Crawl:
    """Reads histories into the landing zone. The caller holds the crawl lock.

    Nothing is read that was not seen to be public in this run. What was read lands once it was seen to be public again,
    under the same name: in between it may have turned private, or the name may have gone to another repository.
    """

    landing: LandingZone
    source: HistorySource
    visibility: Visibility
    run_id: str

    def __post_init__(self) -> None:
        self._reader = Reader(self.landing, self.source, self.run_id, self.visibility.now)

    async def run(
        self, listed: Sequence[Repository], unlisted: Sequence[Repository] = (), *, everything_again: bool = False
    ) -> AsyncGenerator[Attempt, None]:
        """Attempt every repository and yield each attempt as it ends, logged and durable.

        ``listed`` are those that this run has listed as public: what was not pushed to since it landed is not touched.
        The ``unlisted`` are asked about first, and read even if they look unchanged. With ``everything_again`` each is
        read whole, whatever is landed or cached of it; the old file stays until the new one has landed.

        Cancelling the iteration stops what runs and keeps what has landed. Raises StorageFull if the disk is full, and
        NotAllowed if the token is refused, because the others would fail too. Raises LimitReached at the end, after
        everything that fits into the limit.
        """
        reporter().crawl_started(len(listed) + len(unlisted))
        wanted = {one.repository_id: self._want(one, everything_again=everything_again) for one in (*listed, *unlisted)}
        for repository in listed:
            one = wanted[repository.repository_id]
            if one.landed and not one.whole and is_unchanged(repository, one.landed):
                yield self._finish(self._reader.describe(wanted.pop(repository.repository_id), AttemptState.UNCHANGED))
        try:
            for repository_id, refusal in (await self._refusals(unlisted)).items():
                yield self._finish(self._reader.describe(wanted.pop(repository_id), AttemptState.FAILED, refusal))
            async with aclosing(self._read(wanted)) as attempts:
                async for attempt in attempts:
                    yield self._finish(attempt)
                    del wanted[attempt.repository_id]
                    if attempt.reason == StorageFull.reason:
                        raise StorageFull(
                            f"{attempt.message}; {len(wanted)} more were to be read, the crawl stops here"
                        )
        except (LimitReached, NotAllowed) as error:
            for one in wanted.values():
                self.landing.crawl_log.append(self._reader.describe(one, AttemptState.NOT_REACHED, error))
            if isinstance(error, LimitReached):
                text = f"{error} ({len(wanted)} repositories were not reached)"
                raise LimitReached(text, seconds=error.seconds) from error
            raise

    def leave_out(self, repositories: Sequence[Repository]) -> list[Attempt]:
        """Log that these are not read, because their target could not be listed. Nothing about them changes."""
        attempts = []
        for one in repositories:
            error = TargetFailed(
                f"{one.repository} was not read: its target {one.target} could not be listed; its last good data are kept"
            )
            attempts.append(self._reader.describe(self._want(one), AttemptState.NOT_REACHED, error))
            self.landing.crawl_log.append(attempts[-1])
        return attempts

    def _want(self, repository: Repository, *, everything_again: bool = False) -> Wanted:
        landed = self.landing.commits.landed(repository.repository_id)
        # It landed before it was seen for the first time, so it was private in between.
        outdated = landed is not None and landed.listed_at < repository.first_seen_at
        return Wanted(repository, landed, whole=everything_again or outdated)

    async def _refusals(self, repositories: Sequence[Repository]) -> dict[int, RepositoryFailed]:
        """Why some of these must not be read or land. One that was seen private is marked so in the catalogue."""
        if not repositories:
            return {}
        refusals = await self.visibility.refusals(repositories)
        mark_private(self.landing, [one for one, error in refusals.items() if isinstance(error, RepositoryPrivate)])
        return refusals

    async def _read(self, wanted: Mapping[int, Wanted]) -> AsyncGenerator[Attempt, None]:
        """Attempt these, several at a time. Raises NotAllowed at once, LimitReached when nothing more can be read."""
        order = await self.source.plan([(one.repository, one.known) for one in wanted.values()])
        cancellation = Cancellation()
        places = asyncio.Semaphore(self.source.concurrency)

        async def read_one(one: Wanted) -> Read:
            async with places:
                return await in_daemon_thread(lambda: self._reader.read(one, cancellation))

        tasks = {asyncio.create_task(read_one(wanted[one.repository_id])) for one in order}
        aside = _Aside(self.visibility)
        limit: LimitReached | None = None
        try:
            while tasks:
                done, tasks = await asyncio.wait(
                    tasks, timeout=aside.seconds_left(), return_when=asyncio.FIRST_COMPLETED
                )
                failed, stops = aside.add(done)
                for attempt in failed:
                    yield attempt
                for stop in stops:
                    if not isinstance(stop, LimitReached):
                        raise stop
                    limit = limit or stop  # of the others, some may still fit
                if aside.reads and (not tasks or aside.seconds_left() == 0):
                    refusals = await self._refusals([one.wanted.repository for one in aside.reads])
                    while aside.reads:
                        one = aside.reads[0]
                        refusal = refusals.get(one.wanted.repository.repository_id)
                        attempt = await in_daemon_thread(partial(self._reader.settle, one, refusal))
                        aside.reads.popleft()
                        yield attempt
        finally:
            cancellation.cancel()
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            for read in (*aside.reads, *(one for one in ended if isinstance(one, Read))):
                read.drop()
        if limit:
            raise limit

    def _finish(self, attempt: Attempt) -> Attempt:
        self.landing.crawl_log.append(attempt)
        reporter().repository_finished(attempt)
        return attempt


class _Aside:
    """Histories that were read and may not land yet. They wait a while for more, so that one request asks about many."""

    def __init__(self, visibility: Visibility) -> None:
        self.reads: deque[Read] = deque()
        self._visibility = visibility
        self._since = 0.0

    def add(self, ended: Iterable[asyncio.Task[Read]]) -> tuple[list[Attempt], list[BaseException]]:
        """Set aside what was read. Returns the attempts that failed, and the errors that stop more than one repository."""
        failed: list[Attempt] = []
        stops: list[BaseException] = []
        for task in ended:
            error = task.exception()
            if error:
                stops.append(error)
            elif task.result().attempt.failed:
                failed.append(task.result().attempt)
            else:
                self._since = self._since if self.reads else time.monotonic()
                self.reads.append(task.result())
        return failed, stops

    def seconds_left(self) -> float | None:
        """How long to wait for more; None if nothing is set aside."""
        if not self.reads:
            return None
        patience = self._visibility.patience([one.wanted.repository for one in self.reads])
        return max(0.0, self._since + patience - time.monotonic())


async def in_daemon_thread(work: Callable[[], Result]) -> Result:
    """Await blocking work. Unlike ``asyncio.to_thread`` its thread never holds up the end of an interrupted process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def deliver(finish: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing waits for the result
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
    """Whether nothing can have been pushed to the default branch since it landed.

    Under another name it is read again: a name that went from one repository to another may have landed the wrong one.
    """
    return (
        landed.repository in {None, repository.repository}  # None: landed by an older version
        and repository.pushed_at is not None
        and repository.pushed_at == landed.pushed_at
        and repository.default_branch == landed.listed_branch
        and repository.pushed_at < landed.listed_at - SETTLED
    )
