"""Runs a module as a program that ends with its supervisor, however that dies. Standard library only.

``python -m git_contrib_assets.runtime.child DESCRIPTOR MODULE [ARGUMENT]...``: the descriptor is the read end of a pipe
of which the supervisor alone holds the other end. The program must lead a session of its own.
"""

import contextlib
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

GRACE_SECONDS = 10.0
_GONE_SECONDS = 30.0
_POLL_SECONDS = 0.02
_PROC = Path("/proc")
_DEAD = {"Z", "X"}  # a zombie is gone, only its parent has not looked yet


def session_members(leader: int) -> Iterator[int]:
    """The living processes of a session, also those in groups of their own. Where there is no /proc: none."""
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name in parentheses may hold anything; after it come state, parent, group and session.
            state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state not in _DEAD:
                yield int(folder.name)


def signal_group(leader: int, number: signal.Signals) -> None:
    """Signal the leader's process group, whatever is left of it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def kill_session(leader: int) -> None:
    """End at once whatever is left of a session, and wait until it is gone; the caller itself comes last."""
    deadline = time.monotonic() + _GONE_SECONDS
    # More than once: who is forked while we look is not among those that we see.
    while (left := [one for one in session_members(leader) if one != os.getpid()]) and time.monotonic() < deadline:
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
    signal_group(leader, signal.SIGKILL)


def _end_with_supervisor(descriptor: int) -> None:
    os.read(descriptor, 1)  # comes back when the other end is closed, by whatever
    signal_group(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    kill_session(os.getpid())


def main() -> None:
    """Run the module that the command line names."""
    descriptor, module = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=_end_with_supervisor, args=(descriptor,), name="supervised", daemon=True).start()
    sys.argv[:] = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
