"""Work beside the event loop."""

import asyncio
import threading

from git_contrib_assets.sources.github.connection import in_own_thread


async def test_it_does_not_wait_for_the_threads_that_the_loop_shares():
    """They may all be busy with readers that wait for a reply, for which the token is to be renewed first."""
    done = threading.Event()
    busy = [asyncio.create_task(asyncio.to_thread(done.wait)) for _ in range(40)]
    await asyncio.sleep(0)
    try:
        assert await in_own_thread(lambda: 7) == 7
    finally:
        done.set()
        await asyncio.gather(*busy)
