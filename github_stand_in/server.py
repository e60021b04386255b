"""GitHub on loopback: REST, GraphQL and git over HTTP, all from the same bare repositories.

`python -m github_stand_in.server --root DIRECTORY` serves it and prints one line of JSON with its addresses.
"""

import argparse
import asyncio
import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from github_stand_in import changes
from github_stand_in.app import create_app
from github_stand_in.changes import NewCommit
from github_stand_in.gate import CONTROL_PREFIX, GRAPHQL_PATH, REST_PREFIX
from github_stand_in.git_http import Backend
from github_stand_in.limits import LimitSettings
from github_stand_in.oauth import OAuthSettings
from github_stand_in.world import Fields, World

__all__ = ["NewCommit", "StandIn", "World", "create_app", "main", "running", "running_as_process"]

HOST = "127.0.0.1"
START_SECONDS = 120.0
# Only the client ends an idle connection. If both did, a request could meet a connection that the server is closing.
KEEP_ALIVE_SECONDS = 3600
TICK_SECONDS = 0.1
# Loopback is plain HTTP: without certificates, no client spends time on loading them.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True, slots=True)
class StandIn:
    """A running stand-in: its addresses, and what can be done with it."""

    root: Path
    server_url: str
    _client: httpx.Client = field(repr=False, compare=False)

    @property
    def api_url(self) -> str:
        """Where REST is."""
        return self.server_url + REST_PREFIX

    @property
    def graphql_url(self) -> str:
        """Where GraphQL is."""
        return self.server_url + GRAPHQL_PATH

    def environment(self) -> dict[str, str]:
        """The variables that make a client talk to it instead of GitHub."""
        return {
            "GITHUB_API_URL": self.api_url,
            "GITHUB_GRAPHQL_URL": self.graphql_url,
            "GITHUB_SERVER_URL": self.server_url,
        }

    def _control(self, method: str, action: str, body: Fields | None = None) -> Any:
        reply = self._client.request(method, CONTROL_PREFIX + action, json=body)
        if reply.status_code != 200:
            raise ValueError(reply.json()["message"])
        return reply.json()

    def requests(self, kind: str | None = None) -> list[Fields]:
        """Every request so far (of a kind: rest, graphql, git, html), oldest first."""
        found: list[Fields] = self._control("GET", "requests")
        return [entry for entry in found if kind in (None, entry["kind"])]

    def forget_requests(self) -> None:
        """Empty the log of requests."""
        self._control("DELETE", "requests")

    def fault(self, preset: str | None = None, **fields: Any) -> None:
        """Let something go wrong: a name of `faults.PRESETS`, and fields of `Fault` (kind, path, times, ...)."""
        self._control("POST", "faults", fields if preset is None else {"preset": preset, **fields})

    def faults(self) -> list[Fields]:
        """The faults in force, with `hits`."""
        found: list[Fields] = self._control("GET", "faults")
        return found

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._control("DELETE", "faults")

    def limits(self, **settings: Any) -> Fields:
        """Limits and their counters, after changing the given settings (those of `LimitSettings`)."""
        if settings:
            self._control("POST", "limits", settings)
        found: Fields = self._control("GET", "limits")
        return found

    def reload(self) -> None:
        """Make it read its files again."""
        self._control("POST", "reload")

    def add_token(self, token: str, **holder: Any) -> None:
        """Accept a token: `TOKEN[=LOGIN[:SCOPES[:ORGANISATIONS]]]`.

        Or one with the fields of a `TokenHolder` (`login`, `id`, `scopes`, `organisations`), as for a scope with a colon.
        """
        self._control("POST", "tokens", {"token": token, **holder})

    def revoke_token(self, token: str) -> None:
        """No longer accept a token."""
        self._control("DELETE", "tokens", {"token": token})

    def oauth(self, **settings: Any) -> Fields:
        """The OAuth app with the devices that asked to sign in, after changing the given settings (of `OAuthSettings`)."""
        if settings:
            self._control("POST", "oauth", settings)
        found: Fields = self._control("GET", "oauth")
        return found

    def approve(self, user_code: str, login: str, scopes: Iterable[str] | None = None) -> None:
        """Enter a device's code as a person; with `scopes`, grant these instead of those it asks for."""
        entered = {"user_code": user_code, "login": login}
        self._control("POST", "device", entered if scopes is None else {**entered, "scopes": list(scopes)})

    def deny(self, user_code: str) -> None:
        """Decline what a device asks for."""
        self._control("POST", "device", {"user_code": user_code})

    def profile(self, login: str, **fields: Any) -> None:
        """Change or add an owner's fields: `email`, `emails`, `organisations` (see `changes.profile`)."""
        changes.profile(self.root, login, **fields)
        self.reload()

    def push(self, repository: str, commits: Sequence[NewCommit], **options: Any) -> list[str]:
        """Push commits (see `changes.push`) and serve them."""
        shas = changes.push(self.root, repository, commits, **options)
        self.reload()
        return shas

    def update(self, repository: str, **fields: Any) -> None:
        """Change fields of a repository in the listing."""
        changes.update(self.root, repository, **fields)
        self.reload()

    def create(self, repository: str, **fields: Any) -> None:
        """Make an empty repository."""
        changes.create(self.root, repository, **fields)
        self.reload()

    def link(self, email: str, login: str | None, identity: int = 0, **fields: Any) -> None:
        """Let an address belong to an account; without a login, to a deleted one."""
        changes.link(self.root, email, login, identity, **fields)
        self.reload()

    def unlink(self, email: str) -> None:
        """Let an address belong to nobody."""
        changes.unlink(self.root, email)
        self.reload()

    def rename(self, repository: str, name: str) -> None:
        """Rename a repository; the old name redirects."""
        changes.rename(self.root, repository, name)
        self.reload()

    def remove(self, repository: str) -> None:
        """Delete a repository."""
        changes.remove(self.root, repository)
        self.reload()


class _Server(uvicorn.Server):
    """A server that says when it listens, and stops at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.listening.set()

    async def main_loop(self) -> None:
        while not self.should_exit:
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), TICK_SECONDS)

    def stop(self) -> None:
        """End it, from another thread."""
        self.should_exit = True
        if self._loop:
            with contextlib.suppress(RuntimeError):  # it has noticed by itself, and ended
                self._loop.call_soon_threadsafe(self._stopping.set)


def _server(
    world: World,
    limits: LimitSettings | None = None,
    polls: int = 1,
    backend: Backend | None = None,
    oauth: OAuthSettings | None = None,
) -> _Server:
    config = uvicorn.Config(
        create_app(world, limits, polls=polls, backend=backend, oauth=oauth),
        # uvloop starts subprocesses in the main thread only.
        loop="asyncio",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=1,
    )
    return _Server(config)


def _listen(port: int) -> tuple[socket.socket, str]:
    # asyncio sends small answers at once only if the protocol is named; otherwise each takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener, f"http://{HOST}:{listener.getsockname()[1]}"


@contextlib.contextmanager
def _client(server_url: str) -> Iterator[httpx.Client]:
    # Proxies set in the environment are for the real GitHub.
    with httpx.Client(base_url=server_url, timeout=START_SECONDS, trust_env=False, verify=NO_CERTIFICATES) as client:
        yield client


@contextlib.contextmanager
def running(
    root: Path,
    *,
    tokens: Iterable[str] = (),
    port: int = 0,
    limits: LimitSettings | None = None,
    polls: int = 1,
    backend: Backend | None = None,
    oauth: OAuthSettings | None = None,
    clock: Callable[[], float] = time.time,
) -> Iterator[StandIn]:
    """A stand-in in a thread of this process, with an event loop of its own. By `clock` codes and tokens expire."""
    world = World(root, tokens, clock=clock)
    server = _server(world, limits, polls, backend, oauth)
    listener, server_url = _listen(port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="stand-in", daemon=True)
    thread.start()
    try:
        if not server.listening.wait(START_SECONDS):
            raise TimeoutError("the stand-in did not start")
        with _client(server_url) as client:
            yield StandIn(world.root, server_url, client)
    finally:
        server.stop()
        thread.join(START_SECONDS)
        listener.close()
        world.store.close()


@contextlib.contextmanager
def running_as_process(root: Path, *, tokens: Iterable[str] = (), port: int = 0) -> Iterator[StandIn]:
    """A stand-in in a process of its own."""
    command = [sys.executable, "-m", "github_stand_in.server", "--root", str(root), "--port", str(port)]
    for token in tokens:
        command += ["--token", token]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise RuntimeError("the stand-in did not start")
            server_url = str(json.loads(line)["server_url"])
            with _client(server_url) as client:
                yield StandIn(Path(root).resolve(), server_url, client)
        finally:
            process.terminate()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a directory until interrupted."""
    parser = argparse.ArgumentParser(prog="stand_in", description=__doc__)
    parser.add_argument(
        "--root", type=Path, required=True, help="a directory like the one that organisation.build makes"
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", action="append", default=[], help="TOKEN[=LOGIN[:SCOPE,...[:ORGANISATION,...]]]")
    chosen = parser.parse_args(arguments)
    world = World(chosen.root, chosen.token)
    server = _server(world)
    listener, server_url = _listen(chosen.port)

    def announce() -> None:
        server.listening.wait()
        addresses = {
            "api_url": server_url + REST_PREFIX,
            "graphql_url": server_url + GRAPHQL_PATH,
            "server_url": server_url,
        }
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()

    threading.Thread(target=announce, daemon=True).start()
    server.run(sockets=[listener])
    world.store.close()


if __name__ == "__main__":
    main()
