"""Settings: the environment, read in one place, for the package and the API. The names are GitHub Actions' own.

A process has one set of settings: those that its command line chose with ``using``, or else the environment's.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from git_contrib_assets.errors import UsageError
from git_contrib_assets.logs import register_secret

GITHUB_API_URL = "https://api.github.com"
GITHUB_SERVER_URL = "https://github.com"
DEFAULT_TARGETS = "facebook"
SOURCES = ("auto", "git", "rest")
OUR_API = "http://127.0.0.1:8000"
_NOT_IN_A_PATH = re.compile(r"\?|%[0-9a-fA-F]{2}")
_TOKEN = re.compile(r"[!-~]+")
_LONGEST_TOKEN = 10_000  # new ones are longer than a hundred; a header of more is refused by most servers
_CLIENT_ID = re.compile(r"[!-~]{1,255}")
SHORTEST_API_TOKEN = 32
"""Characters: fewer can be guessed, at thousands of tries a second."""
_ADDRESSES = {
    "api_url": ("GITHUB_API_URL", GITHUB_API_URL),
    "graphql_url": ("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql"),
    "server_url": ("GITHUB_SERVER_URL", GITHUB_SERVER_URL),
    "our_api": ("GIT_CONTRIB_API_URL", OUR_API),
}


class Settings(BaseSettings):
    """What the environment says. An empty variable counts as not set, and white space around a value does not count."""

    model_config = SettingsConfigDict(
        frozen=True,
        validate_default=True,
        populate_by_name=True,
        env_prefix="GIT_CONTRIB__",  # of variables by field name, which nobody sets: without it HOME would be the home
        hide_input_in_errors=True,
        extra="ignore",
    )

    home: Path = Field(Path("data"), validation_alias="GIT_CONTRIB_HOME")
    targets: Annotated[tuple[str, ...], NoDecode] = Field((DEFAULT_TARGETS,), validation_alias="GIT_CONTRIB_TARGETS")
    token: SecretStr | None = Field(None, validation_alias="GITHUB_TOKEN")
    source: str = Field("auto", validation_alias="GIT_CONTRIB_SOURCE")
    api_url: str = Field("", validation_alias="GITHUB_API_URL")
    graphql_url: str = Field("", validation_alias="GITHUB_GRAPHQL_URL")
    server_url: str = Field("", validation_alias="GITHUB_SERVER_URL")
    our_api: str = Field(OUR_API, validation_alias="GIT_CONTRIB_API_URL")
    """Where the links of the Dagster UI to our API lead."""
    postgres_url: SecretStr | None = Field(None, validation_alias="GIT_CONTRIB_POSTGRES_URL")
    """The database that what is published is copied to. It may hold a password."""
    client_id: str | None = Field(None, validation_alias="GIT_CONTRIB_OAUTH_CLIENT_ID")
    """Which OAuth app people sign in to. It is public: it stands in the address of GitHub's own page."""
    api_token: SecretStr | None = Field(None, validation_alias="GIT_CONTRIB_API_TOKEN")
    """What a request to our API must bear to be answered with private rows, too."""
    dagster_home: Path | None = Field(None, validation_alias="DAGSTER_HOME")
    ui_hosts: Annotated[tuple[str, ...], NoDecode] = Field((), validation_alias="GIT_CONTRIB_UI_HOSTS")
    """Names under which the Dagster UI may be asked, beside its own address."""

    @classmethod
    def from_environment(cls, **instead: Any) -> Self:
        """Read the environment, with some fields ``instead`` of theirs.

        Raises UsageError for a value that makes no sense; it never shows a token.
        """
        try:
            settings = cls(**instead)
        except ValidationError as error:
            raise UsageError(str(error.errors()[0]["ctx"]["error"])) from None
        for secret in (settings.token, settings.postgres_url, settings.api_token):
            register_secret(secret.get_secret_value() if secret else None)
        return settings

    def environment(self) -> dict[str, str]:
        """These settings as variables, for a child process. The API's token is not among them: see ``api_environment``."""
        found = {
            "GIT_CONTRIB_HOME": str(self.home),
            "GIT_CONTRIB_TARGETS": ",".join(self.targets),
            "GIT_CONTRIB_SOURCE": self.source,
            "GITHUB_API_URL": self.api_url,
            "GITHUB_GRAPHQL_URL": self.graphql_url,
            "GITHUB_SERVER_URL": self.server_url,
            "GIT_CONTRIB_API_URL": self.our_api,
            "GIT_CONTRIB_UI_HOSTS": ",".join(self.ui_hosts),
            "GITHUB_TOKEN": self.token.get_secret_value() if self.token else "",
            "GIT_CONTRIB_POSTGRES_URL": self.postgres_url.get_secret_value() if self.postgres_url else "",
            "GIT_CONTRIB_OAUTH_CLIENT_ID": self.client_id or "",
            "DAGSTER_HOME": str(self.dagster_home or ""),
        }
        return {name: value for name, value in found.items() if value}

    def api_environment(self) -> dict[str, str]:
        """The token of the API as a variable, for the one child process that needs it."""
        return {"GIT_CONTRIB_API_TOKEN": self.api_token.get_secret_value()} if self.api_token else {}

    @field_validator("home")
    @classmethod
    def _absolute_home(cls, path: Path) -> Path:
        if _NOT_IN_A_PATH.search(str(path)):
            raise ValueError(
                f"GIT_CONTRIB_HOME is {path}: Dagster's database takes no '?' and no '%' with two digits in a path"
            )
        try:
            return path.expanduser().absolute()
        except (RuntimeError, OSError) as error:  # no such user, or the current folder was removed
            raise ValueError(f"GIT_CONTRIB_HOME={path} cannot be resolved ({error}): use an absolute path") from error

    @field_validator("targets", "ui_hosts", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tuple(one.strip() for one in value.split(",") if one.strip()) if isinstance(value, str) else value

    @field_validator("token")
    @classmethod
    def _possible_token(cls, token: SecretStr | None) -> SecretStr | None:
        # It would not fit into a header, and the complaint about that would show it.
        if token and not is_token(token.get_secret_value()):
            raise ValueError(
                "GITHUB_TOKEN contains a character that is not allowed in a token, perhaps a line break: copy it again"
            )
        return token

    @field_validator("client_id")
    @classmethod
    def _possible_client(cls, client_id: str | None) -> str | None:
        if client_id is not None and not _CLIENT_ID.fullmatch(client_id):
            raise ValueError(
                "GIT_CONTRIB_OAUTH_CLIENT_ID is no client id: copy it from the settings of the OAuth app again"
            )
        return client_id

    @field_validator("api_token")
    @classmethod
    def _token_nobody_guesses(cls, token: SecretStr | None) -> SecretStr | None:
        text = token.get_secret_value() if token else None
        if text is not None and (len(text) < SHORTEST_API_TOKEN or not _TOKEN.fullmatch(text)):
            raise ValueError(
                f"GIT_CONTRIB_API_TOKEN must have at least {SHORTEST_API_TOKEN} characters, all of them letters, digits or "
                "signs of ASCII: make one with `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`"
            )
        return token

    @field_validator("source")
    @classmethod
    def _known_source(cls, source: str) -> str:
        if source.lower() not in SOURCES:
            raise ValueError(f"GIT_CONTRIB_SOURCE is {source!r}: use one of {', '.join(SOURCES)}")
        return source.lower()

    @model_validator(mode="before")
    @classmethod
    def _stripped_with_addresses(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Values without white space around them. Where the API is decides where GraphQL and git are, unless they are set."""
        replaced = {field.validation_alias for name, field in cls.model_fields.items() if name in values}
        values = {
            name: value.strip() if isinstance(value, str) else value
            for name, value in values.items()
            if name not in replaced
        }
        values = {name: value for name, value in values.items() if value != ""}
        given = {field: values.get(name) or values.get(field) for field, (name, _) in _ADDRESSES.items()}
        api_url = _address(given["api_url"] or GITHUB_API_URL, *_ADDRESSES["api_url"])
        defaults = {"graphql_url": _graphql_beside(api_url), "server_url": _server_beside(api_url), "our_api": OUR_API}
        found = {field: _address(given[field] or default, *_ADDRESSES[field]) for field, default in defaults.items()}
        names = {name for name, _ in _ADDRESSES.values()}
        others = {name: value for name, value in values.items() if name not in names}
        return {**others, "api_url": api_url, **found}


def is_token(text: str) -> bool:
    """Whether a text can be a token: it fits into a header, and nobody could mistake it for something else."""
    return len(text) <= _LONGEST_TOKEN and _TOKEN.fullmatch(text) is not None


def _graphql_beside(api_url: str) -> str:
    """Where GraphQL is if only the REST address is told: Enterprise Server has /api/v3 and /api/graphql."""
    if api_url.endswith("/api/v3"):
        return api_url.removesuffix("/v3") + "/graphql"
    return api_url + "/graphql"


def _server_beside(api_url: str) -> str:
    """Where git is if only the REST address is told: never elsewhere, because it is sent the token too."""
    if api_url.endswith("/api/v3"):
        return api_url.removesuffix("/api/v3")
    parts = urlsplit(api_url)
    return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}"


def _address(text: str, name: str, example: str) -> str:
    address = text.rstrip("/")
    try:
        parts = urlsplit(address)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:  # half a bracket around the host, or a port that is not a number
        good = False
    if not good:
        raise ValueError(f"{name} must be an http(s) URL without a user name, for example {example}")
    return address


_chosen: list[Settings] = []


def current() -> Settings:
    """The settings of this process. Raises UsageError for an environment that makes no sense."""
    return _chosen[-1] if _chosen else Settings.from_environment()


@contextlib.contextmanager
def using(settings: Settings) -> Iterator[Settings]:
    """Let these be the settings of this process for the length of the block."""
    _chosen.append(settings)
    try:
        yield settings
    finally:
        _chosen.pop()
