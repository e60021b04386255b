"""Commit histories by REST: pages of a hundred, pinned to the tip, several at a time; later only what is new, by compare.

A listing that starts at a sha never changes, so its pages can be asked for in any order and again. Nothing is ever
asked by date: that misses late merges. Requests run on the event loop of the client; who reads waits in a thread of
his own, as for git, with a bounded number of pages on their way.
"""

import asyncio
import concurrent.futures
import random
from collections import deque
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from math import ceil
from typing import Any, TypeVar

import httpx
import pyarrow as pa

from git_contrib_assets.errors import (
    GitContribError,
    GitHubUnavailable,
    HistoryCorrupt,
    HistoryUnavailable,
    LimitReached,
    NotAllowed,
    RepositoryFailed,
)
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import AccountAnswer, Repository
from git_contrib_assets.sources.github.client import CONCURRENCY, GitHubClient, QueryTooHeavy, explain
from git_contrib_assets.sources.github.commit_pages import Page, Row, batch_of, read_comparison, read_page
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.protocol import History, Known

ROWS_PER_PAGE = 100
LITTLE = 500
"""With fewer requests left it is found out first how many each repository takes."""
_PAGES_AHEAD = 16
_ROWS_PER_BATCH = 2000

Result = TypeVar("Result")


@dataclass(frozen=True)
class _Start:
    """The newest commits of a repository and how much there is. ``tip`` is None where there is nothing.

    ``pages``, of ``rows_per_page`` commits, is None where GitHub does not tell their number.
    """

    tip: str | None
    path: str = ""
    rows_per_page: int = 1
    pages: int | None = None
    first: Page | None = None

    @property
    def commits(self) -> int | None:
        """The number of all commits, where it is certain."""
        return self.pages if self.rows_per_page == 1 else None

    def requests_needed(self, known: Known | None) -> int:
        """How many requests the rest takes, as far as one can tell."""
        if self.tip is None or (known and known.tip == self.tip):
            return 0
        if known is None or known.tip is None:
            return max(1, self.pages or 1) - 1
        new = (self.commits or known.commits + 1) - known.commits
        return ceil(new / ROWS_PER_PAGE) if new > 0 else 1 + ceil((self.commits or 1) / ROWS_PER_PAGE)


class RestHistory:
    """The REST source. Made where the client's event loop runs; ``read`` is called in other threads."""

    name = "rest"

    def __init__(self, client: GitHubClient) -> None:
        self.concurrency = CONCURRENCY
        self.client = client
        self._loop = asyncio.get_running_loop()
        self._starts: dict[int, _Start | GitContribError] = {}
        self._limit: LimitReached | None = None

    async def plan(self, wanted: Sequence[tuple[Repository, Known | None]]) -> list[Repository]:
        """As listed, unless little is left of GitHub's budget: then the smallest first, and it is said what fits.

        Where to wait for the next window would take too long, they are read one after the other: each is begun only
        if all of it fits. Raises NotAllowed.
        """
        repositories = [repository for repository, _ in wanted]
        if wanted and not self.client.signed_in:
            await self.client.learn_limits()
        allowance = self.client.budget.allowance("core")
        if not wanted or allowance is None or allowance.requests >= LITTLE:
            return repositories
        # What is asked here of a new repository is its first page. Half of what is left is for the rest of the pages.
        # Where not all can be asked it is others each time, so that large ones cannot stand in the way for ever.
        asked = list(wanted)
        if len(asked) > allowance.requests // 2:
            asked = random.sample(asked, allowance.requests // 2)
        needed: dict[int, int] = {}
        starts = await asyncio.gather(*(self._start(*one) for one in asked), return_exceptions=True)
        for (repository, known), start in zip(asked, starts, strict=True):
            if isinstance(start, NotAllowed) or not isinstance(start, _Start | GitContribError):
                raise start
            if not isinstance(start, LimitReached):
                self._starts[repository.repository_id] = start
                needed[repository.repository_id] = start.requests_needed(known) if isinstance(start, _Start) else 0
        self._say_what_fits(needed, len(wanted))
        return sorted(repositories, key=lambda one: needed.get(one.repository_id, LITTLE))

    def read(self, repository: Repository, *, cancellation: Cancellation, known: Known | None = None) -> History:
        """The history of the default branch as GitHub has it now; what is new since ``known`` where that is enough.

        Blocks; ``cancellation`` ends it. Raises RepositoryNotFound, RepositoryBlocked, HistoryCorrupt or
        HistoryUnavailable; LimitReached where it does not fit into what GitHub allows; NotAllowed.
        """
        if self._limit:
            raise self._limit
        reading = _Reading(self, repository, cancellation)
        start = self._starts.pop(repository.repository_id, None) or reading.wait(self._start(repository, known))
        if isinstance(start, GitContribError):
            raise start
        history = reading.history = History(start.tip, repository.default_branch, 1, iter(()))
        if start.tip is None or (known and known.tip == start.tip):
            return history
        self._must_fit(repository, start.requests_needed(known))
        fresh = reading.since(known, start) if known and known.tip else None
        history.batches = reading.everything(start) if fresh is None else fresh
        return history

    def forget(self, repository: Repository) -> None:
        """Nothing is kept."""

    def limited(self, error: LimitReached) -> None:
        """A limit lasts too long: nothing is read any more."""
        self._limit = error

    async def _start(self, repository: Repository, known: Known | None) -> _Start:
        """The tip of the default branch. Of a repository that is new to us, that is its first page already."""
        rows_per_page = 1 if known and known.tip else ROWS_PER_PAGE
        path = f"/repos/{repository.repository}/commits"
        try:
            response = await self.client.get(path, {"per_page": rows_per_page})
        except QueryTooHeavy:
            rows_per_page = 1
            response = await self.get(repository, path, {"per_page": rows_per_page})
        except GitHubUnavailable as error:
            raise HistoryUnavailable(f"{repository.repository}: {error}") from error
        if response.status_code == 409 and "empty" in explain(response):
            return _Start(None)
        page = read_page(repository, response)
        if not page.rows:
            return _Start(None)
        last = response.links.get("last", {}).get("url")
        page_of_last = httpx.URL(last).params.get("page", "") if last else ""
        return _Start(
            tip=page.rows[0][0],
            path=str(response.url).partition("?")[0].removesuffix("/commits"),  # a redirect is followed only once
            rows_per_page=rows_per_page,
            pages=int(page_of_last) if page_of_last.isdecimal() else None if "next" in response.links else 1,
            first=page,
        )

    async def get(self, repository: Repository, path: str, parameters: Mapping[str, str | int]) -> httpx.Response:
        """One reply. Raises HistoryUnavailable in place of GitHubUnavailable."""
        try:
            return await self.client.get(path, parameters)
        except GitHubUnavailable as error:
            raise HistoryUnavailable(f"{repository.repository}: {error}") from error

    def submit(self, work: Coroutine[Any, Any, Result]) -> "concurrent.futures.Future[Result]":
        """Run something on the client's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def cancel(self, future: "concurrent.futures.Future[Any]") -> None:
        """End it, wherever it is."""
        if not self._loop.is_closed():
            future.cancel()

    def _must_fit(self, repository: Repository, requests: int) -> None:
        allowance, budget = self.client.budget.allowance("core"), self.client.budget
        if allowance is None or allowance.seconds <= budget.max_wait or requests <= allowance.requests:
            return
        advice = "run again then"
        if requests > allowance.limit:
            advice = f"that is more than the {allowance.limit} of a whole window: allow a longer --max-wait"
        raise LimitReached(
            f"GitHub allows {allowance.requests} more requests until {allowance.until} and {repository.repository} takes "
            f"{requests}: {advice}{self._token_advice()}",
            seconds=allowance.seconds,
        )

    def _say_what_fits(self, needed: Mapping[int, int], repositories: int) -> None:
        allowance = self.client.budget.allowance("core")
        if allowance is None:
            return
        left, fit = allowance.requests, 0
        for requests in sorted(needed.values()):
            left -= requests
            fit += left >= 0
        text = f"GitHub allows {allowance.requests} more requests until {allowance.until}: "
        if fit == repositories:
            text += f"all {repositories} repositories fit, they take {sum(needed.values())}"
        else:
            text += f"{fit} of {repositories} repositories fit for certain, the smallest come first"
            waits = allowance.seconds <= self.client.budget.max_wait
            text += (
                "; for the others it is waited" if waits else f"; run again then for the others{self._token_advice()}"
            )
        if allowance.seconds > self.client.budget.max_wait:
            self.concurrency = 1  # only so is it certain how many requests are left for the next
        reporter().note(text)

    def _token_advice(self) -> str:
        return "" if self.client.signed_in else ", or set GITHUB_TOKEN"


@dataclass
class _Reading:
    """One repository being read, in a thread of its own."""

    source: RestHistory
    repository: Repository
    cancellation: Cancellation
    history: History = field(init=False)

    def everything(self, start: _Start) -> Iterator[pa.RecordBatch]:
        """All commits reachable from the tip."""
        path, parameters = f"{start.path}/commits", {"sha": start.tip or ""}
        if start.pages is None:
            return self._by_links(path, parameters)
        if start.rows_per_page == ROWS_PER_PAGE:
            return self._by_number(path, parameters, start.first, start.pages)
        return self._by_number(path, parameters, None, ceil(start.pages / ROWS_PER_PAGE), commits=start.pages)

    def since(self, known: Known, start: _Start) -> Iterator[pa.RecordBatch] | None:
        """The commits since the landed tip, or None where that is no ancestor of the new one, or who knows."""
        path = f"{start.path}/compare/{known.tip}...{start.tip}"
        self.history.requests += 1
        try:
            response = self.wait(self.source.get(self.repository, path, {"per_page": ROWS_PER_PAGE, "page": 1}))
            first, compared = read_comparison(self.repository, response)
        except RepositoryFailed:
            return None
        new = compared.total_commits
        adds_up = start.commits is None or known.commits + new == start.commits
        if compared.status not in {"ahead", "identical"} or not adds_up:
            return None
        self.history.since = known.tip
        return self._by_number(path, {}, first, ceil(new / ROWS_PER_PAGE), compared=True, commits=new)

    def _by_number(
        self,
        path: str,
        parameters: Mapping[str, str | int],
        first: Page | None,
        pages: int,
        *,
        compared: bool = False,
        commits: int | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """The commits of that many pages, of which the first may be there already."""
        self.history.requests += max(0, pages - (first is not None))
        numbers = range(1 if first is None else 2, pages + 1)
        work = (self._page(path, parameters, number, ROWS_PER_PAGE, compared) for number in numbers)
        here = [] if first is None or not pages else [first]
        rows: list[Row] = []
        done = 0
        for number, page in enumerate(self._in_turn(here, work), 1):
            if not page.rows or (number < pages and len(page.rows) != ROWS_PER_PAGE):
                raise self._does_not_add_up()
            done += len(page.rows)
            rows += self._learned(page)
            if len(rows) >= _ROWS_PER_BATCH or number == pages:
                yield batch_of(self.repository, rows)
                rows = []
        if commits is not None and done != commits:
            raise self._does_not_add_up()

    def _by_links(self, path: str, parameters: Mapping[str, str | int]) -> Iterator[pa.RecordBatch]:
        """The commits of a list whose length GitHub does not tell."""
        pages = self.source.client.pages(path, parameters)

        async def next_page() -> httpx.Response | None:
            return await anext(pages, None)

        while response := self.wait(next_page()):
            self.history.requests += 1
            if rows := self._learned(read_page(self.repository, response)):  # the last page may be empty
                yield batch_of(self.repository, rows)

    async def _page(
        self, path: str, parameters: Mapping[str, str | int], number: int, rows: int, compared: bool
    ) -> Page:
        """One page; in halves where GitHub cannot get that much together in its ten seconds."""
        try:
            asked = {**parameters, "per_page": rows, "page": number}
            response = await self.source.client.get(path, asked)
            if compared:
                return read_comparison(self.repository, response)[0]
            return read_page(self.repository, response)
        except QueryTooHeavy as error:
            if rows % 2:
                raise HistoryUnavailable(f"{self.repository.repository}: {error}") from error
            half, self.history.requests = rows // 2, self.history.requests + 2
            one = await self._page(path, parameters, 2 * number - 1, half, compared)
            other = await self._page(path, parameters, 2 * number, half, compared)
            return Page(one.rows + other.rows, one.accounts | other.accounts)

    def _in_turn(self, here: list[Page], work: Iterable[Coroutine[Any, Any, Page]]) -> Iterator[Page]:
        """Pages in their order, a bounded number of them on their way or waiting for their turn."""
        coming: deque[concurrent.futures.Future[Page]] = deque()
        try:
            yield from here
            for one in work:
                coming.append(self._begin(one))
                if len(coming) == _PAGES_AHEAD:
                    yield self._result(coming.popleft())
            while coming:
                yield self._result(coming.popleft())
        finally:
            for future in coming:
                self.source.cancel(future)

    def wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What it brings. Raises HistoryUnavailable when it is cancelled."""
        return self._result(self._begin(work))

    def _begin(self, work: Coroutine[Any, Any, Result]) -> "concurrent.futures.Future[Result]":
        if self.cancellation.cancelled:
            work.close()
            raise self._interrupted()
        return self.source.submit(work)

    def _result(self, future: "concurrent.futures.Future[Result]") -> Result:
        with self.cancellation.calls(partial(self.source.cancel, future)):
            if self.cancellation.cancelled:
                self.source.cancel(future)
            try:
                return future.result()
            except concurrent.futures.CancelledError:
                raise self._interrupted() from None
            except GitHubUnavailable as error:
                raise HistoryUnavailable(f"{self.repository.repository}: {error}") from error
            except LimitReached as error:
                self.source.limited(error)
                raise

    def _learned(self, page: Page) -> list[Row]:
        """The page's commits, its accounts noted; an account is worth more than nobody."""
        now = datetime.now(UTC).replace(tzinfo=None)
        answers = self.history.answers
        for email, account in page.accounts.items():
            if email not in answers or (account and answers[email].account_id is None):
                identity, login = account or (None, None)
                answers[email] = AccountAnswer(email, identity, login, now, "rest")
        return page.rows

    def _does_not_add_up(self) -> HistoryCorrupt:
        return HistoryCorrupt(
            f"{self.repository.repository}: GitHub's pages hold more or fewer commits than it says: run again later"
        )

    def _interrupted(self) -> HistoryUnavailable:
        return HistoryUnavailable(f"{self.repository.repository}: interrupted")
