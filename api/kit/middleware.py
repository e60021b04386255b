"""What happens to every request: its id, HEAD, CORS, the answer to an unexpected error, one line of log."""

import re
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kit.answers import CachedResponse
from api.kit.caching import request_key
from api.kit.logs import logger
from api.kit.problems import internal_error

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, Retry-After, X-As-Of, X-Complete-Through, X-Request-ID, X-Snapshot",
}
RAW_CORS_HEADERS = [(name.lower().encode(), value.encode()) for name, value in CORS_HEADERS.items()]
# stands for the route of requests that match no route
NO_ROUTE = "none"
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
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        method = scope["method"]
        started = time.perf_counter()
        status = 0

        async def edge_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answer_headers = MutableHeaders(scope=message)
                answer_headers["X-Request-ID"] = request_id
                answer_headers.setdefault("Cache-Control", "no-cache")
                for name, value in CORS_HEADERS.items():
                    answer_headers.setdefault(name, value)
            elif method == "HEAD":
                # HEAD sends the headers that GET would send, without the body
                message = {**message, "body": b""}
            await send(message)

        inner = {**scope, "method": "GET"} if method == "HEAD" else scope
        route = None
        try:
            found = _cached(scope, headers)
            if found is not None:
                (cached, body), status = found, 200
                route = cached.route
                edge = [*cached.headers, *RAW_CORS_HEADERS, (b"x-request-id", request_id.encode())]
                await send({"type": "http.response.start", "status": status, "headers": edge})
                await send({"type": "http.response.body", "body": body})
            elif method == "OPTIONS" and "access-control-request-method" in headers:
                await Response(status_code=204, headers=PREFLIGHT_HEADERS)(scope, receive, edge_send)
            else:
                await self.app(inner, receive, edge_send)
        except Exception:
            logger.exception("request failed", request_id=request_id, path=scope["path"])
            # part of the answer is already sent: closing the connection is the only way to say that it is incomplete
            if status:
                raise
            await internal_error(scope)(scope, receive, edge_send)
        finally:
            seconds = time.perf_counter() - started
            route = route or getattr(inner.get("route"), "path", None) or NO_ROUTE
            scope["app"].state.metrics.count(route, status, seconds)
            logger.info(
                "request",
                request_id=request_id,
                method=method,
                path=scope["path"],
                status=status,
                milliseconds=round(seconds * 1000, 1),
            )


def _cached(scope: Scope, headers: Headers) -> tuple[CachedResponse, bytes] | None:
    """The cached answer to a GET request that was answered before, found without routing and parsing of parameters."""
    if scope["method"] != "GET" or "if-none-match" in headers:
        return None
    lease = scope["app"].state.store.current()
    found = lease.snapshot.cache.find(request_key(scope)) if lease else None
    # a check that changes no table still moves ``as_of``, which every answer contains
    return found if found and found[0].as_of == lease.as_of else None
