"""Ctrl-C ends a run as interrupted, whatever it meets: a step, the moment between two, a query."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.executor.in_process import InProcessExecutor

from git_contrib_assets.runtime import pipeline
from git_contrib_assets.storage.home import Home

# A signal in the middle of a query of DuckDB's that would take for ever, told as DuckDB tells it. One signal at a time: it
# may also come before the query has begun.
QUERY = """
import duckdb, os, signal, threading
connection = duckdb.connect(config={"threads": 1})
while True:
    try:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        connection.execute("select sum(hash(range)) from range(10000000000000)")
    except KeyboardInterrupt:
        continue
    except RuntimeError as error:
        print(error)
        break
"""


def run_that_raises(error: BaseException) -> dg.ExecuteInProcessResult:
    @dg.op
    def step() -> None:
        raise error

    @dg.job
    def work() -> None:
        step()

    with dg.DagsterInstance.ephemeral() as instance:
        return work.execute_in_process(instance=instance, raise_on_error=False)


def test_in_a_step() -> None:
    assert pipeline._was_interrupted(run_that_raises(dg.DagsterExecutionInterruptedError()))


def test_in_a_query() -> None:
    told = subprocess.run([sys.executable, "-c", QUERY], capture_output=True, text=True, timeout=600, check=True)
    assert pipeline._was_interrupted(run_that_raises(RuntimeError(told.stdout.strip())))


@pytest.mark.parametrize("error", [KeyboardInterrupt, dg.DagsterExecutionInterruptedError])
def test_between_two_steps(monkeypatch: pytest.MonkeyPatch, error: type[BaseException]) -> None:
    def execute(*_: object) -> None:
        raise error

    monkeypatch.setattr(InProcessExecutor, "execute", execute)
    assert pipeline._was_interrupted(run_that_raises(ValueError("it does not come to that")))


def test_any_other_failure_is_none(home: Home) -> None:
    done = run_that_raises(ValueError("something broke"))
    assert not pipeline._was_interrupted(done)
    assert str(pipeline._unexplained(home, done)) == "step failed: ValueError: something broke"


def test_a_failure_outside_of_every_step_is_told_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def execute(*_: object) -> None:
        raise ValueError("nothing can be run")

    monkeypatch.setattr(InProcessExecutor, "execute", execute)
    done = run_that_raises(ValueError("it does not come to that"))
    assert not pipeline._was_interrupted(done)
    assert str(pipeline._unexplained(home, done)) == "The run failed: ValueError: nothing can be run"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home
