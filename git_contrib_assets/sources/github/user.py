"""The person that a token belongs to, and what the token may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import orjson

from git_contrib_assets.errors import GitHubUnavailable, NotAllowed
from git_contrib_assets.sources.github.client import GitHubClient, explain
from git_contrib_assets.sources.github.sign_in import split_scopes
from git_contrib_assets.sources.text import printable

_LONGEST_LOGIN = 256
_WITHOUT_SCOPES = ("github_pat_", "ghu_", "ghs_")  # fine-grained tokens and those of GitHub Apps
_MOST_SCOPES = 100
_EXPIRY_FORMATS = ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %z")


@dataclass(frozen=True)
class Scope:
    """A right that a person is asked for: why, and what does not work without it."""

    name: str
    reason: str
    without: str
    included_in: frozenset[str] = frozenset()


SCOPES = (
    Scope(
        "repo",
        "private repositories, for the catalogue only. GitHub has no scope that only reads them: this one may write "
        "too, and git-contrib never does",
        "private repositories are not seen",
    ),
    Scope(
        "read:org",
        "the organisations you belong to",
        "organisations are seen only where your membership is public",
        frozenset({"admin:org", "write:org"}),
    ),
    Scope(
        "user:email",
        "your own e-mail addresses, of which the primary one goes into your catalogue",
        "your own e-mail address is seen only where your profile shows it",
        frozenset({"user"}),
    ),
)
"""What a sign-in asks for (https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps)."""
PUBLIC_SCOPES = SCOPES[1:]
"""The same for those who want to show nothing private."""


@dataclass(frozen=True)
class User:
    """Who GitHub says a token belongs to.

    ``scopes`` is None where GitHub does not tell them: fine-grained tokens and those of GitHub Apps have permissions
    instead. ``expires_at`` (UTC) is None where it does not tell that.
    """

    user_id: int
    login: str
    scopes: tuple[str, ...] | None
    expires_at: datetime | None


def lacking(scopes: Iterable[str] | None, wanted: Iterable[Scope] = SCOPES) -> list[Scope]:
    """The wanted scopes that were not granted; none where GitHub does not tell."""
    if scopes is None:
        return []
    granted = set(scopes)
    return [scope for scope in wanted if granted.isdisjoint({scope.name} | scope.included_in)]


async def whose(client: GitHubClient) -> User:
    """The person whose token the client bears.

    Raises TokenRefused, NotAllowed for a token that belongs to no person, LimitReached or GitHubUnavailable.
    """
    response = await client.get("/user")
    if response.status_code == 403:
        raise NotAllowed(f"GitHub does not say whose token this is ({explain(response)}): use one of a person's")
    if response.status_code != 200:
        raise GitHubUnavailable(f"GitHub does not say whose token this is ({explain(response)}): try again later")
    try:
        body = orjson.loads(response.content)
        login, user_id = body["login"], body["id"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        login, user_id = None, None
    if not _is_login(login) or not isinstance(user_id, int) or isinstance(user_id, bool) or user_id < 1:
        raise GitHubUnavailable("What GitHub says of the signed-in user makes no sense: check GITHUB_API_URL")
    return User(user_id, login, _scopes(response), _expiry(response))


def _is_login(login: object) -> bool:
    return isinstance(login, str) and login != "" and printable(login, _LONGEST_LOGIN) == login


def _scopes(response: httpx.Response) -> tuple[str, ...] | None:
    token = response.request.headers.get("authorization", "").rpartition(" ")[2]
    told = None if token.startswith(_WITHOUT_SCOPES) else response.headers.get("x-oauth-scopes")
    return None if told is None else tuple(printable(one) for one in split_scopes(told)[:_MOST_SCOPES])


def _expiry(response: httpx.Response) -> datetime | None:
    """GitHub writes it with a zone or with an offset; one that is written otherwise counts as not told."""
    told = response.headers.get("github-authentication-token-expiration", "")
    for form in _EXPIRY_FORMATS:
        try:
            moment = datetime.strptime(told, form)  # noqa: DTZ007 - the zone is in the text, or is UTC
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return None
