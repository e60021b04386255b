"""The settings of the API. The environment is read once."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from git_contrib_assets.settings import GITHUB_SERVER_URL, current


@dataclass(frozen=True)
class Settings:
    """Where the snapshots are, and the limits on the work of one request."""

    published: Path
    look_every_seconds: float = 0.1
    query_seconds: float = 10.0
    query_bytes: int = 512 * 1024 * 1024
    concurrent_queries: int = 4
    waiting_queries: int = 32
    cache_bytes: int = 64 * 1024 * 1024
    server_url: str | None = GITHUB_SERVER_URL
    token: SecretStr | None = None
    """What a request must bear to be answered with private rows, too. Without one, nothing private is ever opened."""

    @classmethod
    def from_environment(cls) -> "Settings":
        """Where the snapshots are, where links to commits lead, and the token, as the settings of the process say.

        Raises UsageError for a token that is too short.
        """
        settings = current()
        return cls(published=settings.home / "published", server_url=settings.server_url, token=settings.api_token)
