"""One repository being read by REST, in a thread of its own: which pages are asked for, and whether all came."""

import asyncio
import concurrent.futures
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Any, TypeVar

import httpx
import pyarrow as pa

from git_contrib_assets.errors import (
    GitHubUnavailable,
    HistoryCorrupt,
    HistoryIncomplete,
    HistoryUnavailable,
    LimitReached,
    RepositoryFailed,
)
from git_contrib_assets.records import AccountAnswer, Repository
from git_contrib_assets.sources.github.client import GitHubClient, QueryTooHeavy
from git_contrib_assets.sources.github.commit_pages import Page, Row, batch_of, read_comparison, read_page
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.completeness import Completeness
from git_contrib_assets.sources.histories.protocol import History, Known

Result = TypeVar("Result")
Parameters = Mapping[str, str | int]


@dataclass(frozen=True)
class Paging:
    """How much is asked for and handed on at a time."""

    rows_per_page: int = 100
    rows_per_batch: int = 2000
    pages_ahead: int = 16
    little_budget: int = 500
    """With fewer requests left it is found out first how many each repository takes."""


@dataclass(frozen=True)
class Start:
    """The newest commits of a repository and how much there is. ``tip`` is None for an empty repository.

    ``pages``, of ``rows_per_page`` commits, is None if GitHub does not tell their number.
    """

    tip: str | None
    path: str = ""
    rows_per_page: int = 1
    pages: int | None = None
    first: Page | None = None

    @property
    def commits(self) -> int | None:
        """The number of all commits, if it is certain."""
        return self.pages if self.rows_per_page == 1 else None

    def requests_needed(self, known: Known | None, rows_per_page: int) -> int:
        """How many requests the rest takes, as far as one can tell."""
        if self.tip is None or (known and known.tip == self.tip):
            return 0
        if known is None or known.tip is None:
            return max(1, self.pages or 1) - 1
        new = (self.commits or known.commits + 1) - known.commits
        return ceil(new / rows_per_page) if new > 0 else 1 + ceil((self.commits or 1) / rows_per_page)


@dataclass
class Reading:
    """The reading of one repository. ``limited`` hears of a limit that lasts too long."""

    client: GitHubClient
    loop: asyncio.AbstractEventLoop
    paging: Paging
    repository: Repository
    cancellation: Cancellation
    limited: Callable[[LimitReached], None]
    history: History = field(init=False)
    _came: Completeness = field(init=False)

    def begin(self, start: Start) -> History:
        """The history, without its commits so far."""
        self.history = History(start.tip, self.repository.default_branch, 1, iter(()))
        if start.tip is not None:
            self._came = Completeness(start.tip)
        return self.history

    def batches(self, start: Start, known: Known | None) -> Iterator[pa.RecordBatch]:
        """What is new since ``known``, if it can be told, else everything. Errors tell how many requests were made."""
        fresh = self._since(known, start) if known and known.tip else None
        return self._counted(self._everything(start) if fresh is None else fresh)

    def _counted(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except RepositoryFailed as error:
            error.requests = self.history.requests
            raise

    def _everything(self, start: Start) -> Iterator[pa.RecordBatch]:
        """All commits reachable from the tip. Pages beyond those that were announced are asked for as long as some are missing."""
        path, rows = f"{start.path}/commits", self.paging.rows_per_page
        parameters: dict[str, str | int] = {"sha": start.tip or "", "per_page": rows}
        if start.pages is None:
            yield from self._by_links(path, parameters)
        else:
            announced = start.pages if start.rows_per_page == rows else ceil(start.pages / rows)
            first = start.first if start.rows_per_page == rows else None
            yield from self._by_number(path, parameters, first, announced, commits=start.commits)
            if self._came.missing():
                yield from self._by_links(path, {**parameters, "page": announced + 1})
        if missing := self._came.missing():
            raise _incomplete(self.repository, f"{len(missing)} commits that others name as their parents")

    def _since(self, known: Known, start: Start) -> Iterator[pa.RecordBatch] | None:
        """The commits since the landed tip, or None if that is not an ancestor of the new one, or nobody can tell."""
        path = f"{start.path}/compare/{known.tip}...{start.tip}"
        parameters = {"per_page": self.paging.rows_per_page}
        self.history.requests += 1
        try:
            response = self.wait(self.client.get(path, {**parameters, "page": 1}))
            first, compared = read_comparison(self.repository, response)
        except RepositoryFailed:
            return None
        new = compared.total_commits
        adds_up = start.commits is None or known.commits + new == start.commits
        if compared.status not in {"ahead", "identical"} or not adds_up:
            return None
        self.history.since = known.tip
        return self._new(path, parameters, first, new, known, start)

    def _new(
        self, path: str, parameters: Parameters, first: Page, new: int, known: Known, start: Start
    ) -> Iterator[pa.RecordBatch]:
        """The commits of a comparison. The landed tip is the parent of one of them.

        Other parents may be landed too: that nothing is missing is then known by counting, so GitHub must have told how
        many commits there are in all.
        """
        pages = ceil(new / self.paging.rows_per_page)
        yield from self._by_number(path, parameters, first, pages, compared=True, commits=new)
        missing = self._came.missing()
        landed = {known.tip} if start.commits is None else missing - {start.tip}
        if known.tip not in missing or missing - landed:
            raise _incomplete(self.repository, "commits between the landed tip and the new one")

    def _by_number(
        self,
        path: str,
        parameters: Parameters,
        first: Page | None,
        pages: int,
        *,
        compared: bool = False,
        commits: int | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """The commits of this number of pages, of which the first may be there already."""
        here = [] if first is None or not pages else [first]
        rows_per_page = self.paging.rows_per_page
        work = (
            self._page(path, parameters, number, rows_per_page, compared) for number in range(1 + len(here), pages + 1)
        )
        rows: list[Row] = []
        done = 0
        for number, page in enumerate(self._in_turn(here, work), 1):
            if not page.rows or (number < pages and len(page.rows) != rows_per_page):
                raise _does_not_add_up(self.repository, len(page.rows), rows_per_page)
            done += len(page.rows)
            rows += self._taken(page)
            if len(rows) >= self.paging.rows_per_batch or number == pages:
                yield batch_of(self.repository, rows)
                rows = []
        if commits is not None and done != commits:
            raise _does_not_add_up(self.repository, done, commits)

    def _by_links(self, path: str, parameters: Parameters) -> Iterator[pa.RecordBatch]:
        """The commits of a list whose length GitHub does not tell, until none is missing or no page is left."""
        pages = self.client.pages(path, parameters)

        async def next_page() -> httpx.Response | None:
            return await anext(pages, None)

        while not self._came.seems_whole() and (response := self.wait(next_page())):
            self.history.requests += 1
            page = read_page(self.repository, response)
            if not self._came.add((row[0] for row in page.rows), page.parents):
                return  # an empty page, or one that was there before: more of them would bring nothing either
            yield batch_of(self.repository, self._learned(page))

    async def _page(self, path: str, parameters: Parameters, number: int, rows: int, compared: bool) -> Page:
        """One page; in halves if GitHub cannot get that much together in its ten seconds."""
        self.history.requests += 1
        try:
            response = await self.client.get(path, {**parameters, "per_page": rows, "page": number})
            if compared:
                return read_comparison(self.repository, response)[0]
            return read_page(self.repository, response)
        except QueryTooHeavy as error:
            if rows % 2:
                raise HistoryUnavailable(f"{self.repository.repository}: {error}") from error
            one = await self._page(path, parameters, 2 * number - 1, rows // 2, compared)
            return one + await self._page(path, parameters, 2 * number, rows // 2, compared)

    def _in_turn(self, here: list[Page], work: Iterable[Coroutine[Any, Any, Page]]) -> Iterator[Page]:
        """Pages in their order, a bounded number of them on their way or waiting for their turn."""
        coming: deque[concurrent.futures.Future[Page]] = deque()
        try:
            yield from here
            for one in work:
                coming.append(self._begin(one))
                if len(coming) == self.paging.pages_ahead:
                    yield self._result(coming.popleft())
            while coming:
                yield self._result(coming.popleft())
        finally:
            for future in coming:
                self._cancel(future)

    def wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What it brings. Raises HistoryUnavailable when it is cancelled."""
        return self._result(self._begin(work))

    def _begin(self, work: Coroutine[Any, Any, Result]) -> "concurrent.futures.Future[Result]":
        if self.cancellation.cancelled:
            work.close()
            raise self._interrupted()
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def _cancel(self, future: "concurrent.futures.Future[Any]") -> None:
        if not self.loop.is_closed():
            future.cancel()

    def _result(self, future: "concurrent.futures.Future[Result]") -> Result:
        with self.cancellation.calls(partial(self._cancel, future)):
            if self.cancellation.cancelled:
                self._cancel(future)
            try:
                return future.result()
            except concurrent.futures.CancelledError:
                raise self._interrupted() from None
            except GitHubUnavailable as error:
                raise HistoryUnavailable(f"{self.repository.repository}: {error}") from error
            except LimitReached as error:
                self.limited(error)
                raise

    def _taken(self, page: Page) -> list[Row]:
        """The page's commits, noted as come."""
        self._came.add((row[0] for row in page.rows), page.parents)
        return self._learned(page)

    def _learned(self, page: Page) -> list[Row]:
        """The page's commits, its accounts noted; an account is worth more than nobody."""
        now = self.client.github_time()
        answers = self.history.answers
        for email, account in page.accounts.items():
            if email not in answers or (account and answers[email].account_id is None):
                identity, login = account or (None, None)
                answers[email] = AccountAnswer(email, identity, login, now, "rest")
        return page.rows

    def _interrupted(self) -> HistoryUnavailable:
        return HistoryUnavailable(f"{self.repository.repository}: interrupted")


def _does_not_add_up(repository: Repository, came: int, announced: int) -> HistoryCorrupt:
    text = f"GitHub's pages hold more or fewer commits than it says ({came} instead of {announced})"
    kind = HistoryIncomplete if came < announced else HistoryCorrupt
    return kind(f"{repository.repository}: {text}: run again later")


def _incomplete(repository: Repository, what: str) -> HistoryIncomplete:
    return HistoryIncomplete(f"{repository.repository}: GitHub did not send {what}: run again later")
