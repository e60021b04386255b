"""Settings of the API: the environment, read once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

GITHUB_SERVER_URL = "https://github.com"


@dataclass(frozen=True)
class Settings:
    """Where the snapshots are, and the bounds on one request's work."""

    published: Path
    look_every_seconds: float = 0.1
    query_seconds: float = 10.0
    query_bytes: int = 512 * 1024 * 1024
    concurrent_queries: int = 4
    waiting_queries: int = 32
    cache_bytes: int = 64 * 1024 * 1024
    server_url: str | None = GITHUB_SERVER_URL

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read ``GIT_CONTRIB_HOME`` (default ``./data``) and ``GITHUB_SERVER_URL``; an empty variable counts as not set."""
        values = os.environ if environment is None else environment
        home = values.get("GIT_CONTRIB_HOME", "").strip() or "data"
        server = values.get("GITHUB_SERVER_URL", "").strip() or GITHUB_SERVER_URL
        return cls(published=Path(home).expanduser().absolute() / "published", server_url=_address(server))


def _address(text: str) -> str | None:
    """The address without a slash at its end; None for one that no answer may hold, as with a user in it."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}" if good else None
