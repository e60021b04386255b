"""What owners of repositories say of themselves: name and e-mail address, asked of GraphQL, a hundred owners per query."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from git_contrib_assets.errors import GitHubUnavailable, NotAllowed
from git_contrib_assets.records import OwnerAnswer, is_repository_name
from git_contrib_assets.sources.github.client import GitHubClient, QueryTooHeavy
from git_contrib_assets.sources.github.listing import _SENSELESS, _number, _text
from git_contrib_assets.sources.text import printable

OWNERS_PER_QUERY = 100
_FEWEST_OWNERS = 12
_LONGEST_TEXT = 256
_NO_SCOPE = "INSUFFICIENT_SCOPES"


@dataclass
class OwnerAnswers:
    """What GitHub answered. ``not_asked`` counts the owners without an answer, ``problem`` says why."""

    answers: list[OwnerAnswer] = field(default_factory=list)
    not_asked: int = 0
    problem: str | None = None


async def ask_owners(client: GitHubClient, owners: Mapping[int, str]) -> OwnerAnswers:
    """Name and address of these owners, given as login by id, in one query per hundred.

    Addresses are those of public profiles; of the signed-in user it is the own primary one, if it is verified and the token
    may read it. An owner that is gone gets an answer without name and address. Raises TokenRefused, LimitReached.
    """
    found = OwnerAnswers()
    ids = [owner_id for owner_id, login in owners.items() if is_repository_name(f"{login}/x")]
    for start in range(0, len(ids), OWNERS_PER_QUERY):
        await _ask_halving(client, {one: owners[one] for one in ids[start : start + OWNERS_PER_QUERY]}, found)
    found.not_asked += len(owners) - len(ids)
    own = await _own_address(client, owners) if found.answers else None
    if own:
        found.answers = [
            OwnerAnswer(one.owner_id, one.name, own[1], one.asked_at) if one.owner_id == own[0] else one
            for one in found.answers
        ]
    return found


async def _ask_halving(client: GitHubClient, batch: Mapping[int, str], found: OwnerAnswers) -> None:
    """Add to what was found, so that the answers of one half are there even if the other half fails."""
    try:
        found.answers += await _ask(client, batch)
    except QueryTooHeavy as error:
        if len(batch) <= _FEWEST_OWNERS:
            found.not_asked += len(batch)
            found.problem = str(error)
            return
        items = list(batch.items())
        await _ask_halving(client, dict(items[: len(items) // 2]), found)
        await _ask_halving(client, dict(items[len(items) // 2 :]), found)
    except (GitHubUnavailable, NotAllowed) as error:
        found.not_asked += len(batch)
        found.problem = str(error)


async def _ask(client: GitHubClient, batch: Mapping[int, str]) -> list[OwnerAnswer]:
    """The answers about a batch. Where the token may not read people's addresses, the rest is asked without them."""
    data, errors = await client.graphql(_query(batch, people=True))
    if any(error.get("type") == _NO_SCOPE for error in errors):
        data, errors = await client.graphql(_query(batch, people=False))
    types = {str(error.get("type") or "an error without a type") for error in errors} - {"NOT_FOUND"}
    if types:
        text = f"GitHub did not tell about owners ({printable(', '.join(sorted(types)))})"
        raise QueryTooHeavy(text) if "RESOURCE_LIMITS_EXCEEDED" in types else GitHubUnavailable(text)
    asked_at = client.github_time()
    answers = []
    for number, owner_id in enumerate(batch):
        try:
            answers.append(_answer(data.get(f"o{number}"), owner_id, asked_at))
        except _SENSELESS:
            continue
    return answers


def _answer(item: Any, owner_id: int, asked_at: Any) -> OwnerAnswer:
    """Raises one of _SENSELESS for an answer that makes no sense. A login that went to somebody else tells nothing."""
    if item is None or _number(item, "databaseId") != owner_id:
        return OwnerAnswer(owner_id, None, None, asked_at)
    name = printable(_text(item, "name") or "", _LONGEST_TEXT).strip() or None
    address = _text(item, "personal") or _text(item, "shared")
    return OwnerAnswer(owner_id, name, _address(address), asked_at)


async def _own_address(client: GitHubClient, owners: Mapping[int, str]) -> tuple[int, str] | None:
    """Id of the signed-in user and the own primary address, if it is verified and may be read."""
    try:
        user = orjson.loads((await client.get("/user")).content)
        if _number(user, "id") not in owners:
            return None
        response = await client.get("/user/emails")
        addresses = orjson.loads(response.content) if response.status_code == 200 else []
        primary = [one for one in addresses if one["primary"] is True and one["verified"] is True]
        address = _address(_text(primary[0], "email")) if primary else None
        return (int(user["id"]), address) if address else None
    except (GitHubUnavailable, NotAllowed, *_SENSELESS):  # it is one address that is missing, and no more
        return None


def _address(text: str | None) -> str | None:
    """An address that can be shown; null for anything else."""
    address = (text or "").strip()
    if "@" not in address or len(address) > _LONGEST_TEXT or printable(address, _LONGEST_TEXT) != address:
        return None
    return address


def _query(batch: Mapping[int, str], *, people: bool) -> str:
    """One alias per owner. Logins were checked against their alphabet, so they need no escaping.

    The address has a name of its own for each kind: one may be null and the other not, so GraphQL takes them for a conflict.
    """
    owners = "".join(
        f'o{number}:repositoryOwner(login:"{login}"){{...o}}' for number, login in enumerate(batch.values())
    )
    email = " personal:email" if people else ""
    of_user = f"...on User{{databaseId name{email}}}"
    of_organisation = "...on Organization{databaseId name shared:email}"
    return f"query{{{owners}}}fragment o on RepositoryOwner{{login {of_user} {of_organisation}}}"
