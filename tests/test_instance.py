"""Dagster's history: opened by several at once on a new home, and what is said of one that cannot be used."""

import subprocess
import sys
from pathlib import Path

import pytest

from git_contrib_assets.errors import GitContribError
from git_contrib_assets.instance import open_instance
from git_contrib_assets.storage.home import Home

OPEN = """
import sys
from pathlib import Path
import dagster._core.storage.sqlite_storage
from git_contrib_assets.instance import open_instance
from git_contrib_assets.storage.home import Home
print("ready", flush=True)
sys.stdin.readline()
with open_instance(Home(Path(sys.argv[1]))) as instance:
    print(instance.get_runs_count(), len(instance.all_instigator_state()), flush=True)
"""


def test_a_new_home_is_opened_by_six_at_the_same_moment(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPEN, str(tmp_path / "home")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen(command, text=True, **pipes) for _ in range(6)]  # type: ignore[call-overload]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120) for process in processes]
    assert [talk for talk, _ in answers] == ["0 0\n"] * 6, [errors[-2000:] for _, errors in answers]


def test_a_history_that_is_no_database_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "home")
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    with open_instance(home):
        pass
    for database in home.dagster.rglob("runs.db*"):
        database.write_bytes(b"not a database" * 400)
    with pytest.raises(GitContribError, match=f"could not use its history.*{home.dagster}"), open_instance(home):
        pass
