"""What happens to every request: its id, HEAD, CORS, the answer to an unexpected error, one line of log."""

import re
import secrets
import time
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kit.answers import CachedResponse
from api.kit.caching import request_key
from api.kit.logs import logger
from api.kit.problems import internal_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.kit.store import SnapshotStore

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "Accept-Ranges, Content-Range, ETag, Link, Retry-After, X-As-Of, X-Complete-Through, X-Request-ID, X-Snapshot"
    ),
}
RAW_CORS_HEADERS = [(name.lower().encode(), value.encode()) for name, value in CORS_HEADERS.items()]
# stands for the route of requests that match no route
NO_ROUTE = "none"
# requests with one of these headers are answered by their route
ASKS_ITS_ROUTE = frozenset((b"authorization", b"if-none-match", b"range"))
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
    "Cache-Control": "no-store",
}


class DocumentationGzipMiddleware(GZipMiddleware):
    """Compresses the documentation. Answers from a snapshot are compressed once and cached (see caching.py)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"].endswith(("/openapi.json", ".css", ".js")):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class EdgeMiddleware:
    """The outermost layer: every answer gets its headers, and every error becomes a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        answer = _Answering(scope, headers, send)
        # the app answers HEAD like GET, and the body is left out
        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        cached = None
        try:
            cached = _cached(scope)
            if cached is not None:
                await answer.send_cached(*cached)
            elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                await Response(status_code=204, headers=PREFLIGHT_HEADERS)(scope, receive, answer.send)
            else:
                await self.app(inner, receive, answer.send)
        except Exception:
            logger.exception("request failed", request_id=answer.request_id, path=scope["path"])
            # part of the answer is already sent: closing the connection is the only way to say that it is incomplete
            if answer.status:
                raise
            await internal_error(scope)(scope, receive, answer.send)
        finally:
            route = cached[0].route if cached else getattr(inner.get("route"), "path", None)
            answer.record(route or NO_ROUTE, time.perf_counter() - started)


class _Answering:
    """Sends the answer to one request, with the headers that every answer has, and remembers its status."""

    def __init__(self, scope: Scope, headers: Headers, send: Send) -> None:
        given = headers.get("x-request-id", "")
        self.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        self.status = 0
        self._scope = scope
        self._send = send
        state = scope.setdefault("state", {})
        state["request_id"], state["is_head"] = self.request_id, scope["method"] == "HEAD"

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            headers.setdefault("Cache-Control", "no-cache")
            # no website but ours has a reason to read what is not public
            for name, value in () if self._scope["state"].get("is_private") else CORS_HEADERS.items():
                headers.setdefault(name, value)
        elif self._scope["method"] == "HEAD":
            message = {**message, "body": b""}
        await self._send(message)

    async def send_cached(self, cached: CachedResponse, body: bytes) -> None:
        """Send a cached answer, whose own headers are encoded already."""
        self.status = 200
        headers = [*cached.headers, *RAW_CORS_HEADERS, (b"x-request-id", self.request_id.encode())]
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    def record(self, route: str, seconds: float) -> None:
        """Count the answer and log it."""
        self._scope["app"].state.metrics.count(route, self.status, seconds)
        logger.info(
            "request",
            request_id=self.request_id,
            method=self._scope["method"],
            path=self._scope["path"],
            status=self.status,
            milliseconds=round(seconds * 1000, 1),
        )


def _cached(scope: Scope) -> tuple[CachedResponse, bytes] | None:
    """The cached answer to a GET request that was answered before, found without routing and parsing of parameters.

    Whoever says who they are is never answered from here: a right bearer is owed more, and a wrong one is refused.
    """
    if scope["method"] != "GET" or not ASKS_ITS_ROUTE.isdisjoint(name for name, _value in scope["headers"]):
        return None
    key = request_key(scope)
    stores: Sequence[SnapshotStore] = scope["app"].state.public_stores
    for store in stores:
        lease = store.current()
        found = lease.snapshot.cache.find(key) if lease else None
        # a check that changes no table still moves ``as_of``, which every answer contains
        if lease and found and found[0].as_of == lease.as_of:
            return found
    return None
