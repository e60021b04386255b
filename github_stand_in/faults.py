"""Things that go wrong on purpose: which request is hit, and what happens to it."""

import asyncio
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from github_stand_in.world import Fields

Kind = Literal["rest", "graphql", "git", "control", "html"]
Effect = Literal[
    "reply",
    "slow",
    "drip",
    "hang",
    "drop",
    "corrupt_git",
    "filter_unsupported",
    "graphql_partial",
]

DOCUMENTATION = "https://docs.github.com/rest"
SECONDARY_DOCUMENTATION = (
    "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"
)
SECONDARY_MESSAGE = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
BLOCKED_SINCE = "2025-01-28T11:38:33Z"


GIT_THROTTLED = (
    "ERR GitHub is temporarily limiting some unauthenticated downloads to protect the stability of the platform. "
    "Please retry later or authenticate."
)


def blocked(reason: str) -> Fields:
    """The body that tells of a blocked repository."""
    notice = {"reason": reason, "created_at": BLOCKED_SINCE, "html_url": "https://github.com/tos"}
    return {"message": "Repository access blocked", "block": notice}


# Short names for the replies that a client of GitHub has to tell apart.
PRESETS: dict[str, Fields] = {
    "bad_gateway": {"status": 502, "body": {"message": "Server Error"}},
    "graphql_502": {"kind": "graphql", "status": 502, "body": "<html><title>502 Bad Gateway</title></html>"},
    "graphql_timeout": {
        "kind": "graphql",
        "status": 504,
        "body": {"message": "We couldn't respond to your request in time. Sorry about that."},
    },
    "graphql_partial": {"kind": "graphql", "effect": "graphql_partial"},
    "not_found": {
        "status": 404,
        "body": {"message": "Not Found", "documentation_url": DOCUMENTATION, "status": "404"},
    },
    "dmca": {"status": 451, "body": blocked("dmca")},
    "tos": {"status": 403, "body": blocked("tos")},
    "secondary_limit": {
        "status": 403,
        "body": {"message": SECONDARY_MESSAGE, "documentation_url": SECONDARY_DOCUMENTATION},
    },
    "forbidden": {
        "status": 403,
        "body": {"message": "Resource not accessible by personal access token", "documentation_url": DOCUMENTATION},
    },
    "sso": {
        "status": 403,
        "headers": {"x-github-sso": "required; url=https://github.com/orgs/example/sso?authorization_request=A1"},
        "body": {"message": "Resource protected by organization SAML enforcement.", "documentation_url": DOCUMENTATION},
    },
    "too_large": {
        "status": 403,
        "body": {
            "message": "The history or contributor list is too large to list contributors for this repository via "
            "the API.",
            "documentation_url": DOCUMENTATION,
        },
    },
    "version_gone": {"status": 410, "body": {"message": "This API version is no longer supported."}},
    "git_too_many_requests": {"kind": "git", "status": 429, "body": "This request was rate-limited."},
    "git_throttled": {
        "kind": "git",
        "path": "/info/refs",
        "status": 200,
        "headers": {"content-type": "application/x-git-upload-pack-advertisement"},
        "body": f"{len(GIT_THROTTLED) + 4:04x}{GIT_THROTTLED}",
    },
    "corrupt_git": {"kind": "git", "effect": "corrupt_git"},
    "filter_unsupported": {"kind": "git", "effect": "filter_unsupported"},
    "slow": {"effect": "slow", "delay": 1.0},
    "drip": {"effect": "drip", "delay": 0.05},
    "hang": {"effect": "hang"},
    "drop": {"effect": "drop"},
}


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong. Requests are matched by kind and by a pattern found in `path?query`."""

    effect: Effect = "reply"
    kind: Kind | None = None
    path: str = ""
    method: str | None = None
    contains: str = ""
    more_aliases_than: int | None = None
    after: int = 0
    times: int | None = None
    status: int = 502
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    delay: float = 0.0
    hits: int = 0
    seen: int = 0

    def matches(self, kind: Kind, method: str, target: str, body: str, aliases: int) -> bool:
        """Whether a request is one of those to be hit, apart from how many were hit before."""
        return (
            self.kind in (None, kind)
            and self.method in (None, method)
            and re.search(self.path, target) is not None
            and self.contains in body
            and (self.more_aliases_than is None or aliases > self.more_aliases_than)
        )

    @property
    def is_secondary_limit(self) -> bool:
        """Whether it tells the client to pause as a whole."""
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
    merged["headers"] = {str(name).lower(): str(value) for name, value in merged.get("headers", {}).items()}
    fault = Fault(**merged)
    if fault.effect not in get_args(Effect):
        raise ValueError(f"there is no effect called {fault.effect!r}")
    re.compile(fault.path)
    return fault


class Faults:
    """The faults in force; of several that match, the one added last happens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.cleared = asyncio.Event()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """All goes well again."""
        with self._lock:
            self._faults.clear()
        self.cleared.set()
        self.cleared = asyncio.Event()

    def describe(self) -> list[Fields]:
        """All faults, with how often each happened."""
        with self._lock:
            return [fault.describe() for fault in self._faults]

    def choose(self, kind: Kind, method: str, target: str, body: str, aliases: int) -> Fault | None:
        """The fault that happens to this request, counted."""
        with self._lock:
            for fault in reversed(self._faults):
                if not fault.matches(kind, method, target, body, aliases):
                    continue
                if fault.times is not None and fault.hits >= fault.times:
                    continue
                fault.seen += 1
                if fault.seen <= fault.after:
                    continue
                fault.hits += 1
                return fault
        return None
