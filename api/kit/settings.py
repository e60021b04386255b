"""The settings of the API. The environment is read once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

GITHUB_SERVER_URL = "https://github.com"


def _home(path: object) -> str:
    return str(path).strip() or "data"


def _server_url(text: str) -> str | None:
    """The URL without a trailing slash; None if no answer may contain it, for example because of a password in it."""
    try:
        parts = urlsplit(text.strip() or GITHUB_SERVER_URL)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}" if good else None


class Environment(BaseSettings):
    """The environment variables that the API reads. An empty one counts as unset."""

    model_config = SettingsConfigDict(frozen=True)

    home: Annotated[Path, BeforeValidator(_home)] = Field(default=Path("data"), validation_alias="GIT_CONTRIB_HOME")
    server_url: Annotated[str | None, BeforeValidator(_server_url)] = Field(
        default=GITHUB_SERVER_URL, validation_alias="GITHUB_SERVER_URL"
    )


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

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read ``GIT_CONTRIB_HOME`` (default ``./data``) and ``GITHUB_SERVER_URL``."""
        environment = Environment()
        published = environment.home.expanduser().absolute() / "published"
        return cls(published=published, server_url=environment.server_url)
