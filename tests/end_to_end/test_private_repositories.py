"""A repository that turned private is neither read nor published, whatever starts the crawl and whatever the token may."""

from collections.abc import Callable

import pytest
from days import Day, crawl_of_partition
from installations import LONG_AGO, Installation, commits

from github_stand_in.server import StandIn

TOKEN = "ghp_may_read_private_repositories"
REFUSED = {"status": 422, "body": {"message": "Validation Failed"}, "kind": "rest"}
PUSHED = LONG_AGO.replace(day=LONG_AGO.day + 1)


@pytest.fixture
def installation(github: StandIn, installation: Installation) -> Installation:
    """One that collects single repositories and an owner, with a token that may read all of their repositories."""
    github.create("forge/fire", created_at="2024-01-15T00:00:00Z")
    github.push("forge/fire", commits("ann"), pushed_at=LONG_AGO)
    github.add_token(f"{TOKEN}=reader:repo:acme,forge")
    targets = "acme/docs,acme/tools,forge"
    installation.environment |= {"GITHUB_TOKEN": TOKEN, "GIT_CONTRIB_TARGETS": targets}
    return installation


def landed(installation: Installation) -> dict[str, bytes]:
    folder = installation.home / "landing" / "commits"
    return {path.stem: path.read_bytes() for path in folder.glob("*.parquet")}


def published(installation: Installation) -> set[str]:
    tables = ("repositories", "monthly_new_contributors", "first_commits")
    return {name for table in tables for (name,) in installation.query(f"select distinct repository from {table}")}  # noqa: S608


def asked_of_git(github: StandIn) -> set[str]:
    return {entry["path"].partition(".git")[0] for entry in github.requests("git")}


def turn_private(github: StandIn, name: str) -> None:
    github.update(name, private=True, visibility="private")
    github.push(name, commits("secret"), pushed_at=PUSHED)
    github.forget_requests()


def test_a_single_repository_that_turned_private_leaves_until_it_is_public_again(
    installation: Installation, github: StandIn, day: Callable[[], Day]
) -> None:
    day()
    before = landed(installation)
    assert published(installation) == {"acme/docs", "acme/tools", "forge/fire"}
    turn_private(github, "acme/docs")
    for _ in range(2):
        day()
        assert landed(installation) == before
        assert published(installation) == {"acme/tools", "forge/fire"}
        assert asked_of_git(github) == set()
    github.update("acme/docs", private=False, visibility="public")
    assert all(success for _, success in day().ended)
    assert published(installation) == {"acme/docs", "acme/tools", "forge/fire"}
    assert installation.newcomers()["acme/docs", "2024-03"] == 3


def test_repositories_of_a_target_that_cannot_be_listed_stay_as_they_are(
    installation: Installation, github: StandIn, day: Callable[[], Day]
) -> None:
    day()
    newcomers, before = installation.newcomers(), landed(installation)
    turn_private(github, "forge/fire")
    github.push("acme/tools", commits("uma", month="2024-02"), pushed_at=PUSHED)
    github.fault(path="/orgs/forge/repos", **REFUSED)
    assert day().ended == [("collect", False)]
    assert asked_of_git(github) == {"/acme/tools"}
    assert installation.newcomers() == {**newcomers, ("acme/tools", "2024-02"): 1}
    fire = installation.query("select state, repository_id from repositories where repository = 'forge/fire'")
    assert fire == [("complete", fire[0][1])]
    assert landed(installation)[str(fire[0][1])] == before[str(fire[0][1])]


def test_a_partition_started_from_the_ui_is_looked_at_first(
    installation: Installation, github: StandIn, day: Callable[[], Day]
) -> None:
    day()
    before = landed(installation)
    turn_private(github, "acme/docs")
    assert not crawl_of_partition("acme/docs").success
    assert landed(installation) == before
    assert published(installation) == {"acme/tools", "forge/fire"}
    assert asked_of_git(github) == set()


def test_a_run_whose_only_repository_is_private_publishes_without_it(
    installation: Installation, github: StandIn
) -> None:
    assert installation.run("run", "acme/docs").returncode == 0
    turn_private(github, "acme/docs")
    for _ in range(2):
        done = installation.run("run", "acme/docs")
        assert done.returncode == 3, done.stderr
        assert "acme/docs is private: only public repositories are collected" in done.stderr
        assert published(installation) == set()
        assert asked_of_git(github) == set()
