"""A bare server that answers from memory what a stand-in answered once: so that the client is what is measured."""

import asyncio
import contextlib
import multiprocessing
import multiprocessing.connection
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import uvicorn

_KEPT = ("content-type", "date", "etag", "link")


@contextlib.contextmanager
def replaying(
    api_url: str, paths: Mapping[str, Mapping[str, str | int]], *, token: str, latency: float = 0.0
) -> Iterator[str]:
    """Ask each address (path → its parameters) once, then serve the answers in a process of its own; its address."""
    answers: dict[str, tuple[int, list[tuple[bytes, bytes]], bytes]] = {}
    with httpx.Client(trust_env=False, headers={"authorization": f"Bearer {token}"}) as client:
        for path, parameters in paths.items():
            reply = client.get(api_url + path.partition("#")[0], params=parameters)
            reply.raise_for_status()
            headers = [(key.encode(), reply.headers[key].encode()) for key in _KEPT if key in reply.headers]
            answers[key_of(reply.request.url.path, reply.request.url.query.decode())] = (
                reply.status_code, headers, reply.content,
            )  # fmt: skip
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(answers, latency, there), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{here.recv()}{httpx.URL(api_url).path}"
    process.terminate()
    process.join()


def key_of(path: str, query: str) -> str:
    """The same for any order of parameters."""
    return f"{path}?{'&'.join(sorted(query.split('&')))}"


def _serve(
    answers: Mapping[str, tuple[int, list[tuple[bytes, bytes]], bytes]],
    latency: float,
    ready: multiprocessing.connection.Connection,
) -> None:
    async def application(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if latency:
            await asyncio.sleep(latency)
        status, headers, body = answers.get(key_of(scope["path"], scope["query_string"].decode()), (404, [], b"{}"))
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    ready.send(listener.getsockname()[1])
    server = uvicorn.Server(
        uvicorn.Config(application, lifespan="off", log_level="critical", access_log=False, date_header=False)
    )
    server.run(sockets=[listener])
