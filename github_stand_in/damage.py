"""What faults do to an answer on its way to the client."""

import asyncio
import contextlib
from collections.abc import Iterator

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from github_stand_in.faults import Fault, packet

PACK = b"\x01"  # the band of the pack among git's side bands
DAMAGE_EVERY = 97
GIVEN_UP = "\x03aborting due to possible repository corruption on the remote side.\n"


class Dropped(Exception):
    """The answer ends here. If it is not complete, the server closes the connection."""


class Packets:
    """Cuts an answer of git into the lines of its protocol."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, content: bytes) -> Iterator[bytes]:
        """The lines that are complete by now, each with its length in front."""
        self._rest += content
        while len(self._rest) >= 4:
            length = max(int(self._rest[:4], 16), 4)
            if len(self._rest) < length:
                return
            line, self._rest = self._rest[:length], self._rest[length:]
            yield line


def corrupted(line: bytes) -> bytes:
    """A line with some bytes of the pack changed, as by a bad disk."""
    if line[4:5] != PACK:
        return line
    changed = bytearray(line)
    for place in range((5 + len(line)) // 2, len(line), DAMAGE_EVERY):
        changed[place] ^= 0xFF
    return bytes(changed)


def alter_headers(fault: Fault, headers: MutableHeaders) -> None:
    """Set and remove headers, and put GitHub's clock ahead or behind."""
    for name, value in fault.headers.items():
        del headers[name]
        if value is not None:
            headers[name] = value
    if "x-ratelimit-reset" in headers and "x-ratelimit-reset" not in fault.headers:
        headers["x-ratelimit-reset"] = str(int(headers["x-ratelimit-reset"]) + int(fault.ahead))


class Damage:
    """Sends one answer with a fault. Once all faults are cleared, it no longer waits."""

    def __init__(self, send: Send, fault: Fault, cleared: asyncio.Event) -> None:
        self._send = send
        self._fault = fault
        self._cleared = cleared
        self._packets = Packets()

    async def pause(self) -> None:
        """Wait as long as the fault says."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._cleared.wait(), self._fault.delay)

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer."""
        body: bytes = message.get("body", b"")
        ways = {
            "drip": self._drip,
            "drop": self._drop,
            "corrupt_git": self._corrupt,
            "git_gives_up": self._give_up,
        }
        way = ways.get(self._fault.effect)
        if way is None or not body:
            await self._send(message)
        else:
            await way(message, body)

    async def _drip(self, message: Message, body: bytes) -> None:
        for start in range(0, len(body), self._fault.chunk):
            await self._send({**message, "body": body[start : start + self._fault.chunk], "more_body": True})
            await self.pause()
        await self._send({**message, "body": b""})

    async def _drop(self, message: Message, body: bytes) -> None:
        await self._send({**message, "body": body[: len(body) // 2], "more_body": True})
        raise Dropped

    async def _corrupt(self, message: Message, body: bytes) -> None:
        lines = b"".join(corrupted(line) for line in self._packets.feed(body))
        await self._send({**message, "body": lines})

    async def _give_up(self, message: Message, body: bytes) -> None:
        for line in self._packets.feed(body):
            if line[4:5] == PACK:
                last = packet(f"\x02{self._fault.body}\n") + packet(GIVEN_UP)
                await self._send({**message, "body": last.encode(), "more_body": False})
                raise Dropped
            await self._send({**message, "body": line, "more_body": True})
