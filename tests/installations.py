"""The installed command line, run against the stand-in in a process of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import prepared

from github_stand_in.changes import NewCommit

TOKEN = "ghp_end_to_end_token"
OWNER = "acme"
_STATUSES = """
import json, os
import dagster as dg
from git_contrib_assets.graph.partitions import repository_partitions
with dg.DagsterInstance.get() as instance:
    keys = instance.get_dynamic_partitions("repository")
    found = instance.get_status_by_partition(dg.AssetKey(["landing", "commits"]), keys, repository_partitions) or {}
    print(json.dumps({
        "partitions": {key: status.value if status else None for key, status in found.items()},
        "runs": [run.status.value for run in instance.get_runs()],
        "run": {run.run_id: run.status.value for run in instance.get_runs()},
    }))
"""


@dataclass
class Installation:
    """A home, the environment that points to the stand-in, and the command line."""

    home: Path
    environment: dict[str, str] = field(repr=False)
    started: list[subprocess.Popen[str]] = field(default_factory=list, repr=False)

    def command(self, *arguments: str, **variables: str) -> list[str]:
        del variables
        return [sys.executable, "-m", "git_contrib_assets", *arguments]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. A variable given empty counts as not set."""
        return prepared.run(arguments, {**self.environment, **variables}, timeout=240)

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command. ``end`` ends it, whatever becomes of the test."""
        environment = {**self.environment, **variables}
        with signals_heard():
            process = subprocess.Popen(
                self.command(*arguments), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        self.started.append(process)
        return process

    def end(self) -> None:
        """End what was started and close its streams."""
        for process in self.started:
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()

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
        """What Dagster itself believes: the statuses of partitions, those of runs, and that of each run."""
        environment = {**self.environment, "DAGSTER_HOME": str(self.home / "dagster")}
        done = prepared.run(["-c", _STATUSES], environment, timeout=240)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@contextmanager
def signals_heard() -> Iterator[None]:
    """A command started in here hears Ctrl-C and a hang-up, even if the tests run under ``nohup`` or in the background."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def commits(*people: str, month: str = "2024-03") -> list[NewCommit]:
    """A commit by each person, one a day."""
    start = datetime.fromisoformat(f"{month}-02T10:00:00+00:00")
    return [
        NewCommit(person.title(), f"{person}@example.invalid", start + timedelta(days=day))
        for day, person in enumerate(people)
    ]


LONG_AGO = datetime(2024, 6, 1, tzinfo=UTC)

WITH_ACCOUNTS = {
    ("acme/docs", "2024-03"): 2,
    ("acme/site", "2024-03"): 2,
    ("acme/tools", "2024-03"): 3,  # ann has two addresses
}
