"""``/v1/new-contributors``: the dataset, and its totals over repositories."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.contributors import models
from api.contributors.names import ids_of
from api.contributors.parameters import NewContributorsParameters, SummaryParameters
from api.kit.answers import Answer, Stream
from api.kit.caching import serve
from api.kit.formats import Format, Suffix, TextSuffix, format_of
from api.kit.lists import ListQuery, documented, list_answer, whole_answer
from api.kit.snapshot import Lease

router = APIRouter(prefix="/v1/new-contributors", tags=["new contributors"])

LIST = ListQuery(
    name="contributors/new_contributors",
    columns=(
        "repository",
        "date",
        "number_of_new_contributors",
        "number_of_new_bots",
        "cumulative_contributors",
    ),
    file_name="new-contributors",
)
SUMMARY = ListQuery(
    name="contributors/summary",
    columns=(
        "date",
        "number_of_new_contributors",
        "number_of_new_bots",
        "mean_12_months",
        "cumulative_contributors",
        "repositories",
    ),
    file_name="new-contributors-summary",
)
SUMMARY_FORMATS = (Format.JSON, Format.CSV)
LIST_RESPONSES = documented(
    models.NewContributorsPage,
    "repository,date,number_of_new_contributors,number_of_new_bots,cumulative_contributors\r\n"
    "facebook/react,2024-01-01,6,0,1650\r\n",
    Format.CSV,
    Format.NDJSON,
    Format.PARQUET,
)
SUMMARY_RESPONSES = documented(
    models.Summary,
    "date,number_of_new_contributors,number_of_new_bots,mean_12_months,cumulative_contributors,repositories\r\n"
    "2024-01-01,214,3,248.0833,20377,156\r\n",
    Format.CSV,
)
ListParameters = Annotated[NewContributorsParameters, Query()]
TotalsParameters = Annotated[SummaryParameters, Query()]


@router.get(
    "",
    operation_id="list_new_contributors",
    summary="New contributors per repository and month",
    responses=LIST_RESPONSES,
)
async def list_new_contributors(request: Request, asked: ListParameters) -> Response:
    """One row per repository and month, from the repository's first month to now, zeros included; forks too.

    JSON comes in pages; CSV, JSON lines and Parquet, chosen by Accept, hold all rows that fit the filters.
    """
    return await _list(request, asked, format_of(request, None))


@router.get(
    ".{suffix}",
    operation_id="download_new_contributors",
    summary="New contributors per repository and month, in the format of the suffix",
    responses=LIST_RESPONSES,
)
async def download_new_contributors(request: Request, suffix: Suffix, asked: ListParameters) -> Response:
    """The same as without a suffix, which wins over Accept: `.json`, `.csv`, `.ndjson` or `.parquet`."""
    return await _list(request, asked, format_of(request, suffix))


@router.get(
    "/summary",
    operation_id="summarise_new_contributors",
    summary="New contributors of all repositories together",
    responses=SUMMARY_RESPONSES,
)
async def summarise_new_contributors(request: Request, asked: TotalsParameters) -> Response:
    """One row per month, quarter or year, added up over repositories: a person new in two of them counts in both.

    Without forks unless asked. The running total and the mean see the months before `from` too.
    """
    return await _summary(request, asked, format_of(request, None, SUMMARY_FORMATS))


@router.get(
    "/summary.{suffix}",
    operation_id="download_new_contributors_summary",
    summary="New contributors of all repositories together, in the format of the suffix",
    responses=SUMMARY_RESPONSES,
)
async def download_new_contributors_summary(request: Request, suffix: TextSuffix, asked: TotalsParameters) -> Response:
    """The same as without a suffix, which wins over Accept: `.json` or `.csv`."""
    return await _summary(request, asked, format_of(request, suffix))


async def _list(request: Request, asked: NewContributorsParameters, wanted: Format) -> Response:
    def build(lease: Lease) -> Answer | Stream:
        filters = {
            "repository_ids": ids_of(lease.snapshot, asked.repository),
            "from_month": asked.from_month,
            "to_month": asked.to_month,
            "minimum": asked.minimum,
        }
        return list_answer(request, lease, wanted, LIST, filters, order=asked.order, paging=asked)

    return await serve(request, build, format_name=wanted)


async def _summary(request: Request, asked: SummaryParameters, wanted: Format) -> Response:
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
