"""Runs a module as a program that ends with its supervisor, however the supervisor ends.

``python -m git_contrib_assets.runtime.child DESCRIPTOR MODULE [ARGUMENT]...``: the descriptor is the read end of a pipe.
Only the supervisor holds the other end. The program must lead a session of its own.
"""

import contextlib
import os
import runpy
import signal
import sys
import threading
import time

import psutil

GRACE_SECONDS = 10.0
_GONE_SECONDS = 30.0
_POLL_SECONDS = 0.02
_DEAD = {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}  # a zombie has ended; its parent has not asked about it yet


def session_members(leader: int) -> list[psutil.Process]:
    """The living processes of a session, also those in process groups of their own."""
    return [process for process in psutil.process_iter() if _is_member(process, leader)]


def _is_member(process: psutil.Process, leader: int) -> bool:
    with contextlib.suppress(OSError, psutil.Error):  # it ended while we looked, or belongs to somebody else
        return os.getsid(process.pid) == leader and process.status() not in _DEAD
    return False


def signal_group(leader: int, number: signal.Signals) -> None:
    """Signal what is left of the leader's process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def kill_session(leader: int) -> None:
    """Kill what is left of a session, and wait until it is gone. If the caller belongs to it, the caller dies last."""
    deadline = time.monotonic() + _GONE_SECONDS
    # More than once: a process that is forked while we look is not among those we see.
    while left := [process for process in session_members(leader) if process.pid != os.getpid()]:
        if time.monotonic() > deadline:
            break
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(_POLL_SECONDS)  # psutil's own waiting would take a child's exit code away from subprocess
    signal_group(leader, signal.SIGKILL)


def _end_with_supervisor(descriptor: int) -> None:
    os.read(descriptor, 1)  # returns when the supervisor's end is closed
    signal_group(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    kill_session(os.getpid())


def main() -> None:
    """Run the module that the command line names."""
    descriptor, module = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=_end_with_supervisor, args=(descriptor,), name="end with supervisor", daemon=True).start()
    sys.argv[:] = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
