"""What travels between the layers: targets, listed repositories, attempts, account answers."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from git_contrib_assets.errors import UsageError
from git_contrib_assets.tables import Column

SIGNED_IN_USER = "@me"
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True)
class Target:
    """What to collect: all public repositories of an owner, one repository, or the signed-in user's."""

    owner: str
    name: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read ``owner``, ``owner/name`` or ``@me``.

        Raises UsageError for anything else.
        """
        if text == SIGNED_IN_USER:
            return cls(text)
        owner, slash, name = text.partition("/")
        if not _OWNER.fullmatch(owner) or (slash and not _NAME.fullmatch(name)):
            raise UsageError(f"{text!r} is no target: give an owner (facebook), one repository (react/react) or @me")
        return cls(owner, name or None)

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}" if self.name else self.owner


def is_repository_name(text: str) -> bool:
    """Whether ``text`` can be ``owner/name``: it is safe in an address and in a query then."""
    owner, _, name = text.partition("/")
    return bool(_OWNER.fullmatch(owner) and _NAME.fullmatch(name))


@dataclass(frozen=True)
class Repository:
    """A repository as GitHub last listed it. Times are UTC without a zone."""

    repository_id: Annotated[int, "GitHub's numeric id: it survives renames and transfers"]
    repository: Annotated[str, "Current name as owner/name"]
    owner_id: Annotated[int, "GitHub's numeric id of the owner"]
    owner: Annotated[str, "Owner's login"]
    owner_type: Annotated[str, "Organization or User"]
    name: Annotated[str, "Short name"]
    is_private: Annotated[bool, "The repository is private"]
    is_fork: Annotated[bool, "The repository is a fork"]
    is_archived: Annotated[bool, "The repository is archived"]
    default_branch: Annotated[str | None, "Name of the default branch"]
    created_at: Annotated[datetime | None, "Creation on GitHub (UTC)"]
    pushed_at: Annotated[datetime | None, "Last push to any branch (UTC)"]
    stars: Annotated[int | None, "Stars"]
    language: Annotated[str | None, "Main language as GitHub says, or null"]
    target: Annotated[str, "The target in whose list it stood"]
    first_seen_at: Annotated[datetime, "When it was first listed, or first listed after it was private (UTC)"]
    listed_at: Annotated[datetime, "When it was listed last, by GitHub's clock (UTC)"]
    missing_since: Annotated[
        datetime | None, "For a repository no longer listed: when it was last listed (UTC). Otherwise null"
    ] = None
    missing_reason: Annotated[str | None, "For a repository no longer listed: what became of it, in one word"] = None
    listed_by: Annotated[str | None, "Dagster's run that listed it last; null if that was an older version's"] = None
    visibility: Annotated[str | None, "public, private or internal; null if an older version listed it"] = None


@dataclass(frozen=True)
class RepositoryName:
    """A name, an owner and a visibility that a repository had for a while. Days are those of GitHub's clock (UTC)."""

    repository_id: Annotated[int, "GitHub's numeric id: it survives renames and transfers"]
    repository: Annotated[str, "Name as owner/name, at that time"]
    owner_id: Annotated[int, "GitHub's numeric id of the owner at that time"]
    owner: Annotated[str, "The owner's login at that time"]
    visibility: Annotated[str, "public, private or internal, at that time"]
    first_day: Annotated[date, "The day on which it was first listed so"]
    last_day: Annotated[date | None, "The last day on which it was listed so; null for what it is now"]


@dataclass(frozen=True)
class OwnerAnswer:
    """What GitHub says of an owner, when asked about it."""

    owner_id: Annotated[int, "GitHub's numeric id of the owner"]
    name: Annotated[str | None, "Name in the public profile, or null"]
    email: Annotated[
        str | None,
        "Address in the public profile; of the signed-in user, the own primary one if it is verified; or null",
    ]
    asked_at: Annotated[datetime, "When GitHub was asked, by its own clock (UTC)"]


class AttemptState(StrEnum):
    """How one attempt at one repository ended."""

    LANDED = "landed"
    UNCHANGED = "unchanged"
    EMPTY = "empty"
    EMPTIED = "emptied"
    FAILED = "failed"
    NOT_REACHED = "not_reached"
    """The crawl was stopped before its turn came: that says nothing about the repository."""


@dataclass(frozen=True)
class Attempt:
    """One row of the crawl log: one attempt at one repository."""

    run_id: Annotated[str, "Dagster's run"]
    repository_id: Annotated[int, "GitHub's numeric id: it survives renames and transfers"]
    repository: Annotated[str, "Name as owner/name, at that time"]
    state: Annotated[AttemptState, "landed, unchanged, empty, emptied, failed or not_reached"]
    started_at: Annotated[datetime, "When the attempt began (UTC)"]
    seconds: Annotated[float, "How long it took"]
    source: Annotated[str, "git or rest"]
    tip: Annotated[str | None, "Sha of the newest commit landed, or null"]
    commits: Annotated[int, "Commits landed"]
    requests: Annotated[int, "Requests that it took"]
    reason: Annotated[str | None, "Why it failed, in one word; else null"] = None
    message: Annotated[str | None, "The same in a sentence; else null"] = None

    @property
    def failed(self) -> bool:
        """Whether the attempt brought nothing."""
        return self.state is AttemptState.FAILED


@dataclass(frozen=True)
class AccountQuestion:
    """Which account owns this address? Asked through one commit that bears it."""

    email: str
    repository: str
    sha: str


@dataclass(frozen=True)
class AccountAnswer:
    """GitHub's answer about one address; ``account_id`` None means that nobody owns it. Times are UTC without a zone."""

    email: Annotated[str, "Address, trimmed and lower-cased: it is published nowhere"]
    account_id: Annotated[int | None, "GitHub's numeric id of the account; null: nobody owns it"]
    login: Annotated[str | None, "Its login when asked"]
    asked_at: Annotated[datetime, "When GitHub was asked (UTC)"]
    method: Annotated[str, "How it was asked: graphql or rest"]


COMMIT_COLUMNS = (
    Column("sha", "VARCHAR", "The commit's sha", nullable=False),
    Column("parent_count", "INTEGER", "Number of parents: two or more for a merge", nullable=False),
    Column("author_name", "VARCHAR", "Author's name as written", nullable=False),
    Column("author_email", "VARCHAR", "Author's address as written: it is published nowhere", nullable=False),
    Column("authored_at", "TIMESTAMP", "Author's date as written (UTC)", nullable=False),
    Column("committed_at", "TIMESTAMP", "Committer's date as written (UTC)", nullable=False),
)
"""A commit as the history sources deliver it, in record batches and never one by one."""
