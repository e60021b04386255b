"""Answers as bytes: kept per snapshot, named by an ETag, sent compressed to those who take it."""

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import anyio.to_thread
from fastapi import Request, Response

if TYPE_CHECKING:
    from api.snapshot import Lease, SnapshotStore

CACHE_CONTROL = "public, max-age=300, stale-while-revalidate=1800"
COMPRESS_FROM_BYTES = 1024
COMPRESS_LEVEL = 5
# an answer larger than this share of the cache would push all others out
LARGEST_SHARE = 8


@dataclass
class Answer:
    """The bytes of an answer and what has to be said about them."""

    body: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    compressible: bool = True
    compressed: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes of memory the answer may come to take, with its compressed form, which is made later."""
        return len(self.body) * 2


class AnswerCache:
    """The answers last asked for, bounded by their bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Answer | None:
        """The answer kept under the key."""
        with self._lock:
            answer = self._answers.get(key)
            if answer is not None:
                self._answers.move_to_end(key)
            return answer

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer, at the cost of those not asked for the longest."""
        if answer.size > self._limit // LARGEST_SHARE:
            return
        with self._lock:
            old = self._answers.pop(key, None)
            self._size += answer.size - (old.size if old else 0)
            self._answers[key] = answer
            while self._size > self._limit:
                _key, dropped = self._answers.popitem(last=False)
                self._size -= dropped.size


async def serve(
    request: Request,
    build: "Callable[[Lease], Answer]",
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
        tag = _tag(details.snapshot_id, checked, format_name, request)
        headers = {
            "ETag": tag,
            "Cache-Control": CACHE_CONTROL,
            "Vary": "Accept, Accept-Encoding",
            "X-Snapshot": details.snapshot_id,
            "X-Complete-Through": details.complete_through.isoformat(),
        }
        if details.as_of is not None:
            headers["X-As-Of"] = f"{details.as_of:%Y-%m-%dT%H:%M:%SZ}"
        asked = _tags(request.headers.get("if-none-match", ""))
        if _opaque(tag) in asked:
            return Response(status_code=304, headers=headers)
        answer = lease.snapshot.cache.get(tag)
        if answer is None:
            # in a thread: a query would hold up every other request of the loop
            answer = await anyio.to_thread.run_sync(build, lease, limiter=store.limiter)
            lease.snapshot.cache.put(tag, answer)
        if "*" in asked:
            return Response(status_code=304, headers=headers)
        body = answer.body
        if answer.compressible and len(body) >= COMPRESS_FROM_BYTES and _takes_gzip(request):
            if answer.compressed is None:
                answer.compressed = await anyio.to_thread.run_sync(_compress, body, limiter=store.limiter)
            body = answer.compressed
            headers["Content-Encoding"] = "gzip"
        return Response(body, media_type=answer.media_type, headers={**headers, **answer.headers})


@cache
def _software_version() -> str:
    """Part of every ETag: another version may say the same data differently."""
    try:
        return version("git-contrib")
    except PackageNotFoundError:
        return "source"


def _tag(snapshot_id: str, checked: str, format_name: str, request: Request) -> str:
    # repr keeps the parts apart whatever characters they hold
    parts = (
        _software_version(),
        snapshot_id,
        checked,
        format_name,
        request.url.path,
        sorted(request.query_params.multi_items()),
    )
    # weak: the compressed and the plain body share it
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def _opaque(tag: str) -> str:
    return tag.strip().removeprefix("W/")


def _tags(header: str) -> set[str]:
    return {_opaque(tag) for tag in header.split(",")}


def _compress(body: bytes) -> bytes:
    # without a time stamp the same body always gives the same bytes
    return gzip.compress(body, COMPRESS_LEVEL, mtime=0)


def _takes_gzip(request: Request) -> bool:
    for part in request.headers.get("accept-encoding", "").split(","):
        name, _, quality = part.partition(";")
        if name.strip().lower() in {"gzip", "*"}:
            return quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
