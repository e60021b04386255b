"""A program that ends with its supervisor, and a session that is killed as a whole."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from waiting import until

from git_contrib_assets.runtime.child import kill_session, session_members

# Starts another, which takes a while to be gone because of the memory that it has to give back.
TWO = """
import subprocess, sys, time
OTHER = "import time; a = bytearray(b'x') * 300_000_000; print(1, flush=True); time.sleep(3600)"
group = 0 if sys.argv[1] == "two groups" else None
other = subprocess.Popen([sys.executable, "-c", OTHER], stdout=subprocess.PIPE, process_group=group)
other.stdout.readline()
print(other.pid, flush=True)
time.sleep(3600)
"""


@pytest.fixture(params=["one group", "two groups"])
def session(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """The processes of a session: its leader and another."""
    command = [sys.executable, "-c", TWO, request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as leader:
        assert leader.stdout
        yield leader.pid, int(leader.stdout.readline())
        kill_session(leader.pid)


def is_running(process: int) -> bool:
    """A zombie is no longer running."""
    return psutil.pid_exists(process) and psutil.Process(process).status() != psutil.STATUS_ZOMBIE


def test_a_session_has_its_members_whatever_their_process_group(session: tuple[int, int]) -> None:
    assert {process.pid for process in session_members(session[0])} == set(session)
    assert os.getpid() not in {process.pid for process in session_members(session[0])}


def test_a_session_that_was_killed_is_gone(session: tuple[int, int]) -> None:
    """Nobody who looks afterwards finds one of it at work."""
    leader, other = session
    kill_session(leader)
    assert not is_running(other)
    assert not is_running(leader)


def test_a_session_without_its_leader_is_killed_too(session: tuple[int, int]) -> None:
    leader, other = session
    os.kill(leader, signal.SIGKILL)
    until(lambda: not is_running(leader))
    kill_session(leader)
    assert not is_running(other)


def test_the_exit_code_of_a_killed_leader_is_kept(session: tuple[int, int]) -> None:
    """Its parent learns that it was killed: nothing here takes the code away."""
    kill_session(session[0])
    assert os.waitid(os.P_PID, session[0], os.WEXITED | os.WNOWAIT).si_status == signal.SIGKILL


def test_a_program_ends_with_its_supervisor(tmp_path: Path) -> None:
    """The supervisor's end of the pipe is closed by any kind of end."""
    (tmp_path / "waits.py").write_text("import sys, time; print(sys.argv[1:], flush=True); time.sleep(3600)")
    reading, writing = os.pipe()
    program = subprocess.Popen(
        [sys.executable, "-m", "git_contrib_assets.runtime.child", str(reading), "waits", "--for", "ever"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        pass_fds=[reading],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    os.close(reading)
    assert program.stdout
    assert program.stdout.readline() == "['--for', 'ever']\n"
    os.close(writing)
    program.communicate(timeout=120)
    assert program.returncode == -signal.SIGTERM
