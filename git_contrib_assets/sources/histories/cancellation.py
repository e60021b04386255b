"""Ends blocking reads from another thread."""

import atexit
import contextlib
import os
import signal
import subprocess
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial


class Cancellation:
    """Ends blocking reads from another thread: waits return at once, running processes are killed."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._actions: dict[object, Callable[[], object]] = {}
        _cancellations.add(self)

    @property
    def cancelled(self) -> bool:
        """Whether ``cancel`` was called."""
        return self._event.is_set()

    def cancel(self) -> None:
        """End all reads, now and later."""
        self._event.set()
        with self._lock:
            for action in self._actions.values():
                action()

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the cancellation."""
        self._event.wait(seconds)

    @contextlib.contextmanager
    def calls(self, action: Callable[[], object]) -> Iterator[None]:
        """``action`` is called at a cancellation before the end of the block, in the canceller's thread."""
        key = object()
        with self._lock:
            self._actions[key] = action
        try:
            yield
        finally:
            with self._lock:
                del self._actions[key]

    @contextlib.contextmanager
    def kills(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """``process``, the leader of its own group, dies at the cancellation and at the end of the block."""
        end = partial(_kill_group, process)
        with self.calls(end):
            try:
                yield
            finally:
                end()


_cancellations: "weakref.WeakSet[Cancellation]" = weakref.WeakSet()


@atexit.register
def cancel_all() -> None:
    """End every read of this process. An interrupt can leave an event loop where nothing in it runs any more."""
    for cancellation in list(_cancellations):
        cancellation.cancel()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
