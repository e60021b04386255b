"""GitHub's own ``stats/contributors`` beside what we counted: the hundred busiest accounts of a repository, in commits."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from git_contrib_assets.errors import GitHubUnavailable
from git_contrib_assets.sources.github.client import GitHubClient, explain

TOLERANCE = 0.02
"""GitHub leaves empty commits out, and counts what was pushed since our crawl: so much may differ, of all commits."""
_BOT = "[bot]"


@dataclass(frozen=True)
class Account:
    """An account in GitHub's statistics; ``contributor_id`` is ours for it."""

    contributor_id: str
    login: str
    commits: int


@dataclass(frozen=True)
class Comparison:
    """One account in one repository, in commits without merges."""

    repository: str
    login: str
    ours: int
    theirs: int

    @property
    def difference(self) -> int:
        """Ours less theirs."""
        return self.ours - self.theirs


@dataclass
class Reconciliation:
    """All comparisons, and the repositories that could not be compared, with the reason."""

    comparisons: list[Comparison] = field(default_factory=list)
    not_compared: dict[str, str] = field(default_factory=dict)

    @property
    def different(self) -> list[Comparison]:
        """Accounts whose numbers differ, the largest difference first."""
        found = [one for one in self.comparisons if one.difference]
        return sorted(found, key=lambda one: (-abs(one.difference), one.repository, one.login))

    @property
    def share_different(self) -> float:
        """The sum of all differences, whatever their sign, as a share of GitHub's commits."""
        theirs = sum(one.theirs for one in self.comparisons)
        return sum(abs(one.difference) for one in self.different) / theirs if theirs else 0.0

    @property
    def agrees(self) -> bool:
        """Whether there was something to compare, and as good as nothing differs."""
        return bool(self.comparisons) and self.share_different <= TOLERANCE


async def ask_statistics(
    client: GitHubClient, repositories: Sequence[str]
) -> tuple[dict[str, list[Account]], dict[str, str]]:
    """GitHub's statistics by repository; and why those of some could not be fetched.

    While GitHub computes them it answers 202: the client asks again every 30 s, at most 20 times. Raises NotAllowed or
    LimitReached: then nothing more can be asked.
    """
    found: dict[str, list[Account]] = {}
    missing: dict[str, str] = {}

    async def ask(repository: str) -> None:
        try:
            response = await client.get(f"/repos/{repository}/stats/contributors")
            if response.status_code == 200:
                found[repository] = _accounts(response.content)
            elif response.status_code == 202:
                missing[repository] = "GitHub was still computing them after 20 questions: start again later"
            elif response.status_code == 204:
                found[repository] = []
            else:
                missing[repository] = f"GitHub answered {explain(response)}"
        except GitHubUnavailable as error:
            missing[repository] = str(error)

    tasks = [asyncio.create_task(ask(repository)) for repository in dict.fromkeys(repositories)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return found, missing


def _accounts(content: bytes) -> list[Account]:
    """Raises GitHubUnavailable for what makes no sense. Authors without an account are left out."""
    try:
        return [
            Account(
                _contributor_id(entry["author"]["id"], entry["author"]["login"]),
                entry["author"]["login"],
                entry["total"],
            )
            for entry in orjson.loads(content)
            if entry["author"]
        ]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise GitHubUnavailable("GitHub's statistics make no sense: start again later") from error


def _contributor_id(account_id: int, login: str) -> str:
    """What we call it: bots go by their login, since an address tells no more of them."""
    if login.endswith(_BOT):
        return f"bot:{login.removesuffix(_BOT).lower()}"
    return f"github:{account_id}"


def compare(
    theirs: Mapping[str, Sequence[Account]], ours: Mapping[tuple[str, str], int], missing: Mapping[str, str]
) -> Reconciliation:
    """Put side by side what GitHub lists. ``ours`` is by repository and contributor_id; whom GitHub leaves out is too."""
    comparisons = [
        Comparison(repository, account.login, ours.get((repository, account.contributor_id), 0), account.commits)
        for repository, accounts in theirs.items()
        for account in accounts
    ]
    return Reconciliation(comparisons, dict(missing))
