"""``/v1/repositories``: the repositories, how far they are counted, and the months of each."""

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.contributors import models
from api.contributors.names import repository_of
from api.contributors.opened import months_of, series_parameters
from api.contributors.parameters import RepositoriesParameters
from api.kit.answers import Answer, Stream
from api.kit.caching import serve
from api.kit.formats import ALL_FORMATS, TEXT_FORMATS, Format, download, format_of, json_answer, provenance
from api.kit.lists import ListQuery, get_in_formats, list_answer, whole_json
from api.kit.parameters import Months, NoParameters
from api.kit.snapshot import Lease

router = APIRouter(prefix="/v1/repositories", tags=["repositories"])

LIST = ListQuery(
    select="contributors/repositories", row=models.RepositoryRow, file_name="repositories", ties=("repository", "id")
)
SERIES = ListQuery(
    select="contributors/repository_series", row=models.NewContributors, file_name="new-contributors", ties=("date",)
)
NO_FILTERS = {"repository_id": None, "text": None, "states": None, "archived": None}
ListParameters = Annotated[RepositoriesParameters, Query()]
SeriesParameters = Annotated[Months, Query()]
Nothing = Annotated[NoParameters, Query()]


@get_in_formats(
    router,
    "",
    ALL_FORMATS,
    summary="Repositories, how far each is counted, and its new contributors",
    model=models.RepositoriesPage,
    example=f"{','.join(LIST.columns)}\r\n",
    download_id="download_repositories",
)
async def list_repositories(request: Request, asked: ListParameters) -> Response:
    """One row per repository ever listed, starting with the most new contributors in the last twelve complete months.

    JSON comes in pages. CSV, JSON lines and Parquet, chosen by the Accept header, contain all rows that match the filters.
    """
    wanted = format_of(request)

    def build(lease: Lease) -> Answer | Stream:
        filters = NO_FILTERS | {"text": asked.text, "states": asked.state or None, "archived": asked.archived}
        shape = partial(_with_links, request)
        return list_answer(request, lease, wanted, LIST, filters, sort=asked.sort, paging=asked, shape=shape)

    return await serve(request, build, format_name=wanted)


@router.get(
    "/{owner}/{name}",
    operation_id="get_repository",
    summary="One repository",
    responses={200: {"model": models.RepositoryAnswer}},
)
async def get_repository(request: Request, owner: str, name: str, _asked: Nothing) -> Response:
    """One repository: its state, its totals and the address of its months. Upper and lower case do not matter."""

    def build(lease: Lease) -> Answer:
        found = repository_of(lease.snapshot, owner, name)
        filters = NO_FILTERS | {"repository_id": found["repository_id"]}
        row = lease.snapshot.rows(LIST.select, filters)[0]
        return json_answer(_with_links(request, row) | provenance(lease))

    return await serve(request, build)


@get_in_formats(
    router,
    "/{owner}/{name}/new-contributors",
    TEXT_FORMATS,
    summary="All months of one repository",
    model=models.Series,
    example=f"{','.join(SERIES.columns)}\r\nfacebook/react,2024-01-01,6,0,1650\r\n",
    download_id="download_repository_series",
)
async def get_repository_series(request: Request, owner: str, name: str, asked: SeriesParameters) -> Response:
    """All months in one answer, zeros included. If the repository was never collected, only its state, and no rows."""
    wanted = format_of(request, TEXT_FORMATS)

    def build(lease: Lease) -> Answer | Stream:
        found = repository_of(lease.snapshot, owner, name)
        first, last = asked.from_month or date.min, asked.to_month or date.max
        if wanted is not Format.JSON:
            parameters = series_parameters(found, first, last) | {"limit": None, "offset": 0}
            file_name = f"{found['repository'].replace('/', '-')}-{SERIES.file_name}"
            return download(lease, file_name, wanted, SERIES.ordered(), parameters)
        head = {
            "repository": found["repository"],
            "state": found["state"],
            "state_reason": found["state_reason"],
            "links": _links(request, found["repository"]),
        }
        return whole_json(request, lease, months_of(lease.snapshot, found, first, last), head)

    return await serve(request, build, format_name=wanted)


def _with_links(request: Request, row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "links": _links(request, row["repository"])}


def _links(request: Request, repository: str) -> dict[str, str]:
    here = f"{request.scope.get('root_path', '')}{router.prefix}/{repository}"
    return {"self": here, "series": f"{here}/new-contributors"}
