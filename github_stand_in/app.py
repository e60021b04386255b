"""The web application of the stand-in: its services, the gate before them, and the controls beside them."""

import json
import re
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from github_stand_in.faults import Faults, parse_fault
from github_stand_in.gate import (
    CONTROL_PREFIX,
    GRAPHQL_PATH,
    REST_PREFIX,
    Exchange,
    Gate,
    RequestLog,
    error_response,
    json_bytes,
)
from github_stand_in.git_http import Backend, GitService
from github_stand_in.graphql.engine import GraphQLEngine, cost_of, partial
from github_stand_in.graphql.resolvers import Context
from github_stand_in.limits import Limits, LimitSettings
from github_stand_in.oauth import OAuth, OAuthSettings
from github_stand_in.rest.accounts import AccountEndpoints
from github_stand_in.rest.histories import HistoryEndpoints
from github_stand_in.world import Fields, TokenHolder, World


def _json(content: object, status: int = 200) -> Response:
    return Response(json_bytes(content), status, media_type="application/json; charset=utf-8")


@dataclass(slots=True)
class Controls:
    """The endpoints below `/_stand_in/`, which GitHub does not have."""

    world: World
    limits: Limits
    faults: Faults
    log: RequestLog
    oauth: OAuth

    async def handle(self, request: Request) -> Response:
        """Answer a control request."""
        action = f"{request.method} {request.path_params['action']}"
        body: Any = json.loads(await request.body() or b"null")
        try:
            return _json(self._act(action, body))
        except (ValueError, TypeError, re.error) as error:
            return _json({"message": str(error)}, 400)
        except KeyError:
            return _json({"message": f"there is no {action}"}, 404)

    def _act(self, action: str, body: Any) -> object:
        match action:
            case "GET requests":
                return self.log.describe()
            case "DELETE requests":
                self.log.clear()
            case "GET faults":
                return self.faults.describe()
            case "POST faults":
                self.faults.add(parse_fault(body))
            case "DELETE faults":
                self.faults.clear()
            case "GET limits":
                return self.limits.describe()
            case "POST limits":
                self.limits.configure(**body)
            case "POST reload":
                self.world.reload()
            case "POST tokens":
                self.world.add_token(TokenHolder(**body) if "login" in body else str(body["token"]))
            case "DELETE tokens":
                self.world.tokens.pop(str(body["token"]), None)
            case "GET oauth":
                return self.oauth.describe()
            case "POST oauth":
                self.oauth.configure(**body)
            case "POST device":
                self.oauth.decide(**body)
            case _:
                raise KeyError(action)
        return {"done": action}


@dataclass(slots=True)
class GraphQLService:
    """`POST /api/graphql`"""

    world: World
    limits: Limits
    engine: GraphQLEngine

    def handle(self, body: bytes, exchange: Exchange, server: str) -> Response:
        """Answer a query."""
        try:
            request = json.loads(body)
        except ValueError:
            return error_response(400, "Problems parsing JSON")
        query = request.get("query") if isinstance(request, dict) else None
        if not isinstance(query, str):
            return error_response(400, "A query attribute must be specified and must be a string.")
        if exchange.caller is None:
            return error_response(401, "This endpoint requires you to be authenticated.")
        document = self.engine.prepare(query)
        if isinstance(document, dict):
            return _json(document)
        variables: Fields = request.get("variables") or {}
        cost, nodes = cost_of(document, variables)
        self.limits.charge(exchange.caller, "graphql", cost - 1)
        bucket = self.limits.bucket(exchange.caller, "graphql")
        context = Context(self.world, exchange.caller, bucket, cost, nodes, server)
        reply = self.engine.run(document, context, variables, request.get("operationName"))
        if exchange.effect and exchange.effect.effect == "graphql_partial":
            reply = partial(reply)
        return _json(reply)


@dataclass(slots=True)
class Pages:
    """The few pages of the web site that links lead to."""

    world: World

    def repository(self, request: Request) -> Response:
        """A repository's page, or that of one of its commits."""
        exchange: Exchange = request.scope["stand_in"]
        owner, name = request.path_params["owner"], request.path_params["name"].removesuffix(".git")
        found = self.world.repository(owner, name, exchange.caller)
        if found is None:
            return HTMLResponse("<!doctype html><title>Page not found</title>", 404)
        return HTMLResponse(f"<!doctype html><title>{found.full_name}</title><h1>{found.full_name}</h1>")


def _unknown(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return error_response(404 if status == 405 else status, "Not Found" if status in (404, 405) else "Server Error")


def create_app(
    world: World,
    limits: LimitSettings | None = None,
    *,
    polls: int = 1,
    backend: Backend | None = None,
    oauth: OAuthSettings | None = None,
) -> Starlette:
    """The stand-in as an ASGI application.

    `polls` is how often `stats/contributors` answers 202 before it answers; `backend` chooses git's program; `oauth`
    is the app that people can sign in to.
    """
    bookkeeping, faults, log = Limits(limits or LimitSettings()), Faults(), RequestLog()
    graphql = GraphQLService(world, bookkeeping, GraphQLEngine())
    git, pages, signing_in = GitService(world, backend), Pages(world), OAuth(world, oauth)

    async def answer_graphql(request: Request) -> Response:
        server = f"{request.url.scheme}://{request.url.netloc}"
        body = await request.body()
        return await run_in_threadpool(graphql.handle, body, request.scope["stand_in"], server)

    routes = [
        Route(
            CONTROL_PREFIX + "{action}",
            Controls(world, bookkeeping, faults, log, signing_in).handle,
            methods=["GET", "POST", "DELETE"],
        ),
        Route(GRAPHQL_PATH, answer_graphql, methods=["POST"]),
        *signing_in.routes(),
        *AccountEndpoints(world, bookkeeping).routes(),
        *HistoryEndpoints(world, bookkeeping, polls).routes(),
        Route("/{owner}/{name}/info/refs", git),
        Route("/{owner}/{name}/git-upload-pack", git),
        Route("/{owner}/{name}/git-receive-pack", git),
        Route("/{owner}/{name}", pages.repository),
        Route("/{owner}/{name}/commit/{sha}", pages.repository),
    ]
    application = Starlette(
        routes=routes,
        middleware=[Middleware(Gate, world=world, limits=bookkeeping, faults=faults, log=log)],
        exception_handlers={HTTPException: _unknown},
    )
    application.router.redirect_slashes = False
    return application


__all__ = ["REST_PREFIX", "Controls", "GraphQLService", "Pages", "create_app"]
