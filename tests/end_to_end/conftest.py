"""A small organisation on a stand-in, and an empty home that collects from it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from days import Day, whole_day
from installations import LONG_AGO, OWNER, TOKEN, Installation, commits

from git_contrib_assets.storage.home import Home, prepare_instance
from github_stand_in.changes import create, link, push
from github_stand_in.server import StandIn, running


@pytest.fixture(scope="session")
def _organisation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("github")
    for name, people in {
        "tools": ("ann", "bob", "ann.work", "cleo"),
        "docs": ("ann", "dora"),
        "site": ("eve", "bob"),
    }.items():
        create(root, f"{OWNER}/{name}", created_at="2024-01-15T00:00:00Z")
        push(root, f"{OWNER}/{name}", commits(*people), pushed_at=LONG_AGO)
    create(root, f"{OWNER}/empty", created_at="2024-01-15T00:00:00Z", pushed_at="2024-01-15T00:00:00Z")
    link(root, "ann@example.invalid", "ann", 11)
    link(root, "ann.work@example.invalid", "ann", 11)
    return root


@pytest.fixture
def github(_organisation: Path, tmp_path: Path) -> Iterator[StandIn]:
    """The organisation `acme`: tools, docs, site and an empty repository. Free to be changed."""
    root = tmp_path / "github"
    shutil.copytree(_organisation, root)
    with running(root, tokens=[TOKEN]) as stand_in:
        yield stand_in


@pytest.fixture
def installation(github: StandIn, tmp_path: Path) -> Iterator[Installation]:
    """An empty home that collects from the stand-in, signed in."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GIT", "DAGSTER"))}
    home = tmp_path / "home"
    variables = {"GIT_CONTRIB_HOME": str(home), "GIT_CONTRIB_TARGETS": OWNER, "GITHUB_TOKEN": TOKEN}
    installed = Installation(home, {**inherited, **github.environment(), **variables})
    yield installed
    installed.end()


@pytest.fixture
def day(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Day]:
    """Do what the schedule and its sensor ask for, on the instance of the home."""
    for name, value in installation.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(prepare_instance(Home(installation.home))))
    return whole_day
