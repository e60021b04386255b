"""Git and REST land the same file for the same tip, row by row: after a first crawl, and after whatever is pushed."""

import random
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from crawl_scene import Seen, listed
from github_scene import github_settings

from git_contrib_assets.landing.crawl import Crawl
from git_contrib_assets.records import Attempt, AttemptState
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.sources.github.limits import Budget
from git_contrib_assets.sources.histories.git import GitHistory
from git_contrib_assets.sources.histories.rest import RestHistory
from git_contrib_assets.sources.histories.rest_reading import Paging
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone
from github_stand_in.git_objects import run_git
from github_stand_in.server import NewCommit, StandIn, running

TOKEN = "ghp_two_sources"
NAME = "acme/anvil"
DAY = timedelta(days=1)
PEOPLE = [
    ("Ann", "ann@example.invalid"),
    ("Bob", "BOB@Example.invalid"),
    ("", ""),
    ("Zoë Ünal", "zoë@example.invalid"),
    ("cleo", "17+cleo@users.noreply.github.com"),
    ("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com"),
]


@pytest.fixture
def github(tmp_path):
    (tmp_path / "github").mkdir()
    (tmp_path / "github" / "repositories.json").write_text("[]")
    with running(tmp_path / "github", tokens=[TOKEN]) as stand_in:
        stand_in.create(NAME)
        yield stand_in


class Both:
    """Two homes that read the same repository, one by each source."""

    def __init__(self, folder: Path, github: StandIn) -> None:
        self.github = github
        self.settings = github_settings(TOKEN, api_url=github.api_url, server_url=github.server_url)
        self.landing = {}
        for name in ("git", "rest"):
            home = Home(folder / name)
            home.prepare()
            self.landing[name] = LandingZone(home)
            self.landing[name].prepare()
        self.clones = folder / "git" / "git"
        self.repository = listed(1, NAME)
        self.paging = Paging()

    @property
    def there(self) -> Path:
        return self.github.root / f"{NAME}.git"

    def push(self, commits: list[NewCommit], **options: object) -> list[str]:
        return self.github.push(NAME, commits, **options)

    async def crawl(self) -> dict[str, Attempt]:
        """By both; what each says, and that both landed the same."""
        async with GitHubClient(self.settings, Budget()) as client:
            sources = {"git": GitHistory(self.settings, self.clones), "rest": RestHistory(client, self.paging)}
            attempts = {name: await self._attempt(name, source) for name, source in sources.items()}
        git, rest = (pq.ParquetFile(self.landing[name].commits.file(1)).read() for name in ("git", "rest"))
        assert git.to_pylist() == rest.to_pylist()
        assert git.schema.equals(rest.schema)
        assert {row["sha"] for row in rest.to_pylist()} >= self.reachable()
        times = rest["committed_at"].to_pylist()
        assert times == sorted(times, reverse=True)
        footers = [self.landing[name].commits.landed(1) for name in ("git", "rest")]
        assert footers[0].tip == footers[1].tip
        assert footers[0].commits == footers[1].commits == rest.num_rows
        return attempts

    async def _attempt(self, name: str, source: object) -> Attempt:
        crawl = Crawl(self.landing[name], source, Seen(), "run")
        async with aclosing(crawl.run([], [self.repository])) as running:
            (attempt,) = [one async for one in running]
        assert not attempt.failed, attempt.message
        assert attempt.source == name
        return attempt

    def reachable(self) -> set[str]:
        tip = self.branch()
        return set(run_git(self.there, "rev-list", tip).split()) if tip else set()

    def branch(self) -> str:
        reference = f"refs/heads/{self.repository.default_branch}"
        return run_git(self.there, "rev-parse", "--verify", "--quiet", reference, check=False).strip()


@pytest.fixture
def both(tmp_path, github):
    return Both(tmp_path, github)


@pytest.fixture
def small_pages(both):
    """Four commits on a page, so that few commits make many pages."""
    both.paging = Paging(rows_per_page=4, rows_per_batch=10)


def some(number: int, chance: random.Random, known: list[str]) -> list[NewCommit]:
    """Commits of a push: on what was before, on each other, merges, late merges of old work, new roots; odd dates."""
    commits = []
    for position in range(number):
        name, email = chance.choice(PEOPLE)
        day = datetime(2020, 1, 1, tzinfo=UTC) + chance.randrange(400) * DAY
        landed = day + chance.choice([timedelta(), timedelta(), chance.randrange(90) * DAY])
        before: list[str | int] = list(range(position)) or known[-1:]
        parents = [chance.choice(before[-3:])] if before else []
        if known and before and chance.random() < 0.3:
            parents.append(chance.choice(known))
        if len(before) > 1 and chance.random() < 0.2:
            parents = [*parents, chance.choice(before)]
        commits.append(NewCommit(name, email, day, landed, parents=list(dict.fromkeys(parents))))
    return commits


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.usefixtures("small_pages")
async def test_any_history_and_any_push(both: Both, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    both.push(some(chance.randrange(1, 40), chance, []), start=None)
    assert {one.state for one in (await both.crawl()).values()} == {AttemptState.LANDED}
    for _ in range(2):
        known = run_git(both.there, "rev-list", "--reverse", both.branch()).split()
        match chance.choice(["push", "push", "force", "back", "nothing"]):
            case "push":
                both.push(some(chance.randrange(1, 14), chance, known))
            case "force":
                both.push(some(chance.randrange(1, 9), chance, known), start=chance.choice(known))
            case "back":
                both.push([], start=chance.choice(known))
        await both.crawl()


async def history(both: Both, number: int) -> list[str]:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return both.push([NewCommit("Ann", "ann@example.invalid", start + day * DAY) for day in range(number)])


@pytest.mark.usefixtures("small_pages")
async def test_a_branch_that_is_merged_late_brings_its_old_commits(both: Both, github: StandIn) -> None:
    shas = await history(both, 30)
    await both.crawl()
    old = [NewCommit("Zoë", "zoe@example.invalid", datetime(2019, 5, day, tzinfo=UTC)) for day in range(1, 10)]
    side = both.push(old, branch="side", start=shas[0])
    merge = NewCommit("Ann", "ann@example.invalid", datetime(2021, 1, 1, tzinfo=UTC), parents=[shas[-1], side[-1]])
    both.push([merge])
    github.forget_requests()
    attempts = await both.crawl()
    assert attempts["rest"].commits == 40
    assert [entry["path"].split("/")[-1][:7] for entry in github.requests("rest")] == ["commits", shas[-1][:7]] + [
        shas[-1][:7]
    ] * 2


@pytest.mark.usefixtures("small_pages")
async def test_only_what_is_new_is_asked_for(both: Both, github: StandIn) -> None:
    await history(both, 30)
    await both.crawl()
    both.push([NewCommit("Bob", "bob@example.invalid", datetime(2022, 1, day, tzinfo=UTC)) for day in range(1, 6)])
    github.forget_requests()
    attempts = await both.crawl()
    assert attempts["rest"].requests == len(github.requests("rest")) == 3  # the tip, and two pages of five new ones
    github.forget_requests()
    assert (await both.crawl())["rest"].state is AttemptState.UNCHANGED
    assert len(github.requests("rest")) == 1


@pytest.mark.usefixtures("small_pages")
async def test_rewritten_gone_back_and_moved_to_another_branch(both: Both, github: StandIn) -> None:
    shas = await history(both, 20)
    await both.crawl()
    both.push([], start=shas[10])
    assert (await both.crawl())["rest"].commits == 11
    both.push([NewCommit("Bob", "bob@example.invalid", datetime(2022, 1, 1, tzinfo=UTC))], start=None)
    assert (await both.crawl())["rest"].commits == 1
    both.push(
        [NewCommit("Eve", "eve@example.invalid", datetime(2023, 1, 1, tzinfo=UTC))] * 3, branch="trunk", start=None
    )
    github.update(NAME, default_branch="trunk")
    both.repository = listed(1, NAME, default_branch="trunk")
    assert (await both.crawl())["rest"].commits == 3


async def test_an_empty_repository_one_that_fills_and_one_that_is_emptied(both: Both) -> None:
    assert {one.state for one in (await both.crawl()).values()} == {AttemptState.EMPTY}
    await history(both, 3)
    assert {one.state for one in (await both.crawl()).values()} == {AttemptState.LANDED}
    run_git(both.there, "update-ref", "-d", "refs/heads/main")
    both.github.reload()
    assert {one.state for one in (await both.crawl()).values()} >= {AttemptState.EMPTIED}


@pytest.mark.parametrize("message", ["odd", "even"])
async def test_a_declared_encoding_in_which_no_header_can_be_written_changes_nobody(both: Both, message: str) -> None:
    """Neither the name nor the date: what a committer declares is no reason to read the commit in another way."""
    (before,) = await history(both, 1)
    options = ["-c", "i18n.commitEncoding=UTF-16", "-c", "user.name=Zoë", "-c", "user.email=zoe@example.invalid"]
    tree = f"{before}^{{tree}}"
    made = run_git(both.there, *options, "commit-tree", "-m", message, "-p", before, tree).strip()
    run_git(both.there, "update-ref", "refs/heads/main", made)
    both.github.reload()
    await both.crawl()
    zoe, ann = pq.ParquetFile(both.landing["git"].commits.file(1)).read().to_pylist()
    assert (zoe["author_name"], zoe["author_email"]) == ("Zoë", "zoe@example.invalid")
    assert zoe["authored_at"] > ann["authored_at"]


async def test_a_damaged_landed_file_does_not_stay(both: Both) -> None:
    """Damage that is met while what is new is merged in: everything is read again."""
    await history(both, 300)
    await both.crawl()
    landing = both.landing["rest"]
    known = landing.commits.landed(1)
    both.push([NewCommit("Bob", "bob@example.invalid", datetime(2022, 1, 1, tzinfo=UTC))])
    content = bytearray(landing.commits.file(1).read_bytes())
    content[4:1000] = b"\xff" * 996
    landing.commits.file(1).write_bytes(content)
    landing.commits.landed = lambda repository_id: known  # as if it came to harm after it was looked at
    async with GitHubClient(both.settings, Budget()) as client:
        attempt = await both._attempt("rest", RestHistory(client))
    del landing.commits.landed
    assert attempt.commits == 301
    assert landing.commits.landed(1).commits == 301


async def test_rest_tells_whose_addresses_they_are(both: Both, github: StandIn) -> None:
    github.link("ann@example.invalid", "ann", 11)
    github.link("49699333+dependabot[bot]@users.noreply.github.com", "dependabot[bot]", 12, type="Bot")
    github.link("gone@example.invalid", None)
    day = datetime(2020, 1, 1, tzinfo=UTC)
    authors = [("A", "ANN@Example.invalid"), *PEOPLE, ("Gone", "gone@example.invalid"), ("Ann", "ann@example.invalid")]
    both.push([NewCommit(name, email, day) for name, email in authors])
    await both.crawl()
    answers = {row["email"]: row for row in both.landing["rest"].accounts.answers().to_pylist()}
    assert {email: row["account_id"] for email, row in answers.items()} == {
        "ann@example.invalid": 11,
        "bob@example.invalid": None,
        "zoë@example.invalid": None,
        "17+cleo@users.noreply.github.com": None,
        "49699333+dependabot[bot]@users.noreply.github.com": None,
        "gone@example.invalid": None,
    }
    assert {row["method"] for row in answers.values()} == {"rest"}
    assert both.landing["git"].accounts.answers().num_rows == 0
