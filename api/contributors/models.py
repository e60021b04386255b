"""The shapes of the answers about contributors, for the description of the API."""

from datetime import date, datetime
from typing import Literal

from pydantic import ConfigDict, Field

from api.kit.models import Identity, ListPage, Page, Provenance, SelfLink, Shape, Source

State = Literal["complete", "empty", "emptied", "pending", "failed", "vanished"]
RepositoryState = Literal["complete", "empty", "emptied", "pending", "failed", "vanished", "private"]
Visibility = Literal["public", "private", "internal"]
Interval = Literal["month", "quarter", "year"]
Theme = Literal["auto", "light", "dark"]


class NewContributors(Shape):
    """The new contributors of one month in one repository."""

    repository: str
    date: date
    number_of_new_contributors: int = Field(description="People and bots whose first commit here fell in the month.")
    number_of_new_bots: int = Field(description="How many of them are bots.")
    cumulative_contributors: int = Field(description="All contributors up to and including the month.")
    repository_id: int = Field(description="GitHub's id. Tells repositories apart that had the same name in turn.")


class NewContributorsPage(Page):
    """A page of months of repositories."""

    items: list[NewContributors]


class SummaryRow(Shape):
    """The new contributors of one month, quarter or year, summed over repositories."""

    date: date
    number_of_new_contributors: int
    number_of_new_bots: int
    mean_12_months: float | None = Field(
        description="Mean per month over the twelve months that end with the row; null if there are fewer than twelve."
    )
    cumulative_contributors: int
    repositories: int = Field(description="Number of repositories counted: the highest of any month in the row.")


class Summary(Provenance):
    """Totals over repositories."""

    interval: Interval
    forks: bool
    total_records: int
    links: SelfLink
    items: list[SummaryRow]


class RepositoryLinks(Shape):
    """Addresses with more about a repository."""

    self: str
    series: str | None = Field(description="Its months; null for a private repository, whose history is never read.")


class RepositoryRow(Shape):
    """A repository in a file. What is not known of one that was never read is null, and its counts of a year are 0."""

    repository: str
    owner: str
    name: str
    id: int = Field(description="GitHub's numeric id: it survives renames and transfers.")
    created: date | None
    archived: bool
    fork: bool
    stars: int | None
    language: str | None
    default_branch: str | None
    first_commit_month: date | None
    last_commit_month: date | None
    commits: int | None
    new_contributors: int | None = Field(description="All contributors: the sum over its months.")
    new_bots: int | None
    new_contributors_12m: int = Field(description="New contributors in the last twelve complete months.")
    new_bots_12m: int = Field(description="How many of them are bots.")
    state: RepositoryState = Field(description="How far it is counted; private: not public, so it never is.")
    state_reason: str | None
    state_since: datetime | None
    collected_at: datetime | None = Field(description="When the commits counted here were fetched; null if never.")
    tip: str | None = Field(description="Sha of the newest commit counted.")
    visibility: Visibility = Field(description="Only requests with the server's token see others than public ones.")


class Repository(RepositoryRow):
    """A repository ever listed."""

    links: RepositoryLinks


class MaybeCounted(Shape):
    """What an answer says that may be made from the catalogue alone."""

    complete_through: date | None = Field(
        description="Last day that is counted completely; null as long as nothing is counted."
    )
    identity: Identity | None = Field(
        description="Whether GitHub was asked who owns the e-mail addresses; null as long as nothing is counted."
    )


class RepositoriesPage(MaybeCounted, ListPage):
    """A page of repositories."""

    items: list[Repository]


class RepositoryAnswer(Repository, MaybeCounted, Source):
    """One repository."""


class Series(Provenance):
    """All months of one repository, zeros included. If it was never collected, there are no rows: see `state`."""

    repository: str
    state: State
    state_reason: str | None
    total_records: int
    links: RepositoryLinks
    items: list[NewContributors]


class Person(Shape):
    """A contributor who is new in a repository."""

    repository: str
    contributor: str | None = Field(description="The login; without one, the name; without both, null.")
    login: str | None = Field(description="GitHub login, if an account is known.")
    name: str | None = Field(description="Author name of the newest commit; null if it contains an @.")
    contributor_id: str = Field(description="Opaque; the same in all repositories.")
    is_bot: bool
    first_commit_at: datetime = Field(description="Time of the first commit in the repository (UTC).")
    first_commit_sha: str
    first_commit_url: str | None = Field(
        description="Its page on GitHub; null if the address of the server is unknown."
    )
    identity: Literal["account", "bot", "email", "name"] = Field(
        description="The rule that identified the contributor."
    )
    first_in_organisation: bool = Field(
        description="No earlier first commit in another repository of the same owner. Of several at the same time, one counts as first."
    )
    repository_id: int = Field(description="GitHub's id. Tells repositories apart that had the same name in turn.")


class PeoplePage(Page):
    """A page of new people."""

    from_month: date = Field(alias="from", description="First month of the answer.")
    to_month: date = Field(alias="to", description="Last month of the answer.")
    items: list[Person]


class MonthLinks(Shape):
    """Addresses with more about the month."""

    self: str
    series: str
    repository: str


class PeopleOfMonth(Provenance):
    """The people behind the count of one month of a repository."""

    repository: str
    date: date
    number_of_new_contributors: int
    number_of_new_bots: int
    total_records: int
    links: MonthLinks
    items: list[Person]


class LegacyItem(Shape):
    """A month of a repository with at least one new contributor."""

    month: date
    number_of_new_contributors: int
    repo_name: str


class LegacyPage(Shape):
    """A page of months with new contributors."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "items": [{"month": "2016-01-01", "number_of_new_contributors": 1, "repo_name": "buck"}],
                "page": 1,
                "page_size": 10,
                "total_records": 291,
            }
        }
    )

    items: list[LegacyItem]
    page: int
    page_size: int
    total_records: int
