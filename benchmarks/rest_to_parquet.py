"""One repository by our REST source to its landing file.

python benchmarks/rest_to_parquet.py HOME REPOSITORY   against GITHUB_API_URL
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from git_contrib_assets.errors import RepositoryFailed
from git_contrib_assets.landing.crawl import Crawl
from git_contrib_assets.records import Repository
from git_contrib_assets.settings import Settings
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.sources.github.limits import Budget
from git_contrib_assets.sources.histories.rest import RestHistory
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone


def invented(repository: str) -> Repository:
    """As a listing would have it."""
    owner, _, name = repository.partition("/")
    now = datetime.now(UTC).replace(tzinfo=None)
    return Repository(
        repository_id=1, repository=repository, owner_id=1, owner=owner, owner_type="Organization", name=name,
        is_private=False, is_fork=False, is_archived=False, default_branch="main", created_at=now, pushed_at=now,
        stars=0, language=None, target=owner, first_seen_at=now, listed_at=now,
    )  # fmt: skip


class Public:
    """Everything is public: what is measured is the reading."""

    async def refusals(self, repositories: Sequence[Repository]) -> dict[int, RepositoryFailed]:
        return {}

    def patience(self, repositories: Sequence[Repository]) -> float:
        return 0.0


async def crawl(landing: LandingZone, repository: Repository) -> int:
    """The commits that landed."""
    async with GitHubClient(Settings.from_environment(), Budget(on_wait=lambda m: print(m, file=sys.stderr))) as client:
        attempts = [one async for one in Crawl(landing, RestHistory(client), Public(), "benchmark").run([repository])]
    assert not attempts[0].failed, attempts
    return attempts[0].commits


if __name__ == "__main__":
    landing = LandingZone(Home(Path(sys.argv[1])))
    landing.commits.folder.mkdir(parents=True)
    landing.prepare()
    start, before = time.perf_counter(), time.process_time()
    commits = asyncio.run(crawl(landing, invented(sys.argv[2])))
    print(json.dumps([time.perf_counter() - start, time.process_time() - before, commits]))
