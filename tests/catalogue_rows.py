"""A catalogue made by hand: repositories and owners, some of them private, with names that nobody may see without the token."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

TOKEN = "a-token-of-the-tests-that-is-long-enough"
BEARER = {"authorization": f"Bearer {TOKEN}"}
LISTED = datetime(2017, 7, 4, 5, 0)  # noqa: DTZ001 - the published times are UTC without saying so
# whatever is private has this in it, so that it can be looked for: in names, in addresses, and as numbers
PLANTED = "zanzibar"
PLANTED_STARS = 918273
PLANTED_ID = 777000111
# as a stranger may call a thing
HOSTILE = (
    "=cmd|'/c calc'!A1",
    "@SUM(1+1)",
    "-2+3",
    "\tTab",
    'Quote "d", comma',
    "line\nbreak",
    "\U0001f600",
    "\u202egnp.exe",
)

Rows = list[dict[str, Any]]


def repository(number: int, full_name: str, **columns: Any) -> dict[str, Any]:
    """A row of the table of repositories: public and listed unless told otherwise."""
    owner, _, name = full_name.partition("/")
    return {
        "repository_id": number,
        "repository": full_name,
        "owner_id": 1,
        "owner": owner,
        "name": name,
        "visibility": "public",
        "stars": 10 * number,
        "is_fork": False,
        "is_archived": False,
        "language": "Python",
        "default_branch": "main",
        "created_at": datetime(2016, 1, 15, 10, 30),  # noqa: DTZ001
        "pushed_at": LISTED,
        "first_seen_at": LISTED,
        "state": "listed",
        "state_reason": None,
        "state_since": None,
        **columns,
    }


def public_repositories() -> Rows:
    """Those of the snapshot of counts, but one, and one that was never crawled."""
    return [
        repository(1, "acme/anvil"),
        repository(2, "acme/fork", is_fork=True, language=None),
        repository(3, "acme/empty", is_archived=True),
        repository(4, "acme/pending"),
        repository(6, "acme/again", state="gone", state_reason="not_listed", state_since=LISTED),
        repository(7, "umbrella/anvil", owner_id=2, created_at=None, stars=None),
        repository(9, "acme/listed-only"),
    ]


def private_repositories() -> Rows:
    """One of a public owner, one internal, one gone, one of an owner who has nothing public."""
    hidden: dict[str, Any] = {"visibility": "private", "language": PLANTED, "default_branch": PLANTED}
    return [
        repository(PLANTED_ID, f"acme/{PLANTED}", stars=PLANTED_STARS, **hidden),
        repository(PLANTED_ID + 1, f"umbrella/internal-{PLANTED}", owner_id=2, **hidden | {"visibility": "internal"}),
        repository(
            PLANTED_ID + 2, f"acme/gone-{PLANTED}", state="gone", state_reason=PLANTED, state_since=LISTED, **hidden
        ),
        repository(PLANTED_ID + 3, f"only-{PLANTED}/nothing", owner_id=PLANTED_ID, **hidden),
    ]


def public_owners(repositories: Sequence[Mapping[str, Any]]) -> Rows:
    """The owners of these repositories."""
    return [
        {**one, "repositories": sum(row["owner_id"] == one["owner_id"] for row in repositories)}
        for one in (
            {"owner_id": 1, "owner": "acme", "type": "Organization", "name": "Acme & Sons"},
            {"owner_id": 2, "owner": "umbrella", "type": "User", "name": None},
        )
    ]


def all_owners(repositories: Sequence[Mapping[str, Any]]) -> Rows:
    """The owners of these repositories, with addresses."""
    hidden = {"owner_id": PLANTED_ID, "owner": f"only-{PLANTED}", "type": "User", "name": f"Name {PLANTED}"}
    rows = [*public_owners(repositories), {**hidden, "repositories": 1}]
    for row in rows:
        own = [one for one in repositories if one["owner_id"] == row["owner_id"]]
        row["private_repositories"] = sum(one["visibility"] != "public" for one in own)
        row["email"] = None if row["owner"] == "umbrella" else f"{row['owner']}@{PLANTED}.example"
    return rows


def _names(repositories: Sequence[Mapping[str, Any]], *, everything: bool) -> Rows:
    columns = ("repository_id", "repository", "owner_id", "owner", *(["visibility"] if everything else []))
    days = {"first_day": date(2017, 7, 4), "last_day": None}
    return [{**{name: row[name] for name in columns}, **days} for row in repositories]


def _in_order(repositories: Rows) -> Rows:
    return sorted(repositories, key=lambda row: (row["repository"], row["repository_id"]))


def public_tables(repositories: Rows | None = None) -> dict[str, Rows]:
    """The tables of the public publication."""
    rows = _in_order(public_repositories() if repositories is None else repositories)
    return {
        "repositories": rows,
        "owners": public_owners(rows),
        "repository_names": _names(rows, everything=False),
    }


def private_tables(repositories: Rows | None = None) -> dict[str, Rows]:
    """The tables of the private publication: everything."""
    rows = _in_order([*public_repositories(), *private_repositories()] if repositories is None else repositories)
    return {"repositories": rows, "owners": all_owners(rows), "repository_names": _names(rows, everything=True)}
