"""The shapes of the answers about the snapshot and the server."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.contributors.models import State
from api.kit.models import Provenance, Shape


class NotComplete(Shape):
    """A repository that is not completely counted."""

    repository: str
    state: State
    reason: str | None
    since: datetime | None
    collected_at: datetime | None


class Coverage(Shape):
    """How completely the repositories are counted."""

    repositories: int
    states: dict[State, int]
    not_complete: list[NotComplete]


class Publication(Shape):
    """A set of tables that is published by itself."""

    name: str
    version: int = Field(description="Version of its contract.")
    snapshot: str = Field(description="Its current snapshot.")
    rows: dict[str, int] = Field(description="Rows of each table in it.")
    lacks: list[str] = Field(description="Tables and columns that the next run publishes.")


class Meta(Provenance):
    """The snapshot: what it contains, how current and how complete it is."""

    built_at: datetime
    checked_at: datetime = Field(description="When the tables were last checked and found unchanged (UTC).")
    emails: int
    emails_not_asked: int
    contract_version: int
    rows: dict[str, int]
    publications: list[Publication]
    coverage: Coverage
    definitions: dict[str, str]
    licence: str
    links: dict[str, str]


class Health(Shape):
    """The process is running."""

    status: Literal["ok"]


class Ready(Shape):
    """A snapshot can be served."""

    status: Literal["ready"]
    snapshot: str = Field(description="The current snapshot of the first publication that there is.")
    publications: dict[str, str] = Field(description="The current snapshot of each public publication that there is.")
    problem: str | None = None
