"""The pictures: new contributors as an SVG, to be shown in a README."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.contributors.drawing import Chart
from api.contributors.names import heading, named, repository_of
from api.contributors.parameters import ChartParameters, RepositoryChartParameters
from api.kit.answers import Answer
from api.kit.caching import serve
from api.kit.snapshot import Lease

# included before the routes of the same addresses in other formats, which would refuse this suffix
router = APIRouter(prefix="/v1", tags=["charts"])

MEDIA_TYPE = "image/svg+xml"
# a picture may be opened as a page of its own: it can do nothing there
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}}


class Svg(Response):
    """For the description: an answer of these routes is of no other type."""

    media_type = MEDIA_TYPE


@router.get(
    "/new-contributors/summary.svg",
    operation_id="draw_new_contributors_summary",
    summary="New contributors of all repositories together, as a picture",
    responses=RESPONSES,
    response_class=Svg,
)
async def draw_new_contributors_summary(request: Request, asked: Annotated[ChartParameters, Query()]) -> Response:
    """An SVG for a README: bars, the mean of twelve months as a line, the running month pale.

    Light or dark as the reader's system is, unless `theme` says which. Its title and description are for screen readers.
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
    """An SVG for the repository's README, like that of all repositories."""

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
    chart = Chart(title, rows, lease.snapshot.details.running_month, asked.interval, asked.theme)
    return Answer(chart.svg().encode(), MEDIA_TYPE, HEADERS)
