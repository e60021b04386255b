"""Things that go wrong on purpose: which requests are hit, and what happens to them.

A fault is data: fields of `Fault`, from a test (`StandIn.fault`) or as JSON (`POST /_stand_in/faults`). `preset` fills
in the fields of one of `PRESETS`.
"""

import asyncio
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from github_stand_in.changes import ACTIONS
from github_stand_in.world import Fields

Kind = Literal["rest", "graphql", "git", "control", "html"]
Effect = Literal[
    "reply",  # answers with `status`, `headers` and `body`
    "alter",  # answers as usual, but with other `headers` (null: without), a clock `ahead`, or the path `instead`
    "slow",  # waits for `delay` before the first byte
    "drip",  # waits for `delay` after every `chunk` bytes
    "hang",  # never answers
    "drop",  # breaks off in the middle of the body
    "corrupt_git",  # damages the pack
    "git_gives_up",  # ends the pack with the text `body` and an error, as if the server's disk were full
    "filter_unsupported",  # serves git without partial clones
    "graphql_partial",  # gives up half of the fields
]

DOCUMENTATION = "https://docs.github.com/rest"
SECONDARY_DOCUMENTATION = (
    "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"
)
SECONDARY_MESSAGE = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
BLOCKED_SINCE = "2025-01-28T11:38:33Z"
DRIP_BYTES = 16

GIT_THROTTLED = (
    "GitHub is temporarily limiting some unauthenticated downloads to protect the stability of the platform. "
    "Please retry later or authenticate."
)
GIT_TOKEN_REFUSED = "Invalid username or token. Password authentication is not supported for Git operations."  # noqa: S105
# Console markup, control characters, line ends, and a character that turns the direction of text.
HOSTILE = "No[/red] [bold]access\x1b[31m\x1b]0;title\x07\r\n2026-01-01 ERROR made up\x00\u202e"


def packet(text: str) -> str:
    """A line of git's protocol."""
    return f"{len(text.encode()) + 4:04x}{text}"


def _blocked(reason: str) -> Fields:
    notice = {"reason": reason, "created_at": BLOCKED_SINCE, "html_url": "https://github.com/tos"}
    return {"message": "Repository access blocked", "block": notice}


def _message(text: str) -> Fields:
    return {"message": text, "documentation_url": DOCUMENTATION}


def _git_error(text: str) -> Fields:
    """The fields of an answer that git shows as `fatal: remote error: …`."""
    headers = {"content-type": "application/x-git-upload-pack-advertisement"}
    return {"kind": "git", "path": "/info/refs", "status": 200, "headers": headers, "body": packet(f"ERR {text}")}


PRESETS: dict[str, Fields] = {
    # Refusals, which a client of GitHub has to tell apart.
    "bad_gateway": {"status": 502, "body": {"message": "Server Error"}},
    "not_found": {"status": 404, "body": {**_message("Not Found"), "status": "404"}},
    "dmca": {"status": 451, "body": _blocked("dmca")},
    "tos": {"status": 403, "body": _blocked("tos")},
    "secondary_limit": {
        "status": 403,
        "body": {"message": SECONDARY_MESSAGE, "documentation_url": SECONDARY_DOCUMENTATION},
    },
    "forbidden": {"status": 403, "body": _message("Resource not accessible by personal access token")},
    "sso": {
        "status": 403,
        "headers": {"x-github-sso": "required; url=https://github.com/orgs/example/sso?authorization_request=A1"},
        "body": _message("Resource protected by organization SAML enforcement."),
    },
    "too_large": {
        "status": 403,
        "body": _message(
            "The history or contributor list is too large to list contributors for this repository via the API."
        ),
    },
    "token_refused": {"has_token": True, "status": 401, "body": {**_message("Bad credentials"), "status": "401"}},
    "version_gone": {"status": 410, "body": {"message": "This API version is no longer supported."}},
    "hostile_message": {"status": 403, "body": _message(HOSTILE)},
    "long_message": {"status": 403, "body": _message("x" * 1_000_000)},
    # Answers that differ from the usual ones.
    "alter": {"effect": "alter"},
    "no_link": {"kind": "rest", "effect": "alter", "headers": {"link": None}},
    # GraphQL.
    "graphql_502": {"kind": "graphql", "status": 502, "body": "<html><title>502 Bad Gateway</title></html>"},
    "graphql_timeout": {
        "kind": "graphql",
        "status": 504,
        "body": {"message": "We couldn't respond to your request in time. Sorry about that."},
    },
    "graphql_partial": {"kind": "graphql", "effect": "graphql_partial"},
    # Git.
    "git_token_refused": {
        "kind": "git",
        "has_token": True,
        "status": 401,
        "headers": {"www-authenticate": 'Basic realm="GitHub"', "content-type": "text/plain"},
        "body": GIT_TOKEN_REFUSED,
    },
    "git_too_many_requests": {"kind": "git", "status": 429, "body": "This request was rate-limited."},
    "git_throttled": _git_error(GIT_THROTTLED),
    "git_hostile_message": _git_error(HOSTILE),
    "git_remote_disk_full": {
        "kind": "git",
        "path": "/git-upload-pack",
        "effect": "git_gives_up",
        "body": "fatal: sha1 file '<stdout>' write error: No space left on device",
    },
    "corrupt_git": {"kind": "git", "effect": "corrupt_git"},
    "filter_unsupported": {"kind": "git", "effect": "filter_unsupported"},
    # Time and connections.
    "slow": {"effect": "slow", "delay": 1.0},
    "drip": {"effect": "drip", "delay": 0.05},
    "byte_by_byte": {"effect": "drip", "delay": 10.0, "chunk": 1},
    "hang": {"effect": "hang"},
    "drop": {"effect": "drop"},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a request when it arrives; `target` is its path and query."""

    kind: Kind
    method: str
    target: str
    has_token: bool
    body: str = ""
    aliases: int = 0


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong: which requests it hits, how often, and what happens.

    `changes` are made to what is served just before the answer, once per hit: see `changes.ACTIONS`.
    """

    effect: Effect = "reply"
    kind: Kind | None = None
    path: str = ""
    method: str | None = None
    contains: str = ""
    has_token: bool | None = None
    more_aliases_than: int | None = None
    after: int = 0
    times: int | None = None
    status: int = 502
    headers: dict[str, str | None] = field(default_factory=dict)
    body: Any = None
    delay: float = 0.0
    chunk: int = DRIP_BYTES
    ahead: float = 0.0
    instead: str = ""
    changes: list[Fields] = field(default_factory=list)
    hits: int = 0
    seen: int = 0

    def matches(self, asked: Asked) -> bool:
        """Whether a request is one of those to be hit; `after` and `times` are not looked at."""
        return (
            self.kind in (None, asked.kind)
            and self.method in (None, asked.method)
            and self.has_token in (None, asked.has_token)
            and re.search(self.path, asked.target) is not None
            and self.contains in asked.body
            and (self.more_aliases_than is None or asked.aliases > self.more_aliases_than)
        )

    @property
    def is_secondary_limit(self) -> bool:
        """Whether it tells the client to pause all its requests."""
        message = self.body.get("message") if isinstance(self.body, Mapping) else None
        return "retry-after" in self.headers or message == SECONDARY_MESSAGE

    def describe(self) -> Fields:
        """The fault as JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def parse_fault(fields: Mapping[str, Any]) -> Fault:
    """Read a fault: `preset` names one of `PRESETS`, all other fields are those of `Fault`."""
    chosen = dict(fields)
    preset = chosen.pop("preset", None)
    if preset is not None and preset not in PRESETS:
        raise ValueError(f"there is no fault called {preset!r}")
    merged: Fields = {**PRESETS.get(str(preset), {}), **chosen}
    unknown = set(merged) - set(Fault.__slots__)
    if unknown:
        raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
    merged["headers"] = {
        str(name).lower(): None if value is None else str(value) for name, value in merged.get("headers", {}).items()
    }
    fault = Fault(**merged)
    if fault.effect not in get_args(Effect):
        raise ValueError(f"there is no effect called {fault.effect!r}")
    for change in fault.changes:
        if change.get("action") not in ACTIONS:
            raise ValueError(f"there is no change called {change.get('action')!r}")
    if fault.chunk < 1:
        raise ValueError("a chunk has at least one byte")
    re.compile(fault.path)
    return fault


class Faults:
    """The faults in force; if several match a request, the one added last happens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.cleared = asyncio.Event()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults; requests that wait because of one go on."""
        with self._lock:
            self._faults.clear()
        self.cleared.set()
        self.cleared = asyncio.Event()

    def describe(self) -> list[Fields]:
        """All faults, with how often each happened."""
        with self._lock:
            return [fault.describe() for fault in self._faults]

    def choose(self, asked: Asked) -> Fault | None:
        """The fault that happens to this request; it is counted."""
        with self._lock:
            for fault in reversed(self._faults):
                if not fault.matches(asked):
                    continue
                if fault.times is not None and fault.hits >= fault.times:
                    continue
                fault.seen += 1
                if fault.seen <= fault.after:
                    continue
                fault.hits += 1
                return fault
        return None
