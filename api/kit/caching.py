"""Answers over HTTP: kept per snapshot, named by an ETag, sent compressed to those who take it."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from fastapi import Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Scope

from api.kit.answers import Answer, Ready, Stream, Words
from api.kit.snapshot import Lease, SnapshotStore

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
    """Answer from the current snapshot: 304 if the caller has it, from the cache if it is there, else build it.

    ``tells_check``: the answer holds the time of the last check, so it changes with it.
    """
    store: SnapshotStore = request.app.state.store
    async with store.lease() as lease:
        details = lease.snapshot.details
        checked = lease.checked_at.isoformat() if tells_check else ""
        as_of = lease.as_of.isoformat() if lease.as_of else ""
        tag = _tag(details.snapshot_id, as_of, checked, format_name, request)
        headers = {
            "ETag": tag,
            "Cache-Control": CACHE_CONTROL,
            "Vary": "Accept, Accept-Encoding",
            "X-Snapshot": details.snapshot_id,
            "X-Complete-Through": details.complete_through.isoformat(),
        }
        if lease.as_of is not None:
            headers["X-As-Of"] = f"{lease.as_of:%Y-%m-%dT%H:%M:%SZ}"
        asked = _tags(request.headers.get("if-none-match", ""))
        if _opaque(tag) in asked:
            return Response(status_code=304, headers=headers)
        answer: Answer | Stream | None = lease.snapshot.cache.get(tag)
        if answer is None:
            answer = await store.in_thread(build, lease)
            if isinstance(answer, Answer):
                lease.snapshot.cache.put(tag, answer)
        if "*" in asked:
            return Response(status_code=304, headers=headers)
        headers.update(answer.headers)
        packed = answer.compressible and _takes_gzip(request)
        if isinstance(answer, Stream):
            if packed:
                headers["Content-Encoding"] = "gzip"
            parts = _compressed(answer.parts) if packed else answer.parts
            return StreamingResponse(parts, media_type=answer.media_type, headers=headers)
        body = answer.body
        packed = packed and len(body) >= COMPRESS_FROM_BYTES
        if packed:
            if answer.compressed is None:
                answer.compressed = await store.in_thread(_compress, body)
            body = answer.compressed
            headers["Content-Encoding"] = "gzip"
        response = Response(body, media_type=answer.media_type, headers=headers)
        if not tells_check:
            ready = Ready(tag, request.scope["route"].path, response.raw_headers, packed, lease.as_of)
            lease.snapshot.cache.remember(words_of(request.scope), ready)
        return response


def words_of(scope: Scope) -> Words:
    """What a request says, as far as an answer depends on it."""
    accept = encoding = b""
    for name, value in reversed(scope["headers"]):
        if name == b"accept":
            accept = value
        elif name == b"accept-encoding":
            encoding = value
    return scope["path"], scope["query_string"], accept, encoding


@cache
def _software_version() -> str:
    """Part of every ETag: another version may say the same data differently."""
    try:
        return version("git-contrib")
    except PackageNotFoundError:
        return "source"


def _tag(snapshot_id: str, as_of: str, checked: str, format_name: str, request: Request) -> str:
    # repr keeps the parts apart whatever characters they hold
    parts = (
        _software_version(),
        snapshot_id,
        as_of,
        checked,
        format_name,
        request.url.path,
        pairs_by_name(request),
    )
    # weak: the compressed and the plain body share it
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def pairs_by_name(request: Request) -> list[tuple[str, str]]:
    """The parameters by name; those of one name stay in their order, for it says which of them counts."""
    return sorted(request.query_params.multi_items(), key=lambda pair: pair[0])


def _opaque(tag: str) -> str:
    return tag.strip().removeprefix("W/")


def _tags(header: str) -> set[str]:
    return {_opaque(tag) for tag in header.split(",")}


def _compress(body: bytes) -> bytes:
    # without a time stamp the same body always gives the same bytes
    return gzip.compress(body, COMPRESS_LEVEL, mtime=0)


def _compressed(parts: Iterator[bytes]) -> Iterator[bytes]:
    # 16 more than the size of the window: with the head and the tail of a gzip file
    packer = zlib.compressobj(COMPRESS_LEVEL, wbits=zlib.MAX_WBITS + 16)
    for part in parts:
        yield packer.compress(part)
    yield packer.flush()


def _takes_gzip(request: Request) -> bool:
    told = {}
    for part in request.headers.get("accept-encoding", "").split(","):
        name, _, quality = part.partition(";")
        told[name.strip().lower()] = quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    # the star is for those that are not named
    return told.get("gzip", told.get("*", False))
