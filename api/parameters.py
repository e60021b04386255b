"""What a request may ask for: one object per family of routes, whatever format is answered."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from api.problems import INVALID_PARAMETER, ProblemError

# JSON numbers above it are not exact everywhere
LARGEST_NUMBER = 2**53 - 1
# what a member of an answer can hold at all
LARGEST_INTEGER = 2**63 - 1
LARGEST_PAGE = 1_000_000_000
# For the description. Days that not every month has are taken too, and so are years before the first of it.
MONTH_PATTERN = "[1-9][0-9]{3}-(0[1-9]|1[0-2])"
STATES = ("complete", "empty", "emptied", "pending", "failed", "vanished")

# What `sort` may name, and the columns that stand for it: the only text that ever reaches an `order by`.
NEW_CONTRIBUTORS_SORTS = {
    "date": "date",
    "repository": "repository",
    "number_of_new_contributors": "number_of_new_contributors",
}
NEW_CONTRIBUTORS_TIES = ("date", "repository", "repository_id")
REPOSITORIES_SORTS = {
    "repository": "repository",
    "created": "created",
    "stars": "stars",
    "commits": "commits",
    "new_contributors": "new_contributors",
    "new_contributors_12m": "new_contributors_12m",
    "last_commit_month": "last_commit_month",
}
REPOSITORIES_TIES = ("repository", "id")
PEOPLE_SORTS = {
    "first_commit_at": "first_commit_at",
    "repository": "repository",
    "contributor": "contributor",
}
PEOPLE_TIES = ("first_commit_at", "first_commit_sha", "repository", "repository_id", "contributor_id")


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


def _whole_number(least: int, most: int) -> Callable[[object], int]:
    """Our own check, so that one message names both bounds."""

    def check(value: object) -> int:
        text = str(value)
        if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) is None or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number between {least} and {most}")
        return int(text)

    return check


def _sort(allowed: Mapping[str, str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        names = [part.strip().removeprefix("-") for part in value.split(",")]
        if any(name not in allowed for name in names):
            raise ValueError(f"must be a comma list of {', '.join(allowed)}; a leading - turns the order round")
        return value

    return check


def _sort_schema(allowed: Mapping[str, str]) -> WithJsonSchema:
    one = f"-?({'|'.join(allowed)})"
    return WithJsonSchema({"type": "string", "pattern": f"^{one}(,{one})*$"})


def _order(sort: str, allowed: Mapping[str, str], ties: tuple[str, ...]) -> str:
    """The ``order by`` of a checked ``sort``; the ties at its end make the order total, so that pages never overlap."""
    parts = [part.strip() for part in sort.split(",")]
    order = [
        f"{allowed[part.removeprefix('-')]} {'desc' if part.startswith('-') else 'asc'} nulls last" for part in parts
    ]
    return ", ".join([*order, *ties])


Month = Annotated[
    date,
    BeforeValidator(_month),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{MONTH_PATTERN}(-(0[1-9]|1[0-9]|2[0-8]))?$", "examples": ["2024-01"]}
    ),
]


# in a path: one month has one address, or two
CalendarMonth = Annotated[
    date,
    BeforeValidator(_calendar_month),
    WithJsonSchema({"type": "string", "pattern": f"^{MONTH_PATTERN}(-01)?$", "examples": ["2024-01"]}),
]


class NoParameters(BaseModel):
    """None: whatever is given is refused."""

    model_config = ConfigDict(extra="forbid")


class Months(NoParameters):
    """A span of months, both ends included."""

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
    """A page of a list. In formats other than JSON there is one page of all rows unless one of the two is given."""

    page: Annotated[int, BeforeValidator(_whole_number(1, LARGEST_PAGE))] = Field(
        1, ge=1, le=LARGEST_PAGE, description="Page, from 1. A page past the end is empty."
    )
    page_size: Annotated[int, BeforeValidator(_whole_number(1, 1000))] = Field(
        100, ge=1, le=1000, description="Rows per page."
    )

    @property
    def asks_for_page(self) -> bool:
        """The caller said which page."""
        return bool({"page", "page_size"} & self.model_fields_set)


class Chosen(NoParameters):
    """The repositories to look at."""

    repository: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        [],
        max_length=100,
        description="Repository as owner/name; a short name will do where only one has it. May be repeated.",
    )


class NewContributorsParameters(Chosen, Months, Paging):
    """What the list of new contributors can be asked for."""

    minimum: Annotated[int, BeforeValidator(_whole_number(0, LARGEST_NUMBER))] = Field(
        0, alias="min", ge=0, le=LARGEST_NUMBER, description="Leave out months with fewer new contributors."
    )
    sort: Annotated[str, AfterValidator(_sort(NEW_CONTRIBUTORS_SORTS)), _sort_schema(NEW_CONTRIBUTORS_SORTS)] = Field(
        "date,repository",
        description=f"Comma list of {', '.join(NEW_CONTRIBUTORS_SORTS)}; a leading - turns the order round.",
    )

    @property
    def order(self) -> str:
        """The ``order by``."""
        return _order(self.sort, NEW_CONTRIBUTORS_SORTS, NEW_CONTRIBUTORS_TIES)


class SummaryParameters(Chosen, Months):
    """What the totals over repositories can be asked for."""

    interval: Literal["month", "quarter", "year"] = Field("month", description="Length of the time of one row.")
    forks: bool = Field(False, description="Count forks too. A fork that `repository` names always counts.")
    bots: bool | None = Field(None, description="Only bots, or only others.")


class RepositoryChartParameters(Months):
    """What the picture of one repository can be asked for."""

    interval: Literal["month", "quarter", "year"] = Field("month", description="Length of the time of one bar.")
    bots: bool | None = Field(None, description="Only bots, or only others.")
    theme: Literal["auto", "light", "dark"] = Field(
        "auto", description="The colours; auto follows the system of whoever looks at the picture."
    )


class ChartParameters(Chosen, RepositoryChartParameters):
    """What the picture of the totals can be asked for."""

    forks: bool = Field(False, description="Count forks too. A fork that `repository` names always counts.")


class PeopleParameters(Chosen, Months, Paging):
    """What the list of new people can be asked for."""

    from_month: Month | None = Field(
        None, alias="from", description="First month, as YYYY-MM or YYYY-MM-DD; by default the last that is whole."
    )
    to_month: Month | None = Field(
        None, alias="to", description="Last month, as YYYY-MM or YYYY-MM-DD; by default the one that is running."
    )
    bots: bool | None = Field(None, description="Only bots, or only others.")
    forks: bool = Field(False, description="Forks too. A fork that `repository` names is always there.")
    first_in: Literal["repository", "organisation"] = Field(
        "repository", description="`organisation`: only who had no commit in another repository of the owner before."
    )
    sort: Annotated[str, AfterValidator(_sort(PEOPLE_SORTS)), _sort_schema(PEOPLE_SORTS)] = Field(
        "-first_commit_at",
        description=f"Comma list of {', '.join(PEOPLE_SORTS)}; a leading - turns the order round.",
    )

    @property
    def order(self) -> str:
        """The ``order by``."""
        return _order(self.sort, PEOPLE_SORTS, PEOPLE_TIES)


class RepositoriesParameters(Paging):
    """What the list of repositories can be asked for."""

    text: str | None = Field(None, alias="q", max_length=100, description="Part of the name, in any case.")
    state: list[Literal["complete", "empty", "emptied", "pending", "failed", "vanished"]] = Field(
        [], max_length=len(STATES), description="Only repositories in this state. May be repeated."
    )
    archived: bool | None = Field(None, description="Only archived repositories, or only others.")
    sort: Annotated[str, AfterValidator(_sort(REPOSITORIES_SORTS)), _sort_schema(REPOSITORIES_SORTS)] = Field(
        "-new_contributors_12m",
        description=f"Comma list of {', '.join(REPOSITORIES_SORTS)}; a leading - turns the order round.",
    )

    @property
    def order(self) -> str:
        """The ``order by``."""
        return _order(self.sort, REPOSITORIES_SORTS, REPOSITORIES_TIES)


def seed_paging(page: str | None, page_size: str | None) -> tuple[int, int]:
    """Page and page size as ``/api/repos`` has always read them: text that is no number is the default."""
    found = {}
    for name, text, default, most in (("page", page, 1, LARGEST_INTEGER), ("page_size", page_size, 10, 100)):
        number = _number_or(text, default)
        if not 1 <= number <= most:
            message = "must be at least 1" if name == "page" and number < 1 else f"must be between 1 and {most}"
            error = {"parameter": name, "message": message, "value": str(text)[:100]}
            raise ProblemError(INVALID_PARAMETER, f"{name} {message}.", errors=[error])
        found[name] = number
    return found["page"], found["page_size"]


def _number_or(text: str | None, default: int) -> int:
    try:
        return default if text is None else int(text)
    except ValueError:
        return default
