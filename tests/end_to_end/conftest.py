"""A small organisation on a stand-in, and the installed command line run against it in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from git_contrib_assets.demo.stand_in import StandIn, running
from git_contrib_assets.demo.stand_in_changes import NewCommit, create, link, push

TOKEN = "ghp_end_to_end_token"
OWNER = "acme"
_STATUSES = """
import json, os
import dagster as dg
from git_contrib_assets.partitions import repository_partitions
with dg.DagsterInstance.get() as instance:
    keys = instance.get_dynamic_partitions("repository")
    found = instance.get_status_by_partition(dg.AssetKey(["landing", "commits"]), keys, repository_partitions) or {}
    print(json.dumps({
        "partitions": {key: status.value if status else None for key, status in found.items()},
        "runs": [run.status.value for run in instance.get_runs()],
    }))
"""


@dataclass
class Installation:
    """A home, the environment that points to the stand-in, and the command line."""

    home: Path
    environment: dict[str, str] = field(repr=False)

    def command(self, *arguments: str, **variables: str) -> list[str]:
        del variables
        return [sys.executable, "-m", "git_contrib_assets", *arguments]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. A variable given empty counts as not set."""
        environment = {**self.environment, **variables}
        return subprocess.run(
            self.command(*arguments), env=environment, capture_output=True, text=True, check=False, timeout=240
        )

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command."""
        environment = {**self.environment, **variables}
        return subprocess.Popen(
            self.command(*arguments), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def query(self, select: str) -> list[tuple[Any, ...]]:
        """Rows of a select over the current snapshot."""
        with duckdb.connect(str((self.home / "published" / "current.duckdb").resolve()), read_only=True) as connection:
            return connection.execute(select).fetchall()

    def newcomers(self) -> dict[tuple[str, str], int]:
        """Months with someone new, by repository and month."""
        rows = self.query("select repository, date::varchar, number_of_new_contributors from monthly_new_contributors")
        return {(repository, date[:7]): number for repository, date, number in rows if number}

    def snapshots(self) -> list[str]:
        """Names of the snapshot files."""
        return sorted(path.name for path in (self.home / "published").glob("*Z-*.duckdb"))

    def dagster(self) -> dict[str, Any]:
        """What Dagster itself believes: partition statuses and the statuses of runs."""
        environment = {**self.environment, "DAGSTER_HOME": str(self.home / "dagster")}
        done = subprocess.run(
            [sys.executable, "-c", _STATUSES], env=environment, capture_output=True, text=True, check=True
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def commits(*people: str, month: str = "2024-03") -> list[NewCommit]:
    """A commit by each person, one a day."""
    start = datetime.fromisoformat(f"{month}-02T10:00:00+00:00")
    return [
        NewCommit(person.title(), f"{person}@example.invalid", start + timedelta(days=day))
        for day, person in enumerate(people)
    ]


LONG_AGO = datetime(2024, 6, 1, tzinfo=UTC)


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
def installation(github: StandIn, tmp_path: Path) -> Installation:
    """An empty home that collects from the stand-in, signed in."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GIT", "DAGSTER"))}
    home = tmp_path / "home"
    variables = {"GIT_CONTRIB_HOME": str(home), "GIT_CONTRIB_TARGETS": OWNER, "GITHUB_TOKEN": TOKEN}
    return Installation(home, {**inherited, **github.environment(), **variables})
