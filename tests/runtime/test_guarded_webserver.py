"""What the guard before Dagster's web server refuses, and what it lets through."""

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from git_contrib_assets.runtime.guarded_webserver import Guard

PASSED = (200, "done")
ANOTHER_WEBSITE = (403, "This request was refused because it comes from another website.\n")
LINK = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
OTHER_HOSTS = ("dagster.example", "inside.example:8443")
FOREIGN = [
    "http://evil.example",
    "http://127.0.0.1",
    "http://127.0.0.1:8000",
    "http://localhost:3000",
    "http://evil.example#http://127.0.0.1:3000",
    "ftp://127.0.0.1:3000",
    "127.0.0.1:3000",
    "null",
    "",
]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Does whatever it is asked."""
    del receive
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    await send({"type": f"{kind}.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": f"{kind}.body", "body": b"done"})


@dataclass
class Server:
    """The application behind the guard."""

    bound_to: str = "127.0.0.1"
    other_hosts: tuple[str, ...] = ()
    hosts: list[str] = field(default_factory=lambda: ["127.0.0.1:3000"])

    def ask(self, method: str = "GET", path: str = "/", kind: str = "http", **headers: str) -> tuple[int, str]:
        """The status and the text of its answer. Headers are named with _ for -."""
        start, body = self.messages(method, path, kind, **headers)
        return start["status"], body["body"].decode()

    def messages(self, method: str, path: str, kind: str, **headers: str) -> list[Message]:
        sent: list[Message] = []

        async def receive() -> Message:
            raise AssertionError("nothing of a request has to be read to judge it")

        async def send(message: Message) -> None:
            sent.append(message)

        pairs = [("host", host) for host in self.hosts] + [(n.replace("_", "-"), v) for n, v in headers.items()]
        scope: dict[str, Any] = {
            "type": kind,
            "path": path,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs],
            "extensions": {"websocket.http.response": {}},
        }
        scope |= {"method": method} if kind == "http" else {}
        asyncio.run(Guard(application, self.bound_to, self.other_hosts)(scope, receive, send))
        return sent


OURS = Server()


@pytest.mark.parametrize(
    ("host", "bound_to"),
    [
        ("127.0.0.1:3000", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("LOCALHOST:3000", "::1"),
        ("[::1]:3000", "::1"),
        ("Server.example:3000", "server.EXAMPLE"),
        ("192.0.2.7", "192.0.2.7"),
        ("localhost:3000", "192.0.2.7"),
        ("192.0.2.7:3000", "0.0.0.0"),
        ("[2001:db8::7]", "::"),
    ],
)
def test_hosts_that_it_was_bound_to(host: str, bound_to: str) -> None:
    """Bound to all addresses, it has them all, but no name."""
    assert Server(bound_to, hosts=[host]).ask() == PASSED


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("host", "bound_to"),
    [
        ("evil.example", "127.0.0.1"),
        ("evil.example:3000", "0.0.0.0"),
        ("127.0.0.1.evil.example", "127.0.0.1"),
        ("localhost.evil.example", "127.0.0.1"),
        ("192.0.2.7:3000", "127.0.0.1"),
        ("evil@127.0.0.1", "127.0.0.1"),
        ("127.0.0.1:3000:3000", "127.0.0.1"),
        ("[::1", "::"),
        ("", "127.0.0.1"),
    ],
)
def test_a_foreign_host_is_misdirected(host: str, bound_to: str, kind: str) -> None:
    """Even where the origin agrees: a website can make its own name lead here."""
    assert Server(bound_to, hosts=[host]).ask("POST", "/graphql", kind, origin=f"http://{host}") == (
        421,
        f"This server does not answer to the host {host!r}. To allow it, add it to GIT_CONTRIB_UI_HOSTS.\n",
    )


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1", "evil.example"], ["127.0.0.1", "127.0.0.1"]])
def test_a_request_has_one_host(hosts: list[str]) -> None:
    assert Server(hosts=hosts).ask()[0] == 421


def test_a_foreign_host_is_shown_cut_and_in_plain_letters() -> None:
    status, text = Server(hosts=["\x1b\xe4" * 1000]).ask()
    assert status == 421
    assert len(text) < 600
    assert text.isascii()
    assert "\x1b" not in text


@pytest.mark.parametrize("host", ["dagster.example", "dagster.example:3000", "inside.example", "localhost"])
def test_a_host_of_the_setting_is_ours_with_any_port(host: str) -> None:
    """A proxy may leave the port out."""
    assert Server(other_hosts=OTHER_HOSTS, hosts=[host]).ask() == PASSED
    assert Server(other_hosts=OTHER_HOSTS, hosts=["evil.example"]).ask()[0] == 421


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_a_foreign_origin_is_refused(method: str, origin: str) -> None:
    """Also that of another port of this machine, and also if it only asks: it might read the answer."""
    assert OURS.ask(method, "/graphql", origin=origin, accept="text/html") == ANOTHER_WEBSITE


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_websocket_of_a_foreign_origin_is_refused(origin: str) -> None:
    assert OURS.ask(path="/graphql", kind="websocket", origin=origin) == ANOTHER_WEBSITE


@pytest.mark.parametrize("origin", ["http://127.0.0.1:3000", "https://dagster.example", "https://inside.example:8443"])
def test_its_own_pages_may_ask_anything(origin: str) -> None:
    """Also through a proxy that asks us by our address, if the setting has what people see in the address bar."""
    ours = Server(other_hosts=OTHER_HOSTS)
    assert ours.ask("POST", "/graphql", origin=origin, sec_fetch_site="same-origin") == PASSED
    assert ours.ask(path="/graphql", kind="websocket", origin=origin, sec_fetch_site="cross-site") == PASSED


def test_another_port_of_a_host_of_the_setting_is_another_website() -> None:
    ours = Server(other_hosts=OTHER_HOSTS)
    assert ours.ask("POST", "/graphql", origin="https://dagster.example:8443") == ANOTHER_WEBSITE


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_programs_other_than_browsers_may_ask_anything(kind: str) -> None:
    """They send neither of the headers."""
    assert OURS.ask("POST", "/graphql", kind) == PASSED


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something new"])
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}),
        ("GET", {"sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}),
        ("GET", {}),
        ("POST", LINK),
    ],
)
def test_what_another_website_sends_is_refused(site: str, method: str, headers: dict[str, str]) -> None:
    """An image, a page in a frame, an unknown kind, a form."""
    assert OURS.ask(method, "/runs", sec_fetch_site=site, **headers) == ANOTHER_WEBSITE


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin", "none"])
def test_a_link_opens_a_page(site: str) -> None:
    assert OURS.ask("GET", "/runs", sec_fetch_site=site, accept="text/html", **LINK) == PASSED


def test_no_page_is_shown_inside_one_of_another_website() -> None:
    """Some browsers do not say that a page is wanted for a frame."""
    start, _ = OURS.messages("GET", "/runs", "http")
    assert start["headers"] == [(b"content-type", b"text/plain"), (b"x-frame-options", b"SAMEORIGIN")]


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("path", ["/graphql", "/prefix/graphql"])
def test_graphql_is_answered_to_post_only(path: str, method: str) -> None:
    """In the address it could be asked by an image; and some browsers do not say which website shows it."""
    assert OURS.ask(method, path, accept="image/*,*/*") == (
        403,
        "GraphQL is answered only when it is sent with POST.\n",
    )
    assert OURS.ask(method, path, accept="text/html") == PASSED  # Dagster's editor, which runs nothing by itself


def test_the_command_line_is_that_of_dagster() -> None:
    command = [sys.executable, "-m", "git_contrib_assets.runtime.guarded_webserver", "--help"]
    environment = {**os.environ, "GIT_CONTRIB_UI_HOSTS": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert {"--host", "--port", "--path-prefix", "--read-only", "--workspace"} <= set(
        done.stdout.replace(",", " ").split()
    )
