"""A name that goes to another repository between listing and crawl: nobody gets another's history, by either source."""

from contextlib import aclosing
from datetime import datetime

import pytest
from github_scene import github_settings
from installations import LONG_AGO, commits

from git_contrib_assets.landing.catalogue import refresh_catalogue
from git_contrib_assets.landing.crawl import Crawl
from git_contrib_assets.landing.visibility import VisibilityOnGitHub
from git_contrib_assets.records import Target
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.sources.github.limits import Budget
from git_contrib_assets.sources.histories.git import GitHistory
from git_contrib_assets.sources.histories.rest import RestHistory
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone
from github_stand_in.git_objects import run_git
from github_stand_in.server import running

TOKEN = "ghp_reused_names"


class Scene:
    """Three repositories, each of a person of that name, and a home that lists and crawls them."""

    def __init__(self, folder, github, source):
        self.github, self.source = github, source
        self.home = Home(folder / "home")
        self.home.prepare()
        self.landing = LandingZone(self.home)
        self.landing.prepare()
        for name in ("anvil", "bolt", "crate"):
            github.create(f"acme/{name}")
            github.push(f"acme/{name}", commits(name), pushed_at=LONG_AGO)
        self.settings = github_settings(TOKEN, api_url=github.api_url, server_url=github.server_url)

    async def list(self):
        async with GitHubClient(self.settings, Budget()) as client:
            await refresh_catalogue(client, self.landing, [Target("acme")], run_id="run")

    async def crawl(self):
        """What became of each, by the name of the listing."""
        repositories = [one for one in self.landing.repositories.all() if one.missing_since is None]
        async with GitHubClient(self.settings, Budget()) as client:
            source = GitHistory(self.settings, self.home.git) if self.source == "git" else RestHistory(client)
            crawl = Crawl(self.landing, source, VisibilityOnGitHub(client, repositories), "run")
            async with aclosing(crawl.run(repositories)) as attempts:
                return {one.repository.partition("/")[2]: one.reason or one.state.value async for one in attempts}

    def swap(self, one, other):
        """Let two repositories go by each other's name."""
        self.github.rename(f"acme/{one}", "between")
        self.github.rename(f"acme/{other}", one)
        self.github.rename("acme/between", other)

    def right(self):
        """Whether each landed tip is that of the repository with that number."""
        return all(
            self.landing.commits.landed(one.repository_id).tip
            == run_git(self.github.root / f"{one.repository}.git", "rev-parse", "main").strip()
            for one in self.landing.repositories.all()
        )


@pytest.fixture(params=["git", "rest"])
def scene(tmp_path, request):
    (tmp_path / "github").mkdir()
    (tmp_path / "github" / "repositories.json").write_text("[]")
    with running(tmp_path / "github", tokens=[TOKEN]) as github:
        yield Scene(tmp_path, github, request.param)


async def test_names_that_were_swapped_since_the_listing(scene):
    """What landed before stays, and with the next listing each has its own."""
    await scene.list()
    scene.swap("anvil", "bolt")
    assert await scene.crawl() == {"anvil": "renamed", "bolt": "renamed", "crate": "landed"}
    assert scene.landing.accounts.answers()["email"].to_pylist() in ([], ["crate@example.invalid"])
    await scene.list()
    assert await scene.crawl() == {"anvil": "landed", "bolt": "landed", "crate": "unchanged"}
    assert scene.right()
    scene.swap("anvil", "bolt")
    await scene.list()
    scene.swap("anvil", "crate")
    assert (await scene.crawl()).items() >= {("anvil", "renamed"), ("bolt", "unchanged")}
    await scene.list()
    await scene.crawl()
    assert scene.right()


async def test_a_new_repository_that_took_the_name_of_a_renamed_one(scene):
    await scene.list()
    scene.github.rename("acme/anvil", "anvil-old")
    scene.github.create("acme/anvil", id=77)
    scene.github.push("acme/anvil", commits("other"), pushed_at=LONG_AGO)
    assert await scene.crawl() == {"anvil": "renamed", "bolt": "landed", "crate": "landed"}
    await scene.list()
    assert await scene.crawl() == {
        "anvil": "landed",
        "anvil-old": "landed",
        "bolt": "unchanged",
        "crate": "unchanged",
    }
    assert scene.right()


async def test_one_that_turned_private_since_the_listing(scene):
    scene.github.add_token(f"{TOKEN}=reader:repo:acme")
    await scene.list()
    scene.github.update("acme/bolt", private=True)
    scene.github.push("acme/bolt", commits("secret"), pushed_at=datetime(2024, 6, 2))  # noqa: DTZ001
    assert await scene.crawl() == {"anvil": "landed", "bolt": "private", "crate": "landed"}
    assert "bolt@example.invalid" not in scene.landing.accounts.answers()["email"].to_pylist()
    (bolt,) = [one for one in scene.landing.repositories.all() if one.repository == "acme/bolt"]
    assert (bolt.is_private, scene.landing.commits.landed(bolt.repository_id)) == (True, None)
    assert not (scene.home.git / f"{bolt.repository_id}.git").exists()


async def test_a_cold_crawl_takes_the_list_twice_and_one_without_changes_once(scene):
    await scene.list()
    await scene.crawl()
    lists = [one for one in scene.github.requests("rest") if one["path"].endswith("/repos")]
    others = [one for one in scene.github.requests("rest") if "/commits" not in one["path"]]
    assert len(lists) == len(others) == 2
    scene.github.forget_requests()
    await scene.list()
    await scene.crawl()
    assert len(scene.github.requests()) == 1
