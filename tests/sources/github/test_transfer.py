"""A reply has a bound in all: one that drips is given up, one that is computed for long is waited for."""

import asyncio
import gzip
import time

import httpx
import pytest

from git_contrib_assets.sources.github.transfer import Patience, TooSlow, whole_reply

PATIENCE = Patience(seconds=0.2, bytes_per_second=1000.0)


class Body(httpx.AsyncByteStream):
    """So many chunks of so many bytes, each after a while."""

    def __init__(self, chunks, size, seconds):
        self.chunks, self.size, self.seconds, self.closed = chunks, size, seconds, False

    async def __aiter__(self):
        for _ in range(self.chunks):
            await asyncio.sleep(self.seconds)
            yield b"x" * self.size

    async def aclose(self):
        self.closed = True


async def reply(body, *, first=0.0, headers=None):
    async def answer(request):
        await asyncio.sleep(first)
        return httpx.Response(200, stream=body, headers=headers)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        return await whole_reply(http, http.build_request("GET", "https://api.github.com/x"), PATIENCE)


@pytest.mark.parametrize("size", [1, 2])
async def test_a_reply_that_drips_is_given_up(size):
    """Each byte comes well within any bound for a single read; a hundred would take two seconds."""
    body, begun = Body(100, size, 0.02), time.monotonic()
    with pytest.raises(TooSlow) as caught:
        await reply(body)
    assert time.monotonic() - begun < 1.5
    assert 0 < caught.value.came < 100 * size
    assert body.closed


async def test_a_reply_that_never_begins_is_given_up():
    with pytest.raises(TooSlow) as caught:
        await reply(Body(0, 0, 0), first=5.0)
    assert caught.value.came == 0


async def test_a_long_reply_is_waited_for_as_long_as_it_comes():
    """Half a second in all, where two tenths are allowed without a byte."""
    response = await reply(Body(25, 400, 0.02))
    assert len(response.content) == 10_000


async def test_a_server_that_computes_for_long_is_waited_for():
    response = await reply(Body(1, 5, 0.0), first=0.1)
    assert response.content == b"xxxxx"


def test_our_patience_with_github():
    """A healthy server may compute for 75 s; one that sends a byte every ten seconds is given up within minutes."""
    assert 75 < Patience().seconds <= 120
    assert Patience().bytes_per_second >= 100


async def test_what_counts_is_what_came_over_the_wire():
    """A compressed body of a few bytes may be long when it is unpacked."""

    class Packed(Body):
        async def __aiter__(self):
            yield gzip.compress(b"x" * 1_000_000)

    response = await reply(Packed(0, 0, 0), headers={"content-encoding": "gzip"})
    assert len(response.content) == 1_000_000
