"""One request and its whole reply, within a bound in all that grows with what has come."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx


@dataclass(frozen=True)
class Patience:
    """How long a reply may take: ``seconds``, and one second more for every ``bytes_per_second`` bytes that have come.

    GitHub ends a request that computes for long by itself, but what stands between may let it go on.
    """

    seconds: float = 100.0
    bytes_per_second: float = 1000.0


class TooSlow(Exception):
    """The reply took longer than our patience; ``came`` bytes of its body were there."""

    def __init__(self, patience: Patience, came: int) -> None:
        super().__init__(f"{came} bytes came in {patience.seconds + came / patience.bytes_per_second:.0f} s")
        self.came = came


class TooLong(Exception):
    """The body of the reply is longer than we read."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"an answer of more than {most_bytes} bytes")


class _Watched(httpx.AsyncByteStream):
    """A body that tells how much of it has come."""

    def __init__(self, body: httpx.AsyncByteStream, heard: Callable[[int], None]) -> None:
        self._body = body
        self._heard = heard

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._body:
            self._heard(len(chunk))
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


async def whole_reply(
    http: httpx.AsyncClient, request: httpx.Request, patience: Patience, *, most_bytes: int | None = None
) -> httpx.Response:
    """Send the request and read all of its reply.

    Raises TooSlow, TooLong for a body of more than ``most_bytes`` as sent, or what httpx raises.
    """
    came = 0
    begun = asyncio.get_running_loop().time()

    def heard(size: int) -> None:
        nonlocal came
        came += size
        if most_bytes is not None and came > most_bytes:
            raise TooLong(most_bytes)
        bound.reschedule(begun + patience.seconds + came / patience.bytes_per_second)

    try:
        async with asyncio.timeout_at(begun + patience.seconds) as bound:
            response = await http.send(request, stream=True)
            body = response.stream
            try:
                if isinstance(body, httpx.AsyncByteStream):
                    response.stream = _Watched(body, heard)
                await response.aread()
            finally:
                response.stream = body
                await response.aclose()
            return response
    except TimeoutError as error:
        raise TooSlow(patience, came) from error
