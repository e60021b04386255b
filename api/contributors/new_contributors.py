"""``/v1/new-contributors``: new contributors per month and repository, and the totals over repositories."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.contributors import models
from api.contributors.names import ids_of
from api.contributors.parameters import NewContributorsParameters, SummaryParameters
from api.kit.answers import Answer, Stream
from api.kit.caching import serve
from api.kit.formats import ALL_FORMATS, TEXT_FORMATS, format_of
from api.kit.lists import ListQuery, get_in_formats, list_answer, whole_answer
from api.kit.snapshot import Lease

router = APIRouter(prefix="/v1/new-contributors", tags=["new contributors"])

LIST = ListQuery(
    select="contributors/new_contributors",
    row=models.NewContributors,
    file_name="new-contributors",
    ties=("date", "repository", "repository_id"),
)
SUMMARY = ListQuery(
    select="contributors/summary", row=models.SummaryRow, file_name="new-contributors-summary", ties=("date",)
)
ListParameters = Annotated[NewContributorsParameters, Query()]
TotalsParameters = Annotated[SummaryParameters, Query()]


@get_in_formats(
    router,
    "",
    ALL_FORMATS,
    summary="New contributors per repository and month",
    model=models.NewContributorsPage,
    example="repository,date,number_of_new_contributors,number_of_new_bots,cumulative_contributors,repository_id\r\n"
    "facebook/react,2024-01-01,6,0,1650,10270250\r\n",
    download_id="download_new_contributors",
)
async def list_new_contributors(request: Request, asked: ListParameters) -> Response:
    """One row per repository and month, from the repository's first month to now. Zeros and forks are included.

    JSON comes in pages. CSV, JSON lines and Parquet, chosen by the Accept header, contain all rows that match the filters,
    and so does JSON at the address with the suffix `.json`.
    """
    wanted = format_of(request)

    def build(lease: Lease) -> Answer | Stream:
        filters = {
            "repository_ids": ids_of(lease.snapshot, asked.repository),
            "from_month": asked.from_month,
            "to_month": asked.to_month,
            "minimum": asked.minimum,
        }
        return list_answer(request, lease, wanted, LIST, filters, sort=asked.sort, paging=asked)

    return await serve(request, build, format_name=wanted)


@get_in_formats(
    router,
    "/summary",
    TEXT_FORMATS,
    summary="New contributors of all repositories together",
    model=models.Summary,
    example="date,number_of_new_contributors,number_of_new_bots,mean_12_months,cumulative_contributors,repositories\r\n"
    "2024-01-01,214,3,248.0833,20377,156\r\n",
    download_id="download_new_contributors_summary",
)
async def summarise_new_contributors(request: Request, asked: TotalsParameters) -> Response:
    """One row per month, quarter or year, summed over repositories: a person who is new in two of them counts twice.

    Forks are left out unless requested. The running total and the mean include the months before `from`.
    """
    wanted = format_of(request, TEXT_FORMATS)

    def build(lease: Lease) -> Answer | Stream:
        filters = {
            "repository_ids": ids_of(lease.snapshot, asked.repository),
            "from_month": asked.from_month,
            "to_month": asked.to_month,
            "interval": asked.interval,
            "forks": asked.forks,
            "bots": asked.bots,
        }
        head = {"interval": asked.interval, "forks": asked.forks}
        return whole_answer(request, lease, wanted, SUMMARY, filters, head)

    return await serve(request, build, format_name=wanted)
