"""What requests about contributors may ask for: one object per family of routes, whatever format is answered."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from api.contributors.models import Interval, State, Theme
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

# what `sort` may name
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
    """The repositories to look at."""

    repository: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        [],
        max_length=100,
        description="Repository as owner/name; a short name will do where only one has it. May be repeated.",
    )


class NewContributorsParameters(Chosen, Months, Paging):
    """What the list of new contributors can be asked for."""

    minimum: Annotated[int, BeforeValidator(whole_number(0, LARGEST_NUMBER))] = Field(
        0, alias="min", ge=0, le=LARGEST_NUMBER, description="Leave out months with fewer new contributors."
    )
    sort: Annotated[str, AfterValidator(sort_check(NEW_CONTRIBUTORS_SORTS)), sort_schema(NEW_CONTRIBUTORS_SORTS)] = (
        Field(
            "date,repository",
            description=f"Comma list of {', '.join(NEW_CONTRIBUTORS_SORTS)}; a leading - turns the order round.",
        )
    )


class SummaryParameters(Chosen, Months):
    """What the totals over repositories can be asked for."""

    interval: Interval = Field("month", description="Length of the time of one row.")
    forks: bool = Field(False, description="Count forks too. A fork that `repository` names always counts.")
    bots: bool | None = Field(None, description="Only bots, or only others.")


class RepositoryChartParameters(Months):
    """What the picture of one repository can be asked for."""

    interval: Interval = Field("month", description="Length of the time of one bar.")
    bots: bool | None = Field(None, description="Only bots, or only others.")
    theme: Theme = Field("auto", description="The colours; auto follows the system of whoever looks at the picture.")


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
    sort: Annotated[str, AfterValidator(sort_check(PEOPLE_SORTS)), sort_schema(PEOPLE_SORTS)] = Field(
        "-first_commit_at",
        description=f"Comma list of {', '.join(PEOPLE_SORTS)}; a leading - turns the order round.",
    )


class RepositoriesParameters(Paging):
    """What the list of repositories can be asked for."""

    text: str | None = Field(None, alias="q", max_length=100, description="Part of the name, in any case.")
    state: list[State] = Field(
        [], max_length=len(STATES), description="Only repositories in this state. May be repeated."
    )
    archived: bool | None = Field(None, description="Only archived repositories, or only others.")
    sort: Annotated[str, AfterValidator(sort_check(REPOSITORIES_SORTS)), sort_schema(REPOSITORIES_SORTS)] = Field(
        "-new_contributors_12m",
        description=f"Comma list of {', '.join(REPOSITORIES_SORTS)}; a leading - turns the order round.",
    )
