"""Dagster's web server behind a guard that keeps other websites out.

The UI has no sign-in. A website that somebody visits can send requests from their browser to any server that the browser
reaches, also to one on 127.0.0.1. Without the guard it could start runs, or stop the code server.
"""

import ipaddress
from collections.abc import Collection
from typing import Any

import uvicorn
from dagster._core.workspace.context import IWorkspaceProcessContext
from dagster_webserver import cli
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from git_contrib_assets.graph.sqlite_timeout import prepare_sqlite
from git_contrib_assets.runtime.ports import ALL_ADDRESSES, UI_HOSTS, host_name, ui_hosts

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SHOWN = 100


class Guard:
    """Passes on to an application only what its own pages, links to them, and programs other than browsers ask."""

    def __init__(self, app: ASGIApp, bound_to: str, other_hosts: Collection[str] = ()) -> None:
        self._app = app
        self._names = {*_LOOPBACK, bound_to.lower(), *map(host_name, other_hosts)}
        self._has_all_addresses = bound_to in ALL_ADDRESSES
        self._other_hosts = frozenset(other_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it in a sentence."""
        refusal = None if scope["type"] == "lifespan" else self._refusal(HTTPConnection(scope))
        await (refusal or self._app)(scope, receive, _not_for_frames(send))

    def _refusal(self, request: HTTPConnection) -> PlainTextResponse | None:
        host = ", ".join(request.headers.getlist("host")).lower()
        if not self._is_ours(host):
            return PlainTextResponse(
                f"This server does not answer to the host {host[:_SHOWN]!a}. To allow it, add it to {UI_HOSTS}.\n", 421
            )
        if any(not self._is_same(origin, host) for origin in request.headers.getlist("origin")) or (
            _is_sent_by_another_site(request) and not _opens_a_page(request)
        ):
            return PlainTextResponse("This request was refused because it comes from another website.\n", 403)
        if _is_graphql_in_the_address(request):
            return PlainTextResponse("GraphQL is answered only when it is sent with POST.\n", 403)
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether it is one of our names. A website can have its own name lead to our address, but not ours to its own."""
        name = host_name(host)
        return name is not None and (name in self._names or (self._has_all_addresses and _is_address(name)))

    def _is_same(self, origin: str, host: str) -> bool:
        scheme, _, authority = origin.lower().partition("://")
        return scheme in {"http", "https"} and (authority == host or authority in self._other_hosts)


def _not_for_frames(send: Send) -> Send:
    """Pages of the UI may not be shown inside those of another website, which could make people click in them."""

    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["X-Frame-Options"] = "SAMEORIGIN"
        await send(message)

    return send_with_header


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_sent_by_another_site(request: HTTPConnection) -> bool:
    """What the browser says. Of a websocket the origin says it: not all browsers take ws:// for the site of http://."""
    if request.scope["type"] == "websocket":
        return False
    return request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}


def _opens_a_page(request: HTTPConnection) -> bool:
    """Whether somebody follows a link to the UI: that only shows a page, in a window of its own."""
    headers = request.headers
    wanted = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    return request.scope["method"] == "GET" and wanted == ("navigate", "document")


def _is_graphql_in_the_address(request: HTTPConnection) -> bool:
    """Dagster would do what it asks, and any page can ask by an image. With text/html it only shows an editor."""
    return (
        request.scope["type"] == "http"
        and request.scope["path"].endswith("/graphql")
        and request.scope["method"] != "POST"
        and "text/html" not in request.headers.get("accept", "")
    )


def _serve(
    workspace_process_context: IWorkspaceProcessContext[Any],
    host: str | None,
    port: int | None,
    path_prefix: str,
    log_level: str,
    live_data_poll_rate: int | None = None,
) -> None:
    """What Dagster's command does when it has read its options; the guard is added."""
    app = create_app_from_workspace_process_context(workspace_process_context, path_prefix, live_data_poll_rate)
    host, port = host or cli.DEFAULT_WEBSERVER_HOST, port or cli.DEFAULT_WEBSERVER_PORT
    uvicorn.run(Guard(app, host, ui_hosts()), host=host, port=port, log_level=log_level)


def main() -> None:
    """Be ``python -m dagster_webserver`` with the arguments given, behind the guard."""
    prepare_sqlite()
    cli.host_dagster_ui_with_workspace_process_context = _serve
    cli.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
