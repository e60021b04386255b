"""Whether repositories are public just now, under the names that we know: asked before and after they are read."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Protocol

from git_contrib_assets.errors import (
    GitContribError,
    GitHubUnavailable,
    LimitReached,
    NotAllowed,
    RepositoryBlocked,
    RepositoryFailed,
    RepositoryNotFound,
    RepositoryPrivate,
    RepositoryRenamed,
    TargetFailed,
    TokenRefused,
    VisibilityUnknown,
)
from git_contrib_assets.records import Repository, Target
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.sources.github.listing import find_again, list_target

_ROWS_PER_PAGE = 100
_SHARE_OF_LIMIT = 0.05
_HOUR = 3600.0
_LONGEST_WAIT = 60.0
_LITTLE = 10
_USUAL_LIMIT = {True: 5000, False: 60}
"""Requests in an hour, signed in or not, as long as GitHub has not told."""


class Visibility(Protocol):
    """Tells which repositories are not public, or are no longer what their names lead to."""

    async def refusals(self, repositories: Sequence[Repository]) -> dict[int, RepositoryFailed]:
        """Why some of these must not be read, or must not land, by repository id. The others are public.

        Raises TokenRefused or LimitReached if nothing more can be asked.
        """
        ...

    def patience(self, repositories: Sequence[Repository]) -> float:
        """How many seconds to wait for more repositories to ask about at the same time."""
        ...

    def now(self) -> datetime:
        """The time (UTC, no zone) by the clock of who tells: ours may be wrong."""
        ...


@dataclass
class VisibilityOnGitHub:
    """Asks GitHub, in as few requests as it takes: one per repository, or the list of a target if that is shorter."""

    client: GitHubClient
    everything: Iterable[Repository]
    """All repositories ever listed: they tell how long the lists are."""

    def __post_init__(self) -> None:
        there = (one.target.lower() for one in self.everything if one.missing_since is None)
        self._pages = {target: ceil(number / _ROWS_PER_PAGE) for target, number in Counter(there).items()}

    async def refusals(self, repositories: Sequence[Repository]) -> dict[int, RepositoryFailed]:
        """Why some of these must not be read, or must not land, by repository id. The others are public.

        Without a token nothing private can be read. So if GitHub's limit is used up then, they count as what they were
        listed as: a name that has gone to another repository meanwhile is read again after the next listing.
        """
        try:
            return await self._refusals(repositories)
        except LimitReached:
            if self.client.signed_in:
                raise
            return {}

    async def _refusals(self, repositories: Sequence[Repository]) -> dict[int, RepositoryFailed]:
        refusals: dict[int, RepositoryFailed] = {}
        one_by_one: list[Repository] = []
        for target, group in _by_target(repositories).items():
            if len(group) <= self._pages.get(target, 1):
                one_by_one += group
            else:
                refused, unlisted = await self._by_list(group)
                refusals |= refused
                one_by_one += unlisted
        return refusals | await self._by_id(one_by_one)

    def patience(self, repositories: Sequence[Repository]) -> float:
        """So long that all this asking takes a twentieth of what GitHub allows in an hour, but a minute at most.

        What waits is lost if the process is killed. With little of the limit left, nothing waits.
        """
        allowance = self.client.budget.allowance("core")
        if allowance and allowance.requests <= _LITTLE:
            return 0.0
        limit = (allowance.limit if allowance else 0) or _USUAL_LIMIT[self.client.signed_in]
        requests = sum(
            min(len(group), self._pages.get(target, 1)) for target, group in _by_target(repositories).items()
        )
        return min(_LONGEST_WAIT, _HOUR * requests / (_SHARE_OF_LIMIT * limit))

    def now(self) -> datetime:
        """The time by GitHub's clock (UTC, no zone)."""
        return self.client.github_time()

    async def _by_list(self, group: Sequence[Repository]) -> tuple[dict[int, RepositoryFailed], list[Repository]]:
        """The refusals among repositories of one target, and those that are not in its list."""
        try:
            listing = await list_target(self.client, Target.parse(group[0].target), owner_type=group[0].owner_type)
        except TokenRefused:
            raise
        except (TargetFailed, NotAllowed, GitHubUnavailable) as error:
            return {one.repository_id: _unknown(one, error) for one in group}, []
        names = {one.repository_id: one.repository for one in listing.repositories}
        refusals: dict[int, RepositoryFailed] = {}
        unlisted = []
        for one in group:
            if one.repository_id in listing.private:
                refusals[one.repository_id] = _private(one)
            elif one.repository_id not in names:
                unlisted.append(one)
            elif names[one.repository_id] != one.repository:
                refusals[one.repository_id] = _renamed(one)
        return refusals, unlisted

    async def _by_id(self, repositories: Sequence[Repository]) -> dict[int, RepositoryFailed]:
        answers = await asyncio.gather(*(self._ask(one) for one in repositories), return_exceptions=True)
        refusals: dict[int, RepositoryFailed] = {}
        for one, answer in zip(repositories, answers, strict=True):
            if isinstance(answer, RepositoryFailed):
                refusals[one.repository_id] = answer
            elif answer is not None:
                raise answer
        return refusals

    async def _ask(self, repository: Repository) -> RepositoryFailed | None:
        try:
            found, reason = await find_again(self.client, repository)
        except GitHubUnavailable as error:
            return _unknown(repository, error)
        if found:
            return None if found.repository == repository.repository else _renamed(repository)
        match reason:
            case "private":
                return _private(repository)
            case "not_found":
                return RepositoryNotFound(f"{repository.repository}: gone or private; its last good data are kept")
            case "blocked":
                return RepositoryBlocked(f"{repository.repository}: GitHub took it down; its last good data are kept")
        return _unknown(repository)


def _by_target(repositories: Iterable[Repository]) -> dict[str, list[Repository]]:
    groups: dict[str, list[Repository]] = {}
    for one in repositories:
        groups.setdefault(one.target.lower(), []).append(one)
    return groups


def _private(repository: Repository) -> RepositoryPrivate:
    return RepositoryPrivate(
        f"{repository.repository} is private: it leaves the published tables and comes back when it is listed as public"
    )


def _renamed(repository: Repository) -> RepositoryRenamed:
    return RepositoryRenamed(
        f"{repository.repository} no longer leads to the repository that was listed under this name: run again to list it"
    )


def _unknown(repository: Repository, error: GitContribError | None = None) -> VisibilityUnknown:
    reason = f" ({error})" if error else ""
    failure = VisibilityUnknown(
        f"{repository.repository}: GitHub did not say whether it is public{reason}: run again later; its last good data are kept"
    )
    failure.__cause__ = error
    return failure
