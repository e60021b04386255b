"""What travels between the layers: targets, listed repositories, attempts, account answers."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from git_contrib_assets.errors import UsageError

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

    repository_id: int
    repository: str
    owner_id: int
    owner: str
    owner_type: str
    name: str
    is_private: bool
    is_fork: bool
    is_archived: bool
    default_branch: str | None
    created_at: datetime | None
    pushed_at: datetime | None
    stars: int | None
    language: str | None
    target: str
    first_seen_at: datetime
    listed_at: datetime
    missing_since: datetime | None = None
    missing_reason: str | None = None


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

    run_id: str
    repository_id: int
    repository: str
    state: AttemptState
    started_at: datetime
    seconds: float
    source: str
    tip: str | None
    commits: int
    requests: int
    reason: str | None = None
    message: str | None = None

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

    email: str
    account_id: int | None
    login: str | None
    asked_at: datetime
    method: str
