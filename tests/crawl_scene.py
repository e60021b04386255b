"""A home, a git server, and a crawl between them."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
from git_server import GitServer, Upstream
from github_scene import github_settings

from git_contrib_assets.landing.crawl import Crawl
from git_contrib_assets.records import Attempt, Repository
from git_contrib_assets.sources.histories.git import GitHistory
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone

LISTED_AT = datetime.fromisoformat("2023-11-14T22:00:00")
PUSHED_AT = LISTED_AT - timedelta(days=1)


def listed(repository_id: int, name: str, **more: object) -> Repository:
    """A repository as the catalogue lists it: pushed to yesterday."""
    owner, _, short = name.partition("/")
    one = Repository(
        repository_id=repository_id,
        repository=name,
        owner_id=900,
        owner=owner,
        owner_type="Organization",
        name=short,
        is_private=False,
        is_fork=False,
        is_archived=False,
        default_branch="main",
        created_at=datetime.fromisoformat("2015-03-01T10:00:00"),
        pushed_at=PUSHED_AT,
        stars=7,
        language="Python",
        target=owner,
        first_seen_at=LISTED_AT,
        listed_at=LISTED_AT,
    )
    return replace(one, **more)  # type: ignore[arg-type]


def history_source(server: GitServer, clones: Path, token: str | None = None) -> GitHistory:
    """Git as the crawl uses it, without its waits."""
    return GitHistory(github_settings(token, server_url=server.url), clones, attempts=3, first_wait=0.0)


@dataclass
class CrawlScene:
    """``crawl`` reads what is listed, ``rows`` what is landed."""

    folder: Path
    server: GitServer
    repositories: dict[int, Repository] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home = Home(self.folder / "home")
        self.home.prepare()
        self.landing = LandingZone(self.home)
        self.landing.prepare()
        self.source = history_source(self.server, self.home.git)

    def add(self, repository_id: int, name: str, *authors: bytes, **more: object) -> Upstream:
        """Make a repository there and list it here."""
        self.repositories[repository_id] = listed(repository_id, name, **more)
        return self.server.create(name, *authors)

    def relist(self, repository_id: int, **more: object) -> None:
        """The catalogue lists it anew, with a push since."""
        before = self.repositories[repository_id]
        moved = {"pushed_at": before.pushed_at + timedelta(hours=1), "listed_at": before.listed_at + timedelta(days=2)}
        self.repositories[repository_id] = replace(before, **{**moved, **more})  # type: ignore[arg-type]

    async def attempts(self, **how: bool) -> AsyncIterator[Attempt]:
        """Crawl and hand out each attempt as it ends."""
        crawl = Crawl(self.landing, self.source, "run-1")
        async with aclosing(crawl.run(list(self.repositories.values()), **how)) as running:
            async for attempt in running:
                yield attempt

    async def crawl(self, **how: bool) -> dict[str, Attempt]:
        """Crawl to the end: the attempts by repository."""
        return {one.repository: one async for one in self.attempts(**how)}

    def rows(self, repository_id: int) -> list[dict[str, object]]:
        """The landed commits, newest first."""
        return pq.ParquetFile(self.landing.commits.file(repository_id)).read().to_pylist()  # type: ignore[no-any-return]

    def shas(self, repository_id: int) -> list[str]:
        """The landed commits' shas."""
        return [str(row["sha"]) for row in self.rows(repository_id)]
