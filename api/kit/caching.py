"""Sends answers: cached per snapshot, named by an ETag, compressed for clients that accept it."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
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
from api.kit.snapshot import Lease

if TYPE_CHECKING:
    from api.kit.store import SnapshotStore

CACHE_CONTROL = "public, max-age=300, stale-while-revalidate=1800"
COMPRESS_FROM_BYTES = 1024
COMPRESS_LEVEL = 5


async def serve(
    request: Request,
    build: Callable[[Lease], Answer | Stream],
    *,
    format_name: str = "json",
    tells_check: bool = False,
) -> Response:
    """Answer from the current snapshot: 304 if the client has the answer, else from the cache, else built.

    ``tells_check``: the answer contains the time of the last check, so its ETag changes with every check.
    """
    store: SnapshotStore = request.app.state.store
    async with store.lease() as lease:
        tag = _tag(request, lease, format_name, lease.checked_at if tells_check else None)
        headers = _headers(lease, tag)
        known = _tags(request.headers.get("if-none-match", ""))
        if _opaque(tag) in known:
            return Response(status_code=304, headers=headers)
        cache = lease.snapshot.cache
        answer: Answer | Stream | None = cache.get(tag)
        if answer is None:
            answer = await store.in_thread(build, lease)
            if isinstance(answer, Answer):
                cache.put(tag, answer)
        if "*" in known:
            return Response(status_code=304, headers=headers)
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
        response = _whole(answer, headers, gzipped)
        if not tells_check:
            route = request.scope["route"].path
            cached = CachedResponse(tag, route, response.raw_headers, gzipped, lease.as_of)
            cache.remember(request_key(request.scope), cached)
        return response


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


def _headers(lease: Lease, tag: str) -> dict[str, str]:
    details = lease.snapshot.details
    headers = {
        "ETag": tag,
        "Cache-Control": CACHE_CONTROL,
        "Vary": "Accept, Accept-Encoding",
        "Accept-Ranges": "bytes",
        "X-Snapshot": details.snapshot_id,
        "X-Complete-Through": details.complete_through.isoformat(),
    }
    if lease.as_of is not None:
        headers["X-As-Of"] = f"{lease.as_of:%Y-%m-%dT%H:%M:%SZ}"
    return headers


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


def _tag(request: Request, lease: Lease, format_name: str, checked_at: datetime | None) -> str:
    # repr keeps the parts apart, whatever characters they contain
    parts = (
        _software_version(),
        lease.snapshot.details.snapshot_id,
        lease.as_of,
        checked_at,
        format_name,
        request.url.path,
        pairs_by_name(request),
    )
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
