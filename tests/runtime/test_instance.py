"""Dagster's history: opened by several at once on a new home, and what is said of one that cannot be used."""

import os
import re
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import dagster as dg
import pytest

from git_contrib_assets.errors import GitContribError, UsageError
from git_contrib_assets.graph.resources import report_runs_never_begun
from git_contrib_assets.runtime.instance import open_instance
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.locks import mark_run_alive

OPEN = """
import sys
from pathlib import Path
import dagster._core.storage.sqlite_storage
from git_contrib_assets.runtime.instance import open_instance
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


def test_a_run_that_ends_while_one_looks_keeps_its_end(tmp_path: Path) -> None:
    """One of the command line: it ends, and somebody else removes its mark, before it is looked for."""
    home = Home(tmp_path / "home")
    with open_instance(home) as instance:
        run = instance.add_run(dg.DagsterRun("refresh", status=dg.DagsterRunStatus.STARTED))

        def ended(*_: object) -> bool:
            instance.report_run_canceled(run)
            return False

        report_runs_never_begun(instance, home, is_marked=ended)
        assert [one.status for one in instance.get_runs()] == [dg.DagsterRunStatus.CANCELED]


def test_a_writer_who_takes_his_time_is_waited_for(tmp_path: Path) -> None:
    """Longer than the five seconds that SQLite waits by itself."""
    with open_instance(Home(tmp_path / "home")) as instance:
        (database,) = (tmp_path / "home").rglob("runs.db")
        writer = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        writer.execute("begin immediate")
        ending = threading.Timer(6.0, writer.rollback)
        ending.start()
        instance.add_run(dg.DagsterRun("refresh"))
        ending.join()
        writer.close()
        assert instance.get_runs_count() == 1


def test_the_programs_of_dagster_wait_too(tmp_path: Path) -> None:
    """Those that import nothing of ours."""
    (tmp_path / "program.py").write_text(
        "import sys, sqlalchemy\n"
        "with sqlalchemy.create_engine('sqlite:///' + sys.argv[1]).connect() as connection:\n"
        "    print(__name__, connection.exec_driver_sql('pragma busy_timeout').scalar())\n"
    )
    command = [sys.executable, "-m", "git_contrib_assets.graph.sqlite_timeout", "program", str(tmp_path / "some.db")]
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.stdout == "__main__ 60000\n", done.stderr


@pytest.mark.parametrize("place", ["dagster", "/no/such/folder"])
def test_a_home_of_dagsters_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("DAGSTER_HOME", place)
    with pytest.raises(UsageError, match=f"DAGSTER_HOME is {place}"), open_instance(Home(tmp_path / "home")):
        pass


def test_an_empty_dagster_home_counts_as_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    with open_instance(Home(tmp_path / "home")) as instance:
        assert instance.root_directory == str(tmp_path / "home" / "dagster")


@pytest.mark.parametrize("content", [None, "", "telemetry: {}", "telemetry: {enabled: true}", "nux: {}"])
def test_a_history_with_telemetry_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    """Dagster reports to its makers unless the file of the instance says otherwise: no variable switches that off."""
    (own := tmp_path / "own").mkdir()
    if content is not None:
        (own / "dagster.yaml").write_text(content)
    monkeypatch.setenv("DAGSTER_HOME", str(own))
    said = re.escape(f"write 'telemetry: {{enabled: false}}' into {own}/dagster.yaml")
    with pytest.raises(UsageError, match=said), open_instance(Home(tmp_path / "home")):
        pass


@pytest.mark.parametrize("content", ["telemetry: {enabled: false}", "telemetry:\n  enabled: no\nnux: {}\n"])
def test_a_history_without_telemetry_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    (own := tmp_path / "own").mkdir()
    (own / "dagster.yaml").write_text(content)
    monkeypatch.setenv("DAGSTER_HOME", str(own))
    with open_instance(Home(tmp_path / "home")) as instance:
        assert not instance.telemetry_enabled
        assert instance.root_directory == str(own)


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
