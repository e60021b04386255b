"""Where a PostgreSQL database is: a URL that is taken apart before libpq sees it, because libpq's complaints repeat parts of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from git_contrib_assets.errors import UsageError
from git_contrib_assets.logs import REDACTED, redact, register_secret
from git_contrib_assets.settings import Settings
from git_contrib_assets.sources.text import printable

EXAMPLE = "postgresql://user@host:5432/database"
_VARIABLE = "GIT_CONTRIB_POSTGRES_URL"
_SECRET_OPTIONS = {"password", "sslpassword"}
_HOST = re.compile(r"(?:\[[0-9a-fA-F:.%]+\]|[^\[\]:,]*)(?::\d*)?")
_LONGEST_CAUSE = 300
_DEFAULTS = {"connect_timeout": "15", "keepalives_idle": "60", "fallback_application_name": "git-contrib"}
"""What libpq is told unless the URL says otherwise: seconds until a server that is silent counts as absent."""


@dataclass(frozen=True)
class Address:
    """A database. Neither its text nor what ``cause`` gives holds a password."""

    place: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def cause(self, text: str) -> str:
        """What PostgreSQL or libpq says, in one line of at most 300 characters, without a password."""
        for secret in self.secrets:
            text = text.replace(secret, REDACTED)
        return printable(redact(text), _LONGEST_CAUSE)


def chosen_address(argument: str | None, settings: Settings) -> Address:
    """The database that the command line names, else that of the environment.

    Raises UsageError for one that cannot be meant, for a password in the argument, and where neither is given.
    """
    if argument is not None:
        address = _parse(argument, "The database")
        if address.secrets:
            raise UsageError(
                "The database's URL holds a password, which every user of this machine can see in a command line: give it in "
                f"{_VARIABLE}, in PGPASSWORD or in ~/.pgpass instead"
            )
        return address
    if settings.postgres_url is None:
        raise UsageError(f"There is no database to copy to: name one as {EXAMPLE}, or set {_VARIABLE}")
    return _parse(settings.postgres_url.get_secret_value(), _VARIABLE)


def _parse(url: str, name: str) -> Address:
    """Raises UsageError, which never shows the URL: where it is malformed, any part of it may be the password."""
    try:
        parts = urlsplit(url)
    except ValueError:  # half a bracket around the host
        raise _unusable(name) from None
    user, _, hosts = parts.netloc.rpartition("@")
    # libpq ends the user at the first @ or /, and takes what follows for the host, whatever was meant.
    one_user = url.count("@") == (1 if "@" in parts.netloc else 0)
    good_hosts = all(_HOST.fullmatch(host) for host in hosts.split(","))
    if parts.scheme not in {"postgresql", "postgres"} or not one_user or not good_hosts or not _is_plain(url):
        raise _unusable(name)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = hosts or options.get("host") or options.get("service") or "localhost"
    defaults = urlencode({key: value for key, value in _DEFAULTS.items() if key not in options})
    secrets = tuple(_secrets(user, options))
    for secret in secrets:
        register_secret(secret)
    return Address(
        place=f"{host}{unquote(parts.path)}",
        url=f"{url}{'&' if '?' in url else '?'}{defaults}",
        secrets=secrets,
    )


def _secrets(user: str, options: dict[str, str]) -> Iterator[str]:
    """Every password in a URL, as it is and as it is written there."""
    for written in (user.partition(":")[2], *(quote(options[name]) for name in _SECRET_OPTIONS if options.get(name))):
        if written:
            yield from dict.fromkeys((written, unquote(written)))


def _is_plain(url: str) -> bool:
    """Whether it has no space, no line break and no fragment, none of which a URL of libpq's can have."""
    return "#" not in url and all(one.isprintable() and one != " " for one in url)


def _unusable(name: str) -> UsageError:
    return UsageError(
        f"{name} is no URL of a PostgreSQL database: write it as {EXAMPLE}, with %40 for an @, %2F for a / and %3A for a : in "
        "a name or a password"
    )
