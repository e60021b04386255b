"""Parameters of requests about contributors, the same for all formats of a list."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from api.contributors.models import Interval, RepositoryState, State, Theme, Visibility
from api.kit.parameters import (
    LARGEST_NUMBER,
    Month,
    Months,
    NoParameters,
    Paging,
    sort_check,
    sort_schema,
    whole_number,
)

# the columns that `sort` may name
NEW_CONTRIBUTORS_SORTS = ("date", "repository", "number_of_new_contributors")
REPOSITORIES_SORTS = (
    "repository",
    "created",
    "stars",
    "commits",
    "new_contributors",
    "new_contributors_12m",
    "last_commit_month",
)
PEOPLE_SORTS = ("first_commit_at", "repository", "contributor")
STATES: tuple[State, ...] = get_args(State)


class Chosen(NoParameters):
    """The chosen repositories."""

    repository: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        [],
        max_length=100,
        description="Repository as owner/name, or its short name if only one repository has it. May be repeated.",
    )


class NewContributorsParameters(Chosen, Months, Paging):
    """Parameters of the list of new contributors."""

    minimum: Annotated[int, BeforeValidator(whole_number(0, LARGEST_NUMBER))] = Field(
        0, alias="min", ge=0, le=LARGEST_NUMBER, description="Leave out months with fewer new contributors."
    )
    sort: Annotated[str, AfterValidator(sort_check(NEW_CONTRIBUTORS_SORTS)), sort_schema(NEW_CONTRIBUTORS_SORTS)] = (
        Field(
            "date,repository",
            description=f"Comma-separated list of {', '.join(NEW_CONTRIBUTORS_SORTS)}; prefix a name with - for descending order.",
        )
    )


class SummaryParameters(Chosen, Months):
    """Parameters of the totals over repositories."""

    interval: Interval = Field("month", description="The period of one row.")
    forks: bool = Field(False, description="Include forks. A fork named in `repository` is always included.")
    bots: bool | None = Field(None, description="Only bots (true), or no bots (false).")


class RepositoryChartParameters(Months):
    """Parameters of the picture of one repository."""

    interval: Interval = Field("month", description="The period of one bar.")
    bots: bool | None = Field(None, description="Only bots (true), or no bots (false).")
    theme: Theme = Field("auto", description="The colours; auto follows the reader's system.")


class ChartParameters(Chosen, RepositoryChartParameters):
    """Parameters of the picture of the totals."""

    forks: bool = Field(False, description="Include forks. A fork named in `repository` is always included.")


class PeopleParameters(Chosen, Months, Paging):
    """Parameters of the list of new people."""

    from_month: Month | None = Field(
        None, alias="from", description="First month, as YYYY-MM or YYYY-MM-DD; by default the last complete month."
    )
    to_month: Month | None = Field(
        None, alias="to", description="Last month, as YYYY-MM or YYYY-MM-DD; by default the current month."
    )
    bots: bool | None = Field(None, description="Only bots (true), or no bots (false).")
    forks: bool = Field(False, description="Include forks. A fork named in `repository` is always included.")
    first_in: Literal["repository", "organisation"] = Field(
        "repository",
        description="`organisation`: only people with no earlier commit in any other repository of the same owner.",
    )
    sort: Annotated[str, AfterValidator(sort_check(PEOPLE_SORTS)), sort_schema(PEOPLE_SORTS)] = Field(
        "-first_commit_at",
        description=f"Comma-separated list of {', '.join(PEOPLE_SORTS)}; prefix a name with - for descending order.",
    )


class RepositoriesParameters(Paging):
    """Parameters of the list of repositories."""

    text: str | None = Field(None, alias="q", max_length=100, description="Part of the name, in upper or lower case.")
    owner: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        [], max_length=100, description="Only repositories of this owner, by login. May be repeated."
    )
    state: list[RepositoryState] = Field(
        [], max_length=len(STATES) + 1, description="Only repositories in this state. May be repeated."
    )
    visibility: list[Visibility] = Field(
        [], max_length=3, description="Only repositories of this visibility. May be repeated."
    )
    archived: bool | None = Field(None, description="Only archived repositories (true), or only others (false).")
    sort: Annotated[str, AfterValidator(sort_check(REPOSITORIES_SORTS)), sort_schema(REPOSITORIES_SORTS)] = Field(
        "-new_contributors_12m",
        description=f"Comma-separated list of {', '.join(REPOSITORIES_SORTS)}; prefix a name with - for descending order.",
    )
