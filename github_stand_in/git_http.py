"""Git over HTTP: the repositories themselves, served by git's own programs."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import zlib
from functools import cache
from pathlib import Path
from typing import Literal

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from github_stand_in.gate import Exchange, unauthorized_git
from github_stand_in.git_objects import git_environment
from github_stand_in.world import Repository, World

Backend = Literal["http-backend", "upload-pack"]

CHUNK_BYTES = 64 * 1024
PROTOCOL_TWO = re.compile(r"(?:^|:)version=2(?::|$)")


@cache
def default_backend() -> Backend:
    """`git http-backend` if it is installed, else `git upload-pack`, which every git has."""
    directory = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    return "http-backend" if (Path(directory) / "git-http-backend").exists() else "upload-pack"


def _configuration(filters: bool) -> dict[str, str]:
    settings = {
        "safe.directory": "*",
        "uploadpack.allowFilter": str(filters).lower(),
        "uploadpack.allowAnySHA1InWant": "true",
        "http.receivepack": "false",
    }
    pairs = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        pairs |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return pairs


class GitService:
    """An ASGI application for `/{owner}/{name}[.git]/info/refs` and `/git-upload-pack`."""

    def __init__(self, world: World, backend: Backend | None = None) -> None:
        self.world = world
        self.backend = backend or default_backend()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of a git client."""
        request = Request(scope, receive)
        exchange: Exchange = scope["stand_in"]
        owner, name = request.path_params["owner"], request.path_params["name"].removesuffix(".git")
        repository = self.world.repository(owner, name, exchange.caller)
        if repository is None:
            await self._absent(owner, name, exchange)(scope, receive, send)
            return
        service = scope["path"].rsplit("/", 1)[-1]
        if service == "refs":
            asked = request.query_params.get("service")
            if asked == "git-upload-pack" and scope["method"] == "GET":
                await self._run(request, repository, "info/refs", send)
                return
        elif service == "git-upload-pack" and scope["method"] == "POST":
            await self._run(request, repository, service, send)
            return
        await PlainTextResponse("This stand-in can only be read, with a smart client.", 403)(scope, receive, send)

    def _absent(self, owner: str, name: str, exchange: Exchange) -> Response:
        moved = self.world.renamed(owner, name, exchange.caller)
        if moved:
            tail = exchange.path.split("/", 3)[3]
            query = f"?{exchange.query}" if exchange.query else ""
            return RedirectResponse(f"/{moved.full_name}.git/{tail}{query}", 301)
        # GitHub asks strangers for a password first, so that they cannot tell what is private from what is missing.
        return PlainTextResponse("Repository not found.", 404) if exchange.caller else unauthorized_git()

    async def _run(self, request: Request, repository: Repository, tail: str, send: Send) -> None:
        exchange: Exchange = request.scope["stand_in"]
        filters = exchange.effect is None or exchange.effect.effect != "filter_unsupported"
        protocol = request.headers.get("git-protocol", "")
        environment = git_environment(**_configuration(filters), GIT_PROTOCOL=protocol)
        gzipped = request.headers.get("content-encoding") in ("gzip", "x-gzip")
        if self.backend == "http-backend":
            command = ["git", "http-backend"]
            environment |= {
                "GIT_PROJECT_ROOT": str(self.world.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": f"/{repository.path.relative_to(self.world.root)}/{tail}",
                "REQUEST_METHOD": request.method,
                "QUERY_STRING": request.url.query,
                "CONTENT_TYPE": request.headers.get("content-type", ""),
                "REMOTE_ADDR": "127.0.0.1",
            }
            if "content-length" in request.headers:
                environment["CONTENT_LENGTH"] = request.headers["content-length"]
            if gzipped:
                environment["HTTP_CONTENT_ENCODING"] = "gzip"
        else:
            advertise = ["--http-backend-info-refs"] if tail == "info/refs" else []
            command = ["git", "upload-pack", "--stateless-rpc", *advertise, str(repository.path)]
        process = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            limit=CHUNK_BYTES,
        )
        unzip = gzipped and self.backend == "upload-pack"
        feeding = asyncio.create_task(_feed(request, process, unzip))
        try:
            if self.backend == "http-backend":
                await _send_head(process, send)
            else:
                await _send_upload_pack_head(tail, protocol, send)
            assert process.stdout is not None  # noqa: S101 -- opened above
            while content := await process.stdout.read(CHUNK_BYTES):
                await send({"type": "http.response.body", "body": content, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except BaseException:
            _kill(process)
            raise
        finally:
            feeding.cancel()
            await process.wait()
            # It closes itself only after all output was read: too late if the loop ends first.
            process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001


def _kill(process: asyncio.subprocess.Process) -> None:
    # Not `process.kill()`: it polls the child, which only asyncio's own watcher may do.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


async def _feed(request: Request, process: asyncio.subprocess.Process, unzip: bool) -> None:
    """Pass the body on as it arrives; if the client goes away, end git too."""
    sink = process.stdin
    if sink is None:
        return
    inflate = zlib.decompressobj(31) if unzip else None
    more = True
    with contextlib.suppress(ConnectionError):
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                _kill(process)
                return
            body = message.get("body", b"")
            sink.write(inflate.decompress(body) if inflate else body)
            await sink.drain()
            more = message.get("more_body", False)
        sink.close()


async def _send_head(process: asyncio.subprocess.Process, send: Send) -> None:
    """Turn the head of a CGI answer into that of an HTTP answer."""
    status = 200
    headers: list[tuple[bytes, bytes]] = []
    assert process.stdout is not None  # noqa: S101 -- opened by the caller
    while line := (await process.stdout.readline()).strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"status":
            status = int(value.split()[0])
        else:
            headers.append((name.lower(), value.strip()))
    if not headers:
        status = 500
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _send_upload_pack_head(tail: str, protocol: str, send: Send) -> None:
    kind = b"application/x-git-upload-pack-" + (b"advertisement" if tail == "info/refs" else b"result")
    headers = [(b"content-type", kind), (b"cache-control", b"no-cache, max-age=0, must-revalidate")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if tail == "info/refs" and not PROTOCOL_TWO.search(protocol):
        head = b"001e# service=git-upload-pack\n0000"
        await send({"type": "http.response.body", "body": head, "more_body": True})
