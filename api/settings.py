"""Settings of the API: the environment, read once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Where the snapshots are, and the bounds on one request's work."""

    published: Path
    look_every_seconds: float = 0.1
    query_seconds: float = 10.0
    concurrent_queries: int = 4
    cache_bytes: int = 64 * 1024 * 1024

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read ``GIT_CONTRIB_HOME`` (default ``./data``); an empty variable counts as not set."""
        values = os.environ if environment is None else environment
        home = values.get("GIT_CONTRIB_HOME", "").strip() or "data"
        return cls(published=Path(home).expanduser().absolute() / "published")
