"""The shapes of the answers about owners and listed repositories."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.kit.models import ListPage, Shape


class OwnerLinks(Shape):
    """Addresses with more about an owner."""

    repositories: str


class OwnerRow(Shape):
    """An owner in a file."""

    owner: str = Field(description="The login.")
    id: int = Field(description="GitHub's numeric id: it survives renames.")
    type: str = Field(description="Organization or User.")
    name: str | None = Field(
        description="The name in the public profile; null if there is none, or if it contains an @."
    )
    repositories: int = Field(description="Public repositories ever listed.")


class Owner(OwnerRow):
    """An owner of a public repository ever listed."""

    links: OwnerLinks


class PrivateOwnerRow(OwnerRow):
    """An owner in a file for somebody with the server's token."""

    name: str | None = Field(description="The name in the public profile; null if there is none.")
    repositories: int = Field(description="Repositories ever listed, private ones included.")
    private_repositories: int = Field(description="How many of them are not public.")
    email: str | None = Field(description="The address in the public profile, or the signed-in user's own.")


class PrivateOwner(PrivateOwnerRow):
    """An owner of a repository ever listed, for somebody with the server's token."""

    links: OwnerLinks


class OwnersPage(ListPage):
    """A page of owners."""

    items: list[PrivateOwner | Owner]


class ListedRepository(Shape):
    """A repository of the catalogue."""

    repository: str
    owner: str
    name: str
    id: int
    status: Literal["public", "private"]
    visibility: str
    stars: int | None
    language: str | None
    fork: bool
    archived: bool
    state: Literal["listed", "gone"]
    state_reason: str | None
    state_since: datetime | None
