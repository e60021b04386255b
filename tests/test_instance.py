"""Dagster's history: opened by several at once on a new home, and what is said of one that cannot be used."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from git_contrib_assets.errors import GitContribError, UsageError
from git_contrib_assets.instance import open_instance
from git_contrib_assets.resources import report_runs_never_begun
from git_contrib_assets.storage.home import Home, mark_run_alive

OPEN = """
import sys
from pathlib import Path
import dagster._core.storage.sqlite_storage
from git_contrib_assets.instance import open_instance
from git_contrib_assets.storage.home import Home
print("ready", flush=True)
sys.stdin.readline()
with open_instance(Home(Path(sys.argv[1]))) as instance:
    instance.add_dynamic_partitions("repository", ["a/b"])
    print(instance.get_runs_count(), instance.get_dynamic_partitions("repository"), flush=True)
"""
DIE_AT_STATEMENT = """
import itertools, os, signal, sys
import sqlalchemy.event
statements = itertools.count(1)

def die(*_):
    if next(statements) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

sqlalchemy.event.listen(sqlalchemy.engine.Engine, "before_cursor_execute", die)
"""


@pytest.fixture(autouse=True)
def _the_home_is_dagsters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))


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
    assert [talk for talk, _ in answers] == ["0 ['a/b']\n"] * 6, [errors[-2000:] for _, errors in answers]


@pytest.mark.parametrize("statement", [*range(5, 165, 20), 171])
def test_killed_while_a_new_history_is_made_the_next_makes_it_anew(tmp_path: Path, statement: int) -> None:
    command = [sys.executable, "-c", DIE_AT_STATEMENT + OPEN, str(tmp_path / "home"), str(statement)]
    killed = subprocess.run(command, input="go\n", text=True, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr[-2000:]
    with open_instance(Home(tmp_path / "home")) as instance:
        instance.add_dynamic_partitions("repository", ["a/b"])
        assert instance.get_runs_count() == 0
        assert not instance.all_instigator_state()
    with open_instance(Home(tmp_path / "home")) as instance:  # what is made is kept
        assert instance.get_dynamic_partitions("repository") == ["a/b"]


def test_runs_that_died_before_they_began_are_reported(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    statuses = {
        "starting": dg.DagsterRunStatus.STARTING,
        "alive": dg.DagsterRunStatus.STARTED,
        "waiting": dg.DagsterRunStatus.NOT_STARTED,
        "done": dg.DagsterRunStatus.SUCCESS,
    }
    with open_instance(home) as instance:
        for run_id, status in statuses.items():
            instance.add_run(dg.DagsterRun("refresh", run_id=run_id, status=status))
        with mark_run_alive(home, "alive"):
            report_runs_never_begun(instance, home)
        found = {run.run_id: run.status for run in instance.get_runs()}
    assert found == {**statuses, "starting": dg.DagsterRunStatus.FAILURE}


@pytest.mark.parametrize("place", ["dagster", "/no/such/folder"])
def test_a_home_of_dagsters_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("DAGSTER_HOME", place)
    with pytest.raises(UsageError, match=f"DAGSTER_HOME is {place}"), open_instance(Home(tmp_path / "home")):
        pass


def test_an_empty_dagster_home_counts_as_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    with open_instance(Home(tmp_path / "home")) as instance:
        assert instance.root_directory == str(tmp_path / "home" / "dagster")


@pytest.mark.parametrize("content", ["no such key: 1", "a: [b"])
def test_a_configuration_that_dagster_does_not_take_is_named(tmp_path: Path, content: str) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    (home.dagster / "dagster.yaml").write_text(content)
    with pytest.raises(GitContribError, match=f"{home.dagster}/dagster.yaml"), open_instance(home):
        pass


def test_a_history_that_is_no_database_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with open_instance(home):
        pass
    for database in home.dagster.rglob("runs.db*"):
        database.write_bytes(b"not a database" * 400)
    with pytest.raises(GitContribError, match=f"could not use its history.*{home.dagster}"), open_instance(home):
        pass
