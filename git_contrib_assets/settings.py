"""Settings: the environment, read once, under GitHub Actions' own names."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from git_contrib_assets.errors import UsageError

GITHUB_API_URL = "https://api.github.com"
GITHUB_SERVER_URL = "https://github.com"
DEFAULT_TARGETS = "facebook"
SOURCES = ("auto", "git", "rest")
_NOT_IN_A_PATH = re.compile(r"\?|%[0-9a-fA-F]{2}")
_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Settings:
    """What the environment says. ``token`` is left out of ``repr`` so that no log or trace shows it."""

    home: Path
    targets: tuple[str, ...]
    token: str | None = field(repr=False)
    api_url: str
    graphql_url: str
    server_url: str
    source: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings; an empty variable counts as not set.

        Raises UsageError for an address that is none, a token that cannot be one, or a source that does not exist.
        """
        given = os.environ if environment is None else environment
        values = {name: value.strip() for name, value in given.items() if value.strip()}
        api_url = _address(values, "GITHUB_API_URL", GITHUB_API_URL)
        source = values.get("GIT_CONTRIB_SOURCE", "auto").lower()
        if source not in SOURCES:
            raise UsageError(f"GIT_CONTRIB_SOURCE is {source!r}: use one of {', '.join(SOURCES)}")
        targets = values.get("GIT_CONTRIB_TARGETS", DEFAULT_TARGETS)
        token = values.get("GITHUB_TOKEN")
        if token and not _TOKEN.fullmatch(token):  # it would not fit into a header, and the complaint would show it
            raise UsageError("GITHUB_TOKEN holds a character that no token has, maybe a line break: copy it again")
        return cls(
            home=_home(values.get("GIT_CONTRIB_HOME", "data")),
            targets=tuple(target.strip() for target in targets.split(",") if target.strip()),
            token=token,
            api_url=api_url,
            graphql_url=_address(values, "GITHUB_GRAPHQL_URL", _graphql_beside(api_url)),
            server_url=_address(values, "GITHUB_SERVER_URL", _server_beside(api_url)),
            source=source,
        )


def _home(path: str) -> Path:
    if _NOT_IN_A_PATH.search(path):
        raise UsageError(
            f"GIT_CONTRIB_HOME is {path}: Dagster's database takes no '?' and no '%' with two digits in a path"
        )
    try:
        return Path(path).expanduser().absolute()
    except (RuntimeError, OSError) as error:  # no such user, or the current folder was removed
        raise UsageError(f"GIT_CONTRIB_HOME is {path}: that leads nowhere ({error}), give an absolute path") from error


def _graphql_beside(api_url: str) -> str:
    """Where GraphQL lives when only the REST address is told: Enterprise Server has /api/v3 and /api/graphql."""
    if api_url.endswith("/api/v3"):
        return api_url.removesuffix("/v3") + "/graphql"
    return api_url + "/graphql"


def _server_beside(api_url: str) -> str:
    """Where git lives when only the REST address is told: never elsewhere, for it is sent the token too."""
    if api_url.endswith("/api/v3"):
        return api_url.removesuffix("/api/v3")
    parts = urlsplit(api_url)
    return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}"


def _address(values: Mapping[str, str], name: str, default: str) -> str:
    address = values.get(name, default).rstrip("/")
    try:
        parts = urlsplit(address)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:  # a host in half a bracket, a port that is no number
        good = False
    if not good:
        raise UsageError(f"{name} is not an http(s) address without a user: give it like {default}")
    return address
