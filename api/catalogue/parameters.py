"""Parameters of requests about owners."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from api.kit.parameters import Paging, sort_check, sort_schema

OWNERS_SORTS = ("owner", "name", "repositories")


class OwnersParameters(Paging):
    """Parameters of the list of owners."""

    text: str | None = Field(None, alias="q", max_length=100, description="Part of the login, in upper or lower case.")
    type: Literal["Organization", "User"] | None = Field(None, description="Only organisations, or only users.")
    sort: Annotated[str, AfterValidator(sort_check(OWNERS_SORTS)), sort_schema(OWNERS_SORTS)] = Field(
        "owner",
        description=f"Comma-separated list of {', '.join(OWNERS_SORTS)}; prefix a name with - for descending order.",
    )
