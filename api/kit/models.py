"""The shapes that answers of all subjects have in common. Answers are made by ``formats`` and checked in tests."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Base of all shapes: a member that is not described is a mistake."""

    model_config = ConfigDict(extra="forbid")


class Provenance(Shape):
    """What an answer says about the data it was made from."""

    snapshot: str = Field(description="Name of the snapshot the answer was made from.")
    as_of: datetime | None = Field(
        description="The oldest of the times at which the repositories were last looked at (UTC); null without any."
    )
    complete_through: date = Field(description="Last day that is counted whole; the last month may still be running.")
    identity: Literal["account", "partial", "email"] = Field(description="How far GitHub accounts were asked for.")
    definition_version: int = Field(description="Version of the definitions.")


class PageLinks(Shape):
    """Addresses of this page and of its neighbours."""

    self: str
    prev: str | None
    next: str | None


class SelfLink(Shape):
    """The address of the answer."""

    self: str


class Page(Provenance):
    """A page of a list."""

    page: int
    page_size: int
    total_records: int
    links: PageLinks


class ParameterError(Shape):
    """A parameter that is not valid."""

    parameter: str
    message: str
    value: str


class ProblemAnswer(Shape):
    """Any failure (RFC 9457)."""

    type: str = Field(description="Names the kind of failure; there is a page at that address.")
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[ParameterError]
    near: list[str] | None = Field(None, description="Names that look like the one asked for.")
    error_code: str | None = Field(None, description="/api/repos only.")
    description: str | None = Field(None, description="/api/repos only.")
