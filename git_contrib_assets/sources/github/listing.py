"""The public repositories of a target, and what became of a repository that is no longer listed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson

from git_contrib_assets.errors import (
    GitContribError,
    GitHubUnavailable,
    NotAllowed,
    TargetFailed,
    UnknownTarget,
)
from git_contrib_assets.logs import redact, redacted
from git_contrib_assets.records import SIGNED_IN_USER, Repository, Target, is_repository_name
from git_contrib_assets.sources.github.authorisation import HOW_TO_SIGN_IN
from git_contrib_assets.sources.github.client import GitHubClient, explain
from git_contrib_assets.sources.text import printable

_LONGEST_TEXT = 256
_SENSELESS = (AttributeError, KeyError, TypeError, ValueError, OverflowError)
"""What reading a record of an odd shape raises."""


@dataclass
class Listing:
    """A target's public repositories. ``complete`` is false if GitHub said that it left some out.

    ``private`` holds the ids of those that are not public, as far as the token shows them. More is kept of them, in
    ``private_repositories``, only if ``with_private`` says that they were asked for.
    """

    target: Target
    with_private: bool = False
    repositories: list[Repository] = field(default_factory=list)
    private: set[int] = field(default_factory=set)
    private_repositories: list[Repository] = field(default_factory=list)
    rejected: list[tuple[bytes, str]] = field(default_factory=list)
    complete: bool = True
    note: str | None = None


async def list_target(
    client: GitHubClient, target: Target, *, owner_type: str | None = None, with_private: bool = False
) -> Listing:
    """All public repositories of a target, in as many requests as there are pages of 100.

    With ``with_private``, those too that are not public and that the token may see. ``@me`` is all that the signed-in user
    can see: own repositories, those the user works on, and those of the user's organisations. ``owner_type`` (Organization
    or User), if known from before, saves a request. Raises UnknownTarget, TargetFailed, NotAllowed, LimitReached or
    GitHubUnavailable.
    """
    empty = Listing(target, with_private)
    if target.name:
        return await _list_one(client, empty)
    if target.owner == SIGNED_IN_USER:
        if not client.signed_in:
            raise NotAllowed(f"@me needs a token: {HOW_TO_SIGN_IN}")
        affiliation = "owner,collaborator,organization_member"
        seen = await _list_pages(client, empty, "/user/repos", {"affiliation": affiliation, "sort": "full_name"})
        return seen or empty
    kinds = "all" if with_private else "public"
    organisation = (f"/orgs/{target.owner}/repos", {"type": kinds, "sort": "full_name"})
    user = (f"/users/{target.owner}/repos", {"type": "owner", "sort": "full_name"})
    for path, parameters in (user, organisation) if owner_type == "User" else (organisation, user):
        listing = await _list_pages(client, Listing(target, with_private), path, parameters)
        if listing is not None:
            return listing
    raise UnknownTarget(f"GitHub knows no owner {target.owner!r}: check the spelling")


async def find_again(client: GitHubClient, repository: Repository) -> tuple[Repository | None, str]:
    """What became of a repository that is no longer listed: the public one under its present name, or None.

    The reason is ``moved`` for one that is found, else ``private``, ``not_found``, ``blocked``, or ``unavailable`` if the
    answer does not say. Raises TokenRefused, LimitReached or GitHubUnavailable.
    """
    try:
        response = await client.get(f"/repositories/{repository.repository_id}")
    except GitHubUnavailable as error:
        raise GitHubUnavailable(f"{repository.repository}: {error}") from error
    match response.status_code:
        case 200:
            try:
                found = _repository(orjson.loads(response.content), repository.target, _date(response))
            except _SENSELESS:
                return None, "unavailable"
            if found.repository_id != repository.repository_id:
                return None, "unavailable"  # an answer about another repository says nothing about this one
            return (None, "private") if found.is_private else (found, "moved")
        case 404:
            return None, "not_found"
        case 451:
            return None, "blocked"
        case 403 if "blocked" in explain(response):
            return None, "blocked"
    return None, "unavailable"


async def _list_one(client: GitHubClient, listing: Listing) -> Listing:
    target = listing.target
    response = await client.get(f"/repos/{target}")
    if response.status_code == 404:
        raise UnknownTarget(f"GitHub knows no repository {target}: check the spelling; a private one is not collected")
    if response.status_code != 200:
        raise _refused(target, response)
    try:
        found = _repository(orjson.loads(response.content), str(target), _date(response))
    except _SENSELESS as error:
        raise GitHubUnavailable(
            f"What GitHub says of {target} makes no sense ({_shown(error)}): try again later"
        ) from redacted(error)
    _add(listing, found)
    return listing


async def _list_pages(
    client: GitHubClient, listing: Listing, path: str, parameters: Mapping[str, str | int]
) -> Listing | None:
    """The listing, filled, or None if GitHub answers 404."""
    async for page in client.pages(path, parameters):
        if page.status_code == 404:
            return None
        if page.status_code != 200:
            raise _refused(listing.target, page)
        if "partial-results" in page.headers.get("x-github-sso", ""):
            listing.complete = False
            listing.note = "GitHub left out organisations that ask for single sign-on: authorise the token for them"
        _take(listing, page)
    return listing


def _take(listing: Listing, page: httpx.Response) -> None:
    """Add a page's repositories; a record that makes no sense is kept apart with its reason."""
    try:
        items = orjson.loads(page.content)
    except orjson.JSONDecodeError as error:
        raise GitHubUnavailable(f"The list of {listing.target}'s repositories is no JSON: try again later") from error
    if not isinstance(items, list):
        raise GitHubUnavailable(f"The list of {listing.target}'s repositories is no list: try again later")
    listed_at = _date(page)
    for item in items:
        try:
            repository = _repository(item, str(listing.target), listed_at)
        except _SENSELESS as error:
            listing.rejected.append((orjson.dumps(item), f"{type(error).__name__}: {_shown(error)}"))
            continue
        _add(listing, repository)


def _add(listing: Listing, repository: Repository) -> None:
    """Of a repository that is not public, its id alone is kept, unless those were asked for."""
    if repository.is_private:
        listing.private.add(repository.repository_id)
        if listing.with_private:
            listing.private_repositories.append(repository)
    else:
        listing.repositories.append(repository)


def _refused(target: Target, response: httpx.Response) -> GitContribError:
    if response.status_code == 403:
        return NotAllowed(f"GitHub does not let this token list {target}: {explain(response)}")
    return TargetFailed(f"GitHub could not list {target}: {explain(response)}: try again later")


def _repository(item: Any, target: str, listed_at: datetime) -> Repository:
    """A listed repository. Only id, full_name, private and owner are promised by GitHub's description of its API.

    Raises one of _SENSELESS: what passes can be written down.
    """
    name, owner = _text(item, "full_name") or "", item["owner"]
    login = _text(owner, "login")
    if not is_repository_name(name):
        raise ValueError(f"full_name {name!r} is not owner/name")
    if not login or printable(login, _LONGEST_TEXT) != login or not isinstance(item["private"], bool):
        raise ValueError("owner and private must be told")
    visibility = _text(item, "visibility")
    # "internal" is private too: all members of an enterprise may read it, and nobody else
    is_private = item["private"] or visibility not in {None, "public"}
    return Repository(
        repository_id=_identifier(item),
        repository=name,
        owner_id=_identifier(owner),
        owner=login,
        owner_type=printable(_text(owner, "type") or "Organization", _LONGEST_TEXT),
        name=name.partition("/")[2],
        is_private=is_private,
        is_fork=bool(item.get("fork")),
        is_archived=bool(item.get("archived")),
        default_branch=_branch(item),
        created_at=_time(_text(item, "created_at")),
        pushed_at=_time(_text(item, "pushed_at")),
        stars=_number(item, "stargazers_count"),
        language=printable(_text(item, "language") or "", _LONGEST_TEXT) or None,
        target=target,
        first_seen_at=listed_at,
        listed_at=listed_at,
        visibility=("internal" if visibility == "internal" else "private") if is_private else "public",
    )


def _identifier(item: Any) -> int:
    number = _number(item, "id")
    if not number or number < 1:
        raise ValueError(f"{number!r} is not an id")
    return number


def _number(item: Any, key: str) -> int | None:
    value = item.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 63):
        raise TypeError(f"{key} is no whole number")
    return value


def _text(item: Any, key: str) -> str | None:
    value = item.get(key)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value


def _branch(item: Any) -> str | None:
    """Git allows no control characters in a name, and the file systems that hold it no more than 255 bytes."""
    name = _text(item, "default_branch")
    if name is not None and printable(name, _LONGEST_TEXT) != name:
        raise ValueError("default_branch is no name of a branch")
    return name


def _shown(error: BaseException) -> str:
    return printable(redact(str(error)))


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(tzinfo=None)


def _date(response: httpx.Response) -> datetime:
    """When GitHub answered, by its own clock if it says so (UTC, no zone)."""
    try:
        moment = parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, OverflowError):
        moment = datetime.now(UTC)
    return moment.astimezone(UTC).replace(tzinfo=None)
