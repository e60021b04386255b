"""Commit histories by REST: pages of a hundred, pinned to the tip, several at a time; later only what is new, by compare.

A listing that starts at a sha never changes, so its pages can be asked for in any order and again. Nothing is ever
asked by date: that misses late merges. Requests run on the event loop of the client; the reader waits in a thread of
its own, as with git, with a bounded number of pages on their way.
"""

import asyncio
import random
import re
from collections.abc import Mapping, Sequence

import httpx

from git_contrib_assets.errors import (
    GitContribError,
    GitHubUnavailable,
    HistoryUnavailable,
    LimitReached,
    NotAllowed,
    RepositoryFailed,
)
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import Repository
from git_contrib_assets.sources.github.authorisation import HOW_TO_SIGN_IN
from git_contrib_assets.sources.github.client import CONCURRENCY, GitHubClient, QueryTooHeavy, explain
from git_contrib_assets.sources.github.commit_pages import read_page
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.completeness import Completeness
from git_contrib_assets.sources.histories.protocol import History, Known
from git_contrib_assets.sources.histories.rest_reading import Paging, Reading, Start

_PAGING = Paging()
_PAGE_NUMBER = re.compile(r"[?&]page=([0-9]{1,9})(?:&|$)")


class RestHistory:
    """The REST source. Made where the client's event loop runs; ``read`` is called in other threads."""

    name = "rest"

    def __init__(self, client: GitHubClient, paging: Paging = _PAGING) -> None:
        self.concurrency = CONCURRENCY
        self.paging = paging
        self.client = client
        self._loop = asyncio.get_running_loop()
        self._starts: dict[int, Start | GitContribError] = {}
        self._limit: LimitReached | None = None

    async def plan(self, wanted: Sequence[tuple[Repository, Known | None]]) -> list[Repository]:
        """As listed, or the smallest first if little is left of GitHub's budget; then it is also told what fits.

        If the wait for the next window is too long, repositories are read one at a time, each only if all of it fits.
        Raises NotAllowed.
        """
        repositories = [repository for repository, _ in wanted]
        if wanted and not self.client.signed_in:
            await self.client.learn_limits()
        allowance = self.client.budget.allowance("core")
        if not wanted or allowance is None or allowance.requests >= self.paging.little_budget:
            return repositories
        # Of a new repository this asks for the first page; half of the budget is kept for the other pages. If it is
        # not enough for all, each run asks about others, so that large ones do not block the rest for ever.
        asked = list(wanted)
        if len(asked) > allowance.requests // 2:
            asked = random.sample(asked, allowance.requests // 2)
        needed: dict[int, int] = {}
        starts = await asyncio.gather(*(self._start(*one) for one in asked), return_exceptions=True)
        for (repository, known), start in zip(asked, starts, strict=True):
            if isinstance(start, NotAllowed) or not isinstance(start, Start | GitContribError):
                raise start
            if not isinstance(start, LimitReached):
                self._starts[repository.repository_id] = start
                needed[repository.repository_id] = self._requests_needed(start, known)
        self._say_what_fits(needed, len(wanted))
        return sorted(repositories, key=lambda one: needed.get(one.repository_id, self.paging.little_budget))

    def read(self, repository: Repository, *, cancellation: Cancellation, known: Known | None = None) -> History:
        """The history of the default branch as GitHub has it now; only what is new since ``known`` if that is enough.

        Blocks; ``cancellation`` ends it. Raises RepositoryNotFound, RepositoryBlocked, HistoryCorrupt or
        HistoryUnavailable; LimitReached if it does not fit into what GitHub allows; NotAllowed.
        """
        if self._limit:
            raise self._limit
        reading = Reading(self.client, self._loop, self.paging, repository, cancellation, self._limited)
        start = self._starts.pop(repository.repository_id, None) or reading.wait(self._start(repository, known))
        if isinstance(start, GitContribError):
            raise start
        history = reading.begin(start)
        if start.tip is None or (known and known.tip == start.tip):
            return history
        self._must_fit(repository, self._requests_needed(start, known))
        history.batches = reading.batches(start, known)
        return history

    def forget(self, repository: Repository) -> None:
        """Nothing is kept."""

    def _limited(self, error: LimitReached) -> None:
        """A limit lasts too long: nothing is read from now on."""
        self._limit = error

    async def _start(self, repository: Repository, known: Known | None) -> Start:
        """The tip of the default branch. Of a repository that is new to us, that is its first page already."""
        rows, requests = 1 if known and known.tip else self.paging.rows_per_page, 1
        path = f"/repos/{repository.repository}/commits"
        try:
            try:
                response = await self.client.get(path, {"per_page": rows})
            except QueryTooHeavy:
                rows, requests = 1, 2
                response = await self.client.get(path, {"per_page": rows})
            return _start_of(repository, response, rows)
        except GitHubUnavailable as error:
            failure = HistoryUnavailable(f"{repository.repository}: {error}")
            failure.requests = requests
            raise failure from error
        except RepositoryFailed as failure:
            failure.requests = requests
            raise

    def _requests_needed(self, start: Start | GitContribError, known: Known | None) -> int:
        return start.requests_needed(known, self.paging.rows_per_page) if isinstance(start, Start) else 0

    def _must_fit(self, repository: Repository, requests: int) -> None:
        allowance, budget = self.client.budget.allowance("core"), self.client.budget
        if allowance is None or allowance.seconds <= budget.max_wait or requests <= allowance.requests:
            return
        advice = budget.advice
        if requests > allowance.limit:
            advice = f"that exceeds the limit of {allowance.limit} per window, allow a longer --max-wait"
            advice += f", or {HOW_TO_SIGN_IN}" if budget.anonymous else ""
        raise LimitReached(
            f"GitHub allows {allowance.requests} more requests until {allowance.until} and {repository.repository} takes "
            f"{requests}: {advice}",
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
            text += f"{fit} of {repositories} repositories are certain to fit, the smallest come first"
            waits = allowance.seconds <= self.client.budget.max_wait
            text += "; the rest wait for the next window" if waits else f"; {self.client.budget.advice}"
        if allowance.seconds > self.client.budget.max_wait:
            self.concurrency = 1  # else it is not certain how many requests are left for the next one
        reporter().note(text)


def _start_of(repository: Repository, response: httpx.Response, rows_per_page: int) -> Start:
    """What the first reply tells. Raises RepositoryFailed."""
    if response.status_code == 409 and "empty" in explain(response):
        return Start(None)
    page = read_page(repository, response)
    if not page.rows:
        return Start(None)
    tip = page.rows[0][0]
    came = Completeness(tip)
    came.add((row[0] for row in page.rows), page.parents)
    last = _PAGE_NUMBER.search(response.links.get("last", {}).get("url", ""))
    # A missing link does not mean that there are no more pages. If all parents are there, there are none.
    unknown = None if "next" in response.links or came.missing() else 1
    return Start(
        tip=tip,
        path=str(response.url).partition("?")[0].removesuffix("/commits"),  # a redirect is followed only once
        rows_per_page=rows_per_page,
        pages=int(last[1]) if last else unknown,
        first=page,
    )
