"""The shapes that the answers of all subjects share, for the description. Tests check that answers have them."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Identity = Literal["account", "partial", "email"]


def _leave_open(schema: dict[str, Any]) -> None:
    schema.pop("additionalProperties", None)


class Shape(BaseModel):
    """Base of all shapes. Ours have no other members, but clients must accept more: a later version may add some."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_leave_open)


class Source(Shape):
    """What every answer says about the data it was made from."""

    snapshot: str = Field(description="Name of the snapshot the answer was made from.")
    as_of: datetime | None = Field(
        description="Every repository was looked at then or later (UTC); null if there are none."
    )
    definition_version: int = Field(description="Version of the definitions.")


class Provenance(Source):
    """What an answer with counts says besides."""

    complete_through: date = Field(
        description="Last day that is counted completely. The last month may still be running."
    )
    identity: Identity = Field(
        description="Whether GitHub was asked who owns the e-mail addresses: all of them, some or none."
    )


class PageLinks(Shape):
    """Addresses of this page, the previous and the next one."""

    self: str
    prev: str | None
    next: str | None


class SelfLink(Shape):
    """The address of the answer."""

    self: str


class ListPage(Source):
    """A page of a list."""

    page: int
    page_size: int
    total_records: int
    links: PageLinks


class Page(ListPage, Provenance):
    """A page of a list with counts."""


class ParameterError(Shape):
    """An invalid parameter."""

    parameter: str
    message: str
    value: str


class ProblemAnswer(Shape):
    """Any error (RFC 9457)."""

    type: str = Field(description="Names the kind of error. The address leads to its explanation.")
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[ParameterError]
    near: list[str] | None = Field(None, description="Similar names that exist.")
    error_code: str | None = Field(None, description="In `/api/repos` only.")
    description: str | None = Field(None, description="In `/api/repos` only.")
