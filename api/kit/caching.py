"""Sends answers: cached per snapshot, named by an ETag, compressed for clients that accept it; private ones never cached."""

import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from fastapi import Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Scope

from api.kit.accept import qualities
from api.kit.answers import Answer, CachedResponse, RequestKey, Stream
from api.kit.problems import RangeError
from api.kit.ranges import NotSatisfiableError, is_range, part_of, read_part, spooled
from api.kit.snapshot import CountDetails, Lease

if TYPE_CHECKING:
    from api.kit.store import SnapshotStore

CACHE_CONTROL = "public, max-age=300, stale-while-revalidate=1800"
PRIVATE_CACHE_CONTROL = "private, no-store"
VARY = "Accept, Accept-Encoding"
# a browser that keeps the public answer must not take it for the one with private rows
VARY_BY_BEARER = f"{VARY}, Authorization"
NOBODY: AbstractAsyncContextManager[Sequence["Lease | None"]] = nullcontext(())
# called with the lease of the store, and those of the stores beside it
Build = Callable[..., Answer | Stream]
COMPRESS_FROM_BYTES = 1024
COMPRESS_LEVEL = 5


async def serve(
    request: Request,
    build: Build,
    *,
    store: "SnapshotStore | None" = None,
    beside: "Sequence[SnapshotStore]" = (),
    format_name: str = "json",
    tells_check: bool = False,
    by_bearer: bool = False,
    remembers: bool = True,
) -> Response:
    """Answer from the current snapshot: 304 if the client has the answer, else from the cache, else built.

    ``store``: whose snapshot it is made from, if not the usual one's. ``beside``: other public stores whose snapshots it
    is made from, too; ``build`` gets their leases, each None if nothing is published there. ``tells_check``: the answer
    contains the time of the last check, so its ETag changes with every check. ``by_bearer``: with the server's token the
    answer is another one (see ``serve_private``). ``remembers``: False if another snapshot may answer the next request.
    """
    store = store or request.app.state.store
    async with store.lease() as lease, _leases(beside) if beside else NOBODY as others:
        tag = _tag(request, format_name, _sources(lease, *others, tells_check=tells_check))
        headers = _headers(lease, tag, by_bearer=by_bearer)
        known = _tags(request.headers.get("if-none-match", ""))
        if _opaque(tag) in known:
            return Response(status_code=304, headers=headers)
        cache = lease.snapshot.cache
        answer: Answer | Stream | None = cache.get(tag)
        if answer is None:
            answer = await store.in_thread(build, lease, *others)
            if isinstance(answer, Answer):
                cache.put(tag, answer)
        if "*" in known:
            return Response(status_code=304, headers=headers)
        response = await _sent(request, store, answer, headers)
        is_whole = isinstance(answer, Answer) and response.status_code == 200
        if is_whole and remembers and not tells_check and not beside:
            route = request.scope["route"].path
            gzipped = "content-encoding" in response.headers
            cached = CachedResponse(tag, route, response.raw_headers, gzipped, lease.as_of)
            cache.remember(request_key(request.scope), cached)
        return response


async def serve_private(
    request: Request, build: Build, store: "SnapshotStore", *, beside: "Sequence[SnapshotStore]" = ()
) -> Response:
    """Answer somebody who bears the server's token, from what is not public.

    Such an answer is built each time. It goes into no cache, here or elsewhere, comes out of none, and has no ETag:
    there is nothing to ask about it without the token. Scripts of other websites are not let in.
    """
    request.scope["state"]["is_private"] = True
    async with store.lease() as lease, _leases(beside) as others:
        answer = await store.in_thread(build, lease, *others)
        headers = _source_headers(lease) | {"Cache-Control": PRIVATE_CACHE_CONTROL, "Vary": VARY_BY_BEARER}
        return await _sent(request, store, answer, headers)


@asynccontextmanager
async def _leases(stores: "Sequence[SnapshotStore]") -> "AsyncIterator[list[Lease | None]]":
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(store.lease_if_any()) for store in stores]


async def _sent(request: Request, store: "SnapshotStore", answer: Answer | Stream, headers: dict[str, str]) -> Response:
    """The answer as the client wants it: a part of it, compressed, or as it is."""
    headers.update(answer.headers)
    wanted = request.headers.get("range")
    # an If-Range never names our ETag, because that is weak: then the whole is sent
    if is_range(wanted) and "if-range" not in request.headers:
        return await store.in_thread(_part, answer, headers, wanted)
    gzipped = answer.compressible and _takes_gzip(request)
    if isinstance(answer, Stream):
        if request.scope["state"].get("is_head") and not gzipped:
            return await store.in_thread(_part, answer, headers, None)
        return _streamed(answer, headers, gzipped)
    gzipped = gzipped and len(answer.body) >= COMPRESS_FROM_BYTES
    if gzipped and answer.compressed is None:
        answer.compressed = await store.in_thread(_compress, answer.body)
    return _whole(answer, headers, gzipped)


def request_key(scope: Scope) -> RequestKey:
    """The key under which the answer to this request is remembered."""
    accept = accept_encoding = b""
    for name, value in reversed(scope["headers"]):
        if name == b"accept":
            accept = value
        elif name == b"accept-encoding":
            accept_encoding = value
    return RequestKey(scope["path"], scope["query_string"], accept, accept_encoding)


def pairs_by_name(request: Request) -> list[tuple[str, str]]:
    """The query parameters sorted by name. Those with the same name keep their order, which decides which one counts."""
    return sorted(request.query_params.multi_items(), key=lambda pair: pair[0])


def _headers(lease: Lease, tag: str, *, by_bearer: bool) -> dict[str, str]:
    caching = {"ETag": tag, "Cache-Control": CACHE_CONTROL, "Vary": VARY_BY_BEARER if by_bearer else VARY}
    return caching | _source_headers(lease)


def _source_headers(lease: Lease) -> dict[str, str]:
    details = lease.snapshot.details
    headers = {"Accept-Ranges": "bytes", "X-Snapshot": details.snapshot_id}
    if isinstance(details, CountDetails):
        headers["X-Complete-Through"] = details.complete_through.isoformat()
    if lease.as_of is not None:
        headers["X-As-Of"] = f"{lease.as_of:%Y-%m-%dT%H:%M:%SZ}"
    return headers


def _sources(*leases: Lease | None, tells_check: bool) -> list[object]:
    """What an answer depends on, apart from the request."""
    return [
        one and (one.snapshot.details.snapshot_id, one.as_of, one.checked_at if tells_check else None) for one in leases
    ]


def _streamed(answer: Stream, headers: dict[str, str], gzipped: bool) -> Response:
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    parts = _compressed(answer.parts) if gzipped else answer.parts
    return StreamingResponse(parts, media_type=answer.media_type, headers=headers)


def _part(answer: Answer | Stream, headers: dict[str, str], wanted: str | None) -> Response:
    """The bytes that a Range header asks for, never compressed; without one, the whole with its length."""
    file, length = spooled(iter([answer.body]) if isinstance(answer, Answer) else answer.parts)
    try:
        part = range(length) if wanted is None else part_of(wanted, length)
    except NotSatisfiableError:
        file.close()
        raise RangeError(length) from None
    headers["Content-Length"] = str(len(part))
    if wanted is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{length}"
    status = 200 if wanted is None else 206
    return StreamingResponse(read_part(file, part), status, media_type=answer.media_type, headers=headers)


def _whole(answer: Answer, headers: dict[str, str], gzipped: bool) -> Response:
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return Response(answer.compressed if gzipped else answer.body, media_type=answer.media_type, headers=headers)


@cache
def _software_version() -> str:
    """Part of every ETag, because another version may write the same data differently."""
    try:
        return version("git-contrib")
    except PackageNotFoundError:
        return "source"


def _tag(request: Request, format_name: str, sources: object) -> str:
    # repr keeps the parts apart, whatever characters they contain
    parts = (_software_version(), sources, format_name, request.url.path, pairs_by_name(request))
    # weak: the compressed and the plain body share it
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def _opaque(tag: str) -> str:
    return tag.strip().removeprefix("W/")


def _tags(header: str) -> set[str]:
    return {_opaque(tag) for tag in header.split(",")}


def _compress(body: bytes) -> bytes:
    # without a time stamp, the same body always gives the same bytes
    return gzip.compress(body, COMPRESS_LEVEL, mtime=0)


def _compressed(parts: Iterator[bytes]) -> Iterator[bytes]:
    # adding 16 to the window size makes zlib write the header and the trailer of a gzip file
    packer = zlib.compressobj(COMPRESS_LEVEL, wbits=zlib.MAX_WBITS + 16)
    for part in parts:
        yield packer.compress(part)
    yield packer.flush()


def _takes_gzip(request: Request) -> bool:
    quality = dict(qualities(request.headers.get("accept-encoding", "")))
    # the star means every encoding that is not named
    return quality.get("gzip", quality.get("*", 0.0)) > 0
