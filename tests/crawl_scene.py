"""A home, a git server, and a crawl between them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
from git_server import GitServer, Upstream
from github_scene import github_settings

from git_contrib_assets.errors import RepositoryFailed
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
class Seen:
    """What GitHub says of repositories: all are public but for the ``refused``. Each time it is asked is kept."""

    refused: dict[int, RepositoryFailed] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    seconds: float = 0.0

    async def refusals(self, repositories: Sequence[Repository]) -> dict[int, RepositoryFailed]:
        """As ``Visibility`` has it."""
        self.asked.append(sorted(one.repository for one in repositories))
        return {
            one.repository_id: self.refused[one.repository_id]
            for one in repositories
            if one.repository_id in self.refused
        }

    def patience(self, repositories: Sequence[Repository]) -> float:
        """As ``Visibility`` has it."""
        return self.seconds

    def now(self) -> datetime:
        """As ``Visibility`` has it."""
        return datetime.now(UTC).replace(tzinfo=None)


@dataclass
class CrawlScene:
    """``crawl`` reads what is listed, ``rows`` what is landed."""

    folder: Path
    server: GitServer
    repositories: dict[int, Repository] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)

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
        """The catalogue lists it again, with a push since."""
        before = self.repositories[repository_id]
        moved = {"pushed_at": before.pushed_at + timedelta(hours=1), "listed_at": before.listed_at + timedelta(days=2)}
        self.repositories[repository_id] = replace(before, **{**moved, **more})  # type: ignore[arg-type]

    async def attempts(self, *, unlisted: bool = False, everything_again: bool = False) -> AsyncIterator[Attempt]:
        """Crawl and hand out each attempt as it ends. ``unlisted``: without a listing in the same run."""
        crawl = Crawl(self.landing, self.source, self.seen, "run-1")
        everything = list(self.repositories.values())
        of_run = ([], everything) if unlisted else (everything, [])
        async with aclosing(crawl.run(*of_run, everything_again=everything_again)) as running:
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
