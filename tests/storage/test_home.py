"""The home: its folders, its locks between processes, and what the operating system's errors mean."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from git_contrib_assets.errors import HomeNotWritable, LockBusy, StorageError, StorageFull
from git_contrib_assets.storage.files import replacing, storage_errors, sweep, translate_storage_error
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


# Folders


def test_a_home_is_made_with_all_its_folders(tmp_path):
    home = Home(tmp_path / "some" / "where")
    home.prepare()
    home.prepare()
    for folder in (home.landing, home.git, home.published, home.dagster, home.locks):
        assert folder.is_dir()
        assert folder.parent == home.root
    assert home.root.stat().st_mode & 0o077 == 0


def test_a_home_that_cannot_be_made(tmp_path):
    """Below a file nobody can make a folder, not even root."""
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable, match="GIT_CONTRIB_HOME"):
        Home(tmp_path / "file" / "home").prepare()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written(home):
    home.locks.chmod(0o500)
    with pytest.raises(HomeNotWritable):
        home.prepare()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_has_an_error_of_its_own(number):
    error = translate_storage_error(OSError(number, os.strerror(number)), Path("/data"))
    assert isinstance(error, StorageFull)
    assert "/data" in str(error)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EFBIG, errno.EIO, errno.ENOENT])
def test_all_else_is_a_home_that_cannot_be_written(number):
    error = translate_storage_error(OSError(number, os.strerror(number)), Path("/data"))
    assert isinstance(error, HomeNotWritable)
    assert os.strerror(number) in str(error)


def test_an_error_without_a_number_keeps_its_words():
    assert "odd thing" in str(translate_storage_error(OSError("odd thing"), Path("/data")))


def test_other_errors_pass(tmp_path):
    with pytest.raises(ZeroDivisionError), storage_errors(tmp_path):
        raise ZeroDivisionError


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_write_to_a_full_disk_is_told_as_one():
    with (
        pytest.raises(StorageFull),
        storage_errors(Path("/dev/full")),
        Path("/dev/full").open("wb", buffering=0) as file,
    ):
        file.write(b"x")


# Replacing a file


def test_a_file_is_replaced_all_at_once(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, GeneratorExit])
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_where_there_is_no_folder(tmp_path):
    with pytest.raises(HomeNotWritable), replacing(tmp_path / "none" / "file") as temporary:
        temporary.write_text("x")


def test_what_killed_writers_left_is_swept(tmp_path):
    for name in ("key", "1.parquet", "1.parquet.77.tmp", "1.parquet.77.tmp.wal", "key.88.tmp"):
        (tmp_path / name).write_text("")
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"key", "1.parquet"}


# The lock


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


# Runs of dead processes


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
