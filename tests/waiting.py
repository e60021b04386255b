"""How tests wait for other processes: until something is there, whatever the machine takes for it."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(find: Callable[[], Found], *, seconds: float = 300.0) -> Found:
    """What is found, once it is something. The bound only ends a test that hangs."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)
    return found
