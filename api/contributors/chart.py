"""New contributors as a picture (SVG), for a README."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.contributors.drawing import Chart
from api.contributors.names import heading, named, repository_of
from api.contributors.parameters import ChartParameters, RepositoryChartParameters
from api.kit.answers import Answer
from api.kit.caching import serve
from api.kit.snapshot import Lease

# must be included before the routes of the other formats, which would refuse this suffix
router = APIRouter(prefix="/v1", tags=["charts"])

MEDIA_TYPE = "image/svg+xml"
# if a picture is opened as a page, nothing in it may load or run
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}}


class Svg(Response):
    """For the description: these routes answer with this type only."""

    media_type = MEDIA_TYPE


@router.get(
    "/new-contributors/summary.svg",
    operation_id="draw_new_contributors_summary",
    summary="New contributors of all repositories together, as a picture",
    responses=RESPONSES,
    response_class=Svg,
)
async def draw_new_contributors_summary(request: Request, asked: Annotated[ChartParameters, Query()]) -> Response:
    """An SVG for a README: bars, the 12-month mean as a line, the current month in a lighter colour.

    It follows the light or dark mode of the reader's system, unless `theme` is given. Screen readers read its title and
    description.
    """

    def build(lease: Lease) -> Answer:
        chosen = [named(lease.snapshot, name) for name in asked.repository]
        owners = [row["owner"] for row in lease.snapshot.rows("contributors/owners")]
        title = heading([row["repository"] for row in chosen], owners)
        return _drawn(lease, title, asked, [row["repository_id"] for row in chosen] or None)

    return await serve(request, build, format_name="svg")


@router.get(
    "/repositories/{owner}/{name}/new-contributors.svg",
    operation_id="draw_repository_series",
    summary="All months of one repository, as a picture",
    responses=RESPONSES,
    response_class=Svg,
)
async def draw_repository_series(
    request: Request, owner: str, name: str, asked: Annotated[RepositoryChartParameters, Query()]
) -> Response:
    """An SVG for the README of the repository, like the one of all repositories together."""

    def build(lease: Lease) -> Answer:
        found = repository_of(lease.snapshot, owner, name)
        return _drawn(lease, found["repository"], asked, [found["repository_id"]])

    return await serve(request, build, format_name="svg")


def _drawn(lease: Lease, title: str, asked: RepositoryChartParameters, ids: list[int] | None) -> Answer:
    filters = {
        "repository_ids": ids,
        "from_month": asked.from_month,
        "to_month": asked.to_month,
        "interval": asked.interval,
        "forks": isinstance(asked, ChartParameters) and asked.forks,
        "bots": asked.bots,
    }
    rows = lease.snapshot.rows("contributors/summary", filters)
    chart = Chart(title, rows, lease.snapshot.counts.running_month, asked.interval, asked.theme)
    return Answer(chart.svg().encode(), MEDIA_TYPE, HEADERS)
