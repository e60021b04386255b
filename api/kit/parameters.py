"""Parameters that the requests of all subjects share: months, pages, an order."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator

# larger JSON numbers are not exact in every client
LARGEST_NUMBER = 2**53 - 1
LARGEST_PAGE = 1_000_000_000
# For the description: the days that each month has, and 29 February in leap years only.
YEAR = "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
LEAP_YEAR = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
MONTH = "(0[1-9]|1[0-2])"
DAY_PATTERN = (
    f"^({YEAR}-{MONTH}(-(0[1-9]|1[0-9]|2[0-8]))?|{YEAR}-(0[13-9]|1[0-2])-(29|30)|{YEAR}-(0[13578]|1[02])-31|"
    f"{LEAP_YEAR}-02-29)$"
)


def _month(value: object) -> date:
    message = "must be a month as YYYY-MM or YYYY-MM-DD"
    match = re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", str(value), re.ASCII)
    if match is None:
        raise ValueError(message)
    try:
        day = date(int(match[1]), int(match[2]), int(match[3] or 1))
    except ValueError as error:
        raise ValueError(message) from error
    return day.replace(day=1)


def _calendar_month(value: object) -> date:
    if re.fullmatch(r"\d{4}-\d{2}(?:-01)?", str(value), re.ASCII) is None:
        raise ValueError("must be a month as YYYY-MM or YYYY-MM-01")
    return _month(value)


def whole_number(least: int, most: int) -> Callable[[object], int]:
    """A check of our own, so that the message names both limits."""

    def check(value: object) -> int:
        text = str(value)
        if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) is None or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number between {least} and {most}")
        return int(text)

    return check


def sort_check(allowed: Sequence[str]) -> Callable[[str], str]:
    """Check that ``sort`` is a comma-separated list of these names, each with or without a -."""

    def check(value: str) -> str:
        names = [part.strip().removeprefix("-") for part in value.split(",")]
        if any(name not in allowed for name in names):
            raise ValueError(
                f"must be a comma-separated list of {', '.join(allowed)}; prefix a name with - for descending order"
            )
        return value

    return check


def sort_schema(allowed: Sequence[str]) -> WithJsonSchema:
    """The same rule for the description."""
    one = f"-?({'|'.join(allowed)})"
    return WithJsonSchema({"type": "string", "pattern": f"^{one}(,{one})*$"})


Month = Annotated[
    date,
    BeforeValidator(_month),
    WithJsonSchema({"type": "string", "pattern": DAY_PATTERN, "examples": ["2024-01"]}),
]
# in a path only YYYY-MM and YYYY-MM-01 are allowed, so that a month does not have 31 addresses
CalendarMonth = Annotated[
    date,
    BeforeValidator(_calendar_month),
    WithJsonSchema({"type": "string", "pattern": f"^{YEAR}-{MONTH}(-01)?$", "examples": ["2024-01"]}),
]


class NoParameters(BaseModel):
    """No parameters: any that is given is refused."""

    model_config = ConfigDict(extra="forbid")


class Months(NoParameters):
    """A range of months, both ends included."""

    from_month: Month | None = Field(None, alias="from", description="First month, as YYYY-MM or YYYY-MM-DD.")
    to_month: Month | None = Field(None, alias="to", description="Last month, as YYYY-MM or YYYY-MM-DD.")

    @field_validator("to_month")
    @classmethod
    def _not_before_from(cls, value: date | None, info: ValidationInfo) -> date | None:
        first = info.data.get("from_month")
        if value is not None and first is not None and value < first:
            raise ValueError("must not be before from")
        return value


class Paging(NoParameters):
    """A page of a list. Formats other than JSON hold all rows unless one of the two is given."""

    page: Annotated[int, BeforeValidator(whole_number(1, LARGEST_PAGE))] = Field(
        1, ge=1, le=LARGEST_PAGE, description="Page number, starting at 1. A page past the end is empty."
    )
    page_size: Annotated[int, BeforeValidator(whole_number(1, 1000))] = Field(
        100, ge=1, le=1000, description="Rows per page."
    )

    @property
    def asks_for_page(self) -> bool:
        """Whether the request names a page or a page size."""
        return bool({"page", "page_size"} & self.model_fields_set)
