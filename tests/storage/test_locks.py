"""Locks: one writer at a time, and which runs are alive."""

import contextlib
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from git_contrib_assets.errors import HomeNotWritable, LockBusy, StorageError
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.locks import dead_runs, forget_run, lock, mark_run_alive, try_flock

HOLD = """
import sys
from pathlib import Path
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.locks import lock, mark_run_alive
home = Home(Path(sys.argv[1]))
held = lock(home, "crawl", run="run-7", purpose="the crawl", max_wait=0) if "lock" in sys.argv else None
alive = mark_run_alive(home, "run-7") if "alive" in sys.argv else None
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@contextlib.contextmanager
def other_process(home, *what):
    """Another process that holds what it is told to, until it is told to end or dies."""
    command = [sys.executable, "-c", HOLD, str(home.root), *what]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def take(home, *, max_wait=0.0, on_wait=lambda _: None):
    return lock(home, "crawl", run="run-8", purpose="a test", max_wait=max_wait, on_wait=on_wait)


def test_the_lock_keeps_another_process_out(home):
    """Who comes second is told who holds it, for what, and since when."""
    with other_process(home, "lock") as other:
        with pytest.raises(LockBusy) as caught:
            take(home)
        for word in ("the crawl", "run-7", str(other.pid), "since 20"):
            assert word in str(caught.value)
        other.stdin.write(b"\n")
        other.stdin.flush()
        assert other.wait(20) == 0
        take(home).close()


def test_the_lock_ends_with_its_process_however_that_dies(home):
    with other_process(home, "lock") as other:
        with pytest.raises(LockBusy):
            take(home)
        other.send_signal(signal.SIGKILL)
        other.wait(20)
        take(home).close()


def test_who_waits_gets_the_lock_when_it_is_free(home):
    """The holder dies while we wait; the wait was told once."""
    said = []
    with other_process(home, "lock") as other:

        def told(line):
            said.append(line)
            other.kill()

        take(home, max_wait=20, on_wait=told).close()
    (line,) = said
    assert "the crawl of run run-7" in line
    assert "20 s" in line


def test_within_a_process_the_lock_excludes_too(home):
    with take(home), pytest.raises(LockBusy, match="a test of run run-8"):
        take(home)
    take(home).close()


def test_locks_of_two_names_are_two_locks(home):
    with take(home):
        lock(home, "warehouse", run="run-8", purpose="a test", max_wait=0).close()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"process": 1}', b"\xff\xfe", b"null"])
def test_a_holder_that_cannot_be_read_is_another_run(home, content):
    """The file is written after the lock is taken: who comes between reads anything."""
    path = home.locks / "crawl.lock"
    path.write_bytes(content)
    with path.open("a+b") as handle:
        assert try_flock(handle)
        with pytest.raises(LockBusy, match="another run"):
            take(home)


def test_an_old_holders_longer_text_does_not_shine_through(home):
    lock(home, "crawl", run="r" * 500, purpose="p" * 500, max_wait=0).close()
    with take(home), pytest.raises(LockBusy) as caught:
        take(home)
    assert "ppp" not in str(caught.value)


def test_a_lock_where_nothing_can_be_written(tmp_path):
    with pytest.raises(HomeNotWritable):
        take(Home(tmp_path / "none"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_lock_whose_holder_cannot_be_written(home):
    (home.locks / "crawl.lock").symlink_to("/dev/full")
    with pytest.raises(StorageError):
        take(home)


def test_a_run_is_dead_when_its_process_is(home):
    with other_process(home, "alive") as other:
        assert dead_runs(home) == []
        other.send_signal(signal.SIGKILL)
        other.wait(20)
        assert dead_runs(home) == ["run-7"]
        assert dead_runs(home) == ["run-7"]
        forget_run(home, "run-7")
        assert dead_runs(home) == []


def test_our_own_run_is_alive_until_its_file_is_closed(home):
    with mark_run_alive(home, "run-8"):
        assert dead_runs(home) == []
    assert dead_runs(home) == ["run-8"]


def test_a_kill_while_a_run_is_marked_leaves_nothing(home):
    mark_run_alive(home, "run-8").close()
    forget_run(home, "run-8")
    before = {path for path in home.locks.rglob("*") if path.is_file()}
    killed = "import os, signal; home_module.try_flock = lambda *_: os.kill(os.getpid(), signal.SIGKILL)"
    code = HOLD.replace("home = Home", f"import git_contrib_assets.storage.locks as home_module; {killed}\nhome = Home")
    done = subprocess.run([sys.executable, "-c", code, str(home.root), "alive"], check=False)
    assert done.returncode == -signal.SIGKILL
    for run in dead_runs(home):
        forget_run(home, run)
    assert {path for path in home.locks.rglob("*") if path.is_file()} == before


def test_a_run_is_not_taken_for_dead_while_it_is_marked(home):
    """However long the moment between its file and the lock on it lasts."""
    waits = "home_module.try_flock = lambda handle: (print('here', flush=True), sys.stdin.readline(), take(handle))"
    code = HOLD.replace(
        "home = Home",
        "import git_contrib_assets.storage.locks as home_module; take = home_module.try_flock\n"
        + waits
        + "\nhome = Home",
    )
    command = [sys.executable, "-c", code, str(home.root), "alive"]
    found = []
    looking = threading.Thread(target=lambda: found.append(dead_runs(home)))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"here\n"
        looking.start()
        process.stdin.write(b"go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"ready\n"
        looking.join()
        process.kill()
    assert found == [[]]


def test_to_look_for_dead_runs_frees_nobody(home):
    with mark_run_alive(home, "run-8"):
        dead_runs(home)
        assert dead_runs(home) == []


def test_a_run_may_be_forgotten_twice(home):
    mark_run_alive(home, "run-8").close()
    forget_run(home, "run-8")
    forget_run(home, "run-8")
    assert dead_runs(home) == []
