"""What every request passes through: the log, faults, tokens and limits."""

import base64
import binascii
import itertools
import re
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import quote

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from github_stand_in.changes import apply
from github_stand_in.damage import Damage, Dropped, alter_headers
from github_stand_in.faults import (
    DOCUMENTATION,
    GIT_TOKEN_REFUSED,
    SECONDARY_DOCUMENTATION,
    SECONDARY_MESSAGE,
    Asked,
    Fault,
    Faults,
    Kind,
)
from github_stand_in.limits import Limits, Resource
from github_stand_in.world import Fields, TokenHolder, World

REST_PREFIX = "/api/v3"
GRAPHQL_PATH = "/api/graphql"
CONTROL_PREFIX = "/_stand_in/"
GIT_PATH = re.compile(r"/[^/]+/[^/]+/(?:info/refs|git-upload-pack|git-receive-pack|HEAD|objects/.*)\Z")
ALIAS = re.compile(r"\b[A-Za-z_]\w*\s*:\s*[A-Za-z_]\w*\s*[({]")
API_VERSIONS = ("2022-11-28", "2026-03-10")
UNKNOWN_WAIT_SECONDS = 60.0


def json_bytes(content: object) -> bytes:
    """JSON as it goes over the wire."""
    return orjson.dumps(content)


def error_response(status: int, message: str, documentation: str = DOCUMENTATION, **headers: str) -> Response:
    """An error in GitHub's words."""
    body = {"message": message, "documentation_url": documentation, "status": str(status)}
    return Response(
        json_bytes(body),
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
        media_type="application/json; charset=utf-8",
    )


@dataclass(slots=True)
class Exchange:
    """One request and what became of it; handlers find theirs in `scope["stand_in"]`."""

    kind: Kind
    method: str
    path: str
    query: str
    has_token: bool
    time: float
    aliases: int = 0
    status: int = 0
    fault: str | None = None
    caller: TokenHolder | None = field(default=None, repr=False)
    effect: Fault | None = field(default=None, repr=False)

    def describe(self) -> Fields:
        """The request as JSON, without anything secret."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in ("caller", "effect")}


class RequestLog:
    """Every request except those of the controls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []

    def add(self, exchange: Exchange) -> None:
        """Note a request."""
        with self._lock:
            self._exchanges.append(exchange)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._exchanges.clear()

    def describe(self) -> list[Fields]:
        """All requests as JSON."""
        with self._lock:
            return [exchange.describe() for exchange in self._exchanges]


def kind_of(path: str) -> Kind:
    """The service that a path belongs to."""
    if path.startswith(CONTROL_PREFIX):
        return "control"
    if path == GRAPHQL_PATH:
        return "graphql"
    if path == REST_PREFIX or path.startswith(REST_PREFIX + "/"):
        return "rest"
    return "git" if GIT_PATH.match(path) else "html"


def token_of(header: str, kind: Kind) -> str | None:
    """The token in an `Authorization` header. Git accepts it only as a password, the API in three forms."""
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() in ("bearer", "token") and kind != "git":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return ""
        return password if password not in ("", "x-oauth-basic") else user
    return ""


class Gate:
    """Wraps the services of the stand-in."""

    def __init__(self, app: ASGIApp, world: World, limits: Limits, faults: Faults, log: RequestLog) -> None:
        self.app = app
        self.world = world
        self.limits = limits
        self.faults = faults
        self.log = log
        self._request_numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        kind = kind_of(scope["path"])
        if kind == "control":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        exchange = Exchange(
            kind,
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            "authorization" in headers,
            time.monotonic(),
        )
        scope["stand_in"] = exchange
        self.log.add(exchange)
        body = ""
        if kind == "graphql":
            content, receive = await _buffered(receive)
            body = content.decode("utf-8", "replace")
            exchange.aliases = len(ALIAS.findall(body))
        if "authorization" in headers:
            token = token_of(headers["authorization"], kind)
            exchange.caller = self.world.holder_of(token) if token else None
        target = f"{exchange.path}?{exchange.query}" if exchange.query else exchange.path
        asked = Asked(kind, exchange.method, target, exchange.has_token, body, exchange.aliases)
        exchange.effect = self.faults.choose(asked)
        exchange.fault = exchange.effect.effect if exchange.effect else None
        resource: Resource | None = {"rest": "core", "graphql": "graphql"}.get(kind)  # type: ignore[assignment]
        if resource:
            self.limits.arrived(exchange.caller, resource)
        try:
            await self._answer(scope, receive, self._headed(send, exchange, resource), exchange, headers, resource)
        except Dropped:
            # Returning with an unfinished answer makes the server close the connection.
            return
        finally:
            if resource:
                self.limits.left()

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        exchange: Exchange,
        headers: Headers,
        resource: Resource | None,
    ) -> None:
        fault = exchange.effect
        if fault:
            send = damage = Damage(send, fault, self.faults.cleared)
            if fault.changes:
                await run_in_threadpool(self._change, fault.changes)
            if fault.effect == "hang":
                while (await receive())["type"] != "http.disconnect":
                    pass
                exchange.status = 0
                raise Dropped
            if fault.effect == "slow":
                await damage.pause()
            elif fault.effect == "reply":
                await self._fault_reply(fault, exchange)(scope, receive, send)
                return
            if fault.instead:
                scope["path"], scope["raw_path"] = fault.instead, quote(fault.instead).encode()
        refusal = self._refusal(exchange, headers, resource)
        await (refusal or self.app)(scope, receive, send)

    def _change(self, entries: list[Fields]) -> None:
        apply(self.world.root, entries)
        self.world.reload()

    def _fault_reply(self, fault: Fault, exchange: Exchange) -> Response:
        if fault.is_secondary_limit and exchange.kind in ("rest", "graphql"):
            wait = fault.headers.get("retry-after") or ""
            self.limits.refuse_secondary(exchange.caller, float(wait) if wait.isdigit() else UNKNOWN_WAIT_SECONDS)
        headers = {name: value for name, value in fault.headers.items() if value is not None}
        if isinstance(fault.body, str):
            return Response(fault.body, fault.status, headers, media_type="text/html")
        content = b"" if fault.body is None else json_bytes(fault.body)
        return Response(content, fault.status, headers, media_type="application/json; charset=utf-8")

    def _refusal(self, exchange: Exchange, headers: Headers, resource: Resource | None) -> Response | None:
        """The refusal of a request, or None if it may pass."""
        if resource is None:
            if exchange.kind == "git" and exchange.has_token and exchange.caller is None:
                return unauthorized_git(had_token=True)
            return None
        if not headers.get("user-agent"):
            text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header."
            return Response(text, 403, media_type="text/html")
        if exchange.has_token and exchange.caller is None:
            return error_response(401, "Bad credentials")
        if resource == "graphql" and exchange.caller is None:
            return error_response(401, "This endpoint requires you to be authenticated.")
        version = headers.get("x-github-api-version")
        if resource == "core" and version is not None and version not in API_VERSIONS:
            return error_response(400, f"{version} is not a supported version of the API.")
        if not self.limits.take_secondary(exchange.caller, resource):
            seconds = self.limits.settings.secondary_retry_after
            self.limits.refuse_secondary(exchange.caller, seconds)
            return error_response(403, SECONDARY_MESSAGE, SECONDARY_DOCUMENTATION, retry_after=str(seconds))
        if exchange.path == f"{REST_PREFIX}/rate_limit" or self.limits.take(exchange.caller, resource):
            return None
        if resource == "graphql":
            user = exchange.caller.id if exchange.caller else 0
            error = {"type": "RATE_LIMITED", "message": f"API rate limit exceeded for user ID {user}."}
            return Response(json_bytes({"errors": [error]}), media_type="application/json; charset=utf-8")
        who = f"user ID {exchange.caller.id}" if exchange.caller else "127.0.0.1"
        documentation = "https://docs.github.com/rest/overview/resources-in-the-rest-api#rate-limiting"
        return error_response(403, f"API rate limit exceeded for {who}.", documentation)

    def _headed(self, send: Send, exchange: Exchange, resource: Resource | None) -> Send:
        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                headers = MutableHeaders(scope=message)
                fault = exchange.effect if exchange.effect and exchange.effect.effect == "alter" else None
                headers.setdefault("server", "github.com")
                headers.setdefault("date", formatdate(self.limits.clock() + (fault.ahead if fault else 0), usegmt=True))
                headers.setdefault("x-github-request-id", f"5A11:{next(self._request_numbers):08X}")
                if resource:
                    for name, value in self.limits.bucket(exchange.caller, resource).headers(resource).items():
                        headers.setdefault(name, value)
                    headers.setdefault("x-github-media-type", "github.v3; format=json")
                    if exchange.caller:
                        headers.setdefault("x-oauth-scopes", ", ".join(exchange.caller.scopes))
                        headers.setdefault("x-accepted-oauth-scopes", "")
                if fault:
                    alter_headers(fault, headers)
            await send(message)

        return headed


def unauthorized_git(had_token: bool = False) -> Response:
    """Ask git for a password; `had_token` says that it sent a wrong one."""
    text = GIT_TOKEN_REFUSED if had_token else "Repository not found."
    return Response(text, 401, {"www-authenticate": 'Basic realm="GitHub"'}, "text/plain")


async def _buffered(receive: Receive) -> tuple[bytes, Receive]:
    """Read a whole body, and return it with a `receive` that gives it again."""
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    content = b"".join(parts)
    pending: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return content, again
