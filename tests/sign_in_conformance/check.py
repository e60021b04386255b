"""Signs in to an OAuth server that nobody here wrote: a check for developers, not part of the tests.

    python tests/sign_in_conformance/check.py [--cache DIRECTORY]

Fetches `oidc-provider` (a certified OpenID provider that speaks RFC 8628) with npm, once, lets it listen at the addresses
that GitHub has, and goes through every way in which a sign-in may end. Takes two minutes, for nothing waits in fake time.
Prints a line for each; exit code 1 if one went wrong. Needs Node 20 or newer and npm.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from git_contrib_assets.errors import GitContribError, GitHubUnavailable, SignInExpired, SignInRefused, TokenRefused
from git_contrib_assets.sources.github.sign_in import DeviceCode, Grant, OAuthServer

PACKAGE = "oidc-provider@9.13.3"
SCRIPT = Path(__file__).with_name("provider.mjs")
SCOPES = ("openid", "offline_access", "repo", "read:org")
CODE_SECONDS, TOKEN_SECONDS = 22, 3600


@dataclass
class Provider:
    """The running server, and the person in front of its pages."""

    url: str
    process: "subprocess.Popen[str]"

    def tell(self, action: str, code: DeviceCode) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{action} {code.user_code}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


def install(cache: Path) -> Path:
    """The folder that holds the package and our script."""
    cache.mkdir(parents=True, exist_ok=True)
    if not (cache / "node_modules" / "oidc-provider").exists():
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(cache), PACKAGE]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return Path(shutil.copy(SCRIPT, cache))


@contextlib.contextmanager
def running(script: Path) -> Iterator[Provider]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = ["node", str(script), str(port), str(CODE_SECONDS), str(TOKEN_SECONDS)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", "the provider did not start"
        try:
            yield Provider(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()


@contextlib.asynccontextmanager
async def asked(provider: Provider, client_id: str = "conformance") -> AsyncIterator[tuple[OAuthServer, DeviceCode]]:
    async with OAuthServer(provider.url, client_id) as server:
        code = await server.ask(SCOPES)
        assert code.interval == 5, "the provider names no interval: the RFC's counts"
        assert code.seconds == CODE_SECONDS
        assert code.address == f"{provider.url}/login/device"
        yield server, code


async def granted(provider: Provider) -> Grant:
    async with asked(provider) as (server, code):
        waiting = asyncio.create_task(server.wait(code))
        await asyncio.sleep(code.interval + 1)  # it has been told to wait once
        assert not waiting.done()
        provider.tell("approve", code)
        return await waiting


async def agrees(provider: Provider) -> None:
    grant = await granted(provider)
    assert set(grant.scopes) == set(SCOPES), grant.scopes
    assert grant.seconds == TOKEN_SECONDS
    assert grant.refresh_token is not None


async def renews(provider: Provider) -> None:
    first = await granted(provider)
    assert first.refresh_token is not None
    async with OAuthServer(provider.url, "conformance") as server:
        second = await server.renew(first.refresh_token)
        assert second.token != first.token
        assert second.refresh_token not in {None, first.refresh_token}, "it rotates"
        await ends_with(TokenRefused, server.renew(first.refresh_token))


async def declines(provider: Provider) -> None:
    async with asked(provider) as (server, code):
        provider.tell("deny", code)
        await ends_with(SignInRefused, server.wait(code))


async def lets_it_expire(provider: Provider) -> None:
    begun = time.monotonic()
    async with asked(provider) as (server, code):
        await ends_with(SignInExpired, server.wait(code))
    assert CODE_SECONDS <= time.monotonic() - begun < CODE_SECONDS + 5


async def asks_the_expired(provider: Provider) -> None:
    """The server's own word for it, where our clock does not know."""
    async with asked(provider) as (server, code):
        late = DeviceCode(code.device_code, code.user_code, code.address, CODE_SECONDS + 1, 900, code.expires_at + 900)
        await ends_with(SignInExpired, server.wait(late))


async def has_no_app(provider: Provider) -> None:
    async with OAuthServer(provider.url, "unknown") as server:
        await ends_with(SignInRefused, server.ask(SCOPES))


async def has_another_app(provider: Provider) -> None:
    """The provider's word for it is `invalid_request`, which does not say that it is the app's fault."""
    async with OAuthServer(provider.url, "not-for-devices") as server:
        await ends_with(GitHubUnavailable, server.ask(SCOPES))


async def forgets(provider: Provider) -> None:
    async with asked(provider) as (server, code):
        other = DeviceCode(SecretStr("x" * 43), code.user_code, code.address, 1, 900, code.expires_at)
        await ends_with(SignInExpired, server.wait(other))


async def goes_away(provider: Provider) -> None:
    """The last: the server ends while we wait."""
    said: list[str] = []
    async with asked(provider) as (server, code):
        waiting = asyncio.create_task(server.wait(code, said.append))
        await asyncio.sleep(code.interval + 1)
        provider.process.terminate()
        await ends_with(GitHubUnavailable, waiting)
    assert said


async def ends_with(kind: type[GitContribError], work: Awaitable[object]) -> None:
    (found,) = await asyncio.gather(work, return_exceptions=True)
    assert type(found) is kind, f"{type(found).__name__} in place of {kind.__name__}: {found}"
    sys.stdout.write(f"    {found}\n")


WAYS: dict[str, Callable[[Provider], Awaitable[None]]] = {
    "a person agrees": agrees,
    "a token is renewed, and its refresh token is spent": renews,
    "a person declines": declines,
    "nobody enters the code": lets_it_expire,
    "the server says that the code has expired": asks_the_expired,
    "an app that the server does not know": has_no_app,
    "an app that may not use the device flow": has_another_app,
    "a code that the server does not know": forgets,
    "the server goes away": goes_away,
}


def main() -> int:
    """Go through all ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--cache", type=Path, default=home / "git-contrib" / "sign-in-conformance")
    wrong = 0
    with running(install(parser.parse_args().cache)) as provider:
        for name, way in WAYS.items():
            try:
                asyncio.run(way(provider))  # type: ignore[arg-type]
                sys.stdout.write(f"well: {name}\n")
            except AssertionError as error:
                wrong += 1
                sys.stdout.write(f"WRONG: {name}: {error}\n")
    sys.stdout.write(f"{len(WAYS)} ways, {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
