"""A clock that stands still until everybody sleeps, so that hours of waiting take no time."""

import asyncio
import heapq
import itertools
import math
from collections.abc import Awaitable
from typing import Any

START = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC


class FakeTime:
    """Call it for the time; ``sleep`` in its time; ``run`` moves it on from sleeper to sleeper."""

    def __init__(self, now: float = START) -> None:
        self.now = now
        self.slept: list[float] = []
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def __call__(self) -> float:
        return self.now

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.now - START

    async def sleep(self, seconds: float) -> None:
        """Wait until ``run`` has moved the time on that far."""
        self.slept.append(seconds)
        woken = asyncio.get_running_loop().create_future()
        until = max(self.now + seconds, math.nextafter(self.now, math.inf))  # time that stands still would not end
        heapq.heappush(self._sleepers, (until, next(self._order), woken))
        await woken

    async def pass_over(self, seconds: float) -> None:
        """Let the time pass at once: for one sleeper at a time."""
        self.slept.append(seconds)
        self.now += seconds

    async def run(self, *work: Awaitable[Any]) -> list[Any]:
        """Run all of it; exceptions are among the results."""
        together = asyncio.gather(*work, return_exceptions=True)
        idle = 0
        while not together.done():
            for _ in range(50):
                await asyncio.sleep(0)
            if self._sleepers and not together.done():
                until, _, woken = heapq.heappop(self._sleepers)
                self.now = max(self.now, until)
                if not woken.done():
                    woken.set_result(None)
            else:
                idle += 1
                assert idle < 1000, "everybody waits and nobody sleeps"
        return await together
