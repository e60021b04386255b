"""``/v1/repositories``: what is counted, how far, and each one's own series."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.contributors import models
from api.contributors.names import repository_of
from api.contributors.opened import months_of
from api.contributors.parameters import RepositoriesParameters
from api.kit.answers import Answer, Stream
from api.kit.caching import serve
from api.kit.formats import Format, Suffix, TextSuffix, format_of, json_answer, provenance
from api.kit.lists import ListQuery, documented, list_answer, whole_answer, whole_json
from api.kit.parameters import Months, NoParameters
from api.kit.snapshot import Lease

router = APIRouter(prefix="/v1/repositories", tags=["repositories"])

LIST = ListQuery(
    name="contributors/repositories",
    columns=(
        "repository",
        "owner",
        "name",
        "id",
        "created",
        "archived",
        "fork",
        "stars",
        "language",
        "default_branch",
        "first_commit_month",
        "last_commit_month",
        "commits",
        "new_contributors",
        "new_bots",
        "new_contributors_12m",
        "new_bots_12m",
        "state",
        "state_reason",
        "state_since",
        "collected_at",
        "tip",
    ),
    file_name="contributors/repositories",
)
SERIES = ListQuery(
    name="contributors/repository_series",
    columns=(
        "repository",
        "date",
        "number_of_new_contributors",
        "number_of_new_bots",
        "cumulative_contributors",
    ),
    file_name="series",
)
SERIES_FORMATS = (Format.JSON, Format.CSV)
LIST_RESPONSES = documented(
    models.RepositoriesPage, f"{','.join(LIST.columns)}\r\n", Format.CSV, Format.NDJSON, Format.PARQUET
)
SERIES_RESPONSES = documented(
    models.Series,
    f"{','.join(SERIES.columns)}\r\nfacebook/react,2024-01-01,6,0,1650\r\n",
    Format.CSV,
)
ListParameters = Annotated[RepositoriesParameters, Query()]
SeriesParameters = Annotated[Months, Query()]
Nothing = Annotated[NoParameters, Query()]


@router.get(
    "",
    operation_id="list_repositories",
    summary="Repositories, how far each is counted, and its newcomers",
    responses=LIST_RESPONSES,
)
async def list_repositories(request: Request, asked: ListParameters) -> Response:
    """One row per repository ever listed, those with most new contributors in the last twelve whole months first.

    JSON comes in pages; CSV, JSON lines and Parquet, chosen by Accept, hold all rows that fit the filters.
    """
    return await _list(request, asked, format_of(request, None))


@router.get(
    ".{suffix}",
    operation_id="download_repositories",
    summary="Repositories, in the format of the suffix",
    responses=LIST_RESPONSES,
)
async def download_repositories(request: Request, suffix: Suffix, asked: ListParameters) -> Response:
    """The same as without a suffix, which wins over Accept: `.json`, `.csv`, `.ndjson` or `.parquet`."""
    return await _list(request, asked, format_of(request, suffix))


@router.get(
    "/{owner}/{name}",
    operation_id="get_repository",
    summary="One repository",
    responses={200: {"model": models.RepositoryAnswer}},
)
async def get_repository(request: Request, owner: str, name: str, _asked: Nothing) -> Response:
    """One repository: its state, its totals and where its series is. The case of the name does not matter."""

    def build(lease: Lease) -> Answer:
        found = repository_of(lease.snapshot, owner, name)
        filters = _no_filters() | {"repository_id": found["repository_id"]}
        row = lease.snapshot.rows(LIST.name, filters)[0]
        return json_answer(_with_links(request, row) | provenance(lease))

    return await serve(request, build)


@router.get(
    "/{owner}/{name}/new-contributors",
    operation_id="get_repository_series",
    summary="All months of one repository",
    responses=SERIES_RESPONSES,
)
async def get_repository_series(request: Request, owner: str, name: str, asked: SeriesParameters) -> Response:
    """The whole series in one answer, zeros included; without rows and with its state when it was never collected."""
    return await _series(request, owner, name, asked, format_of(request, None, SERIES_FORMATS))


@router.get(
    "/{owner}/{name}/new-contributors.{suffix}",
    operation_id="download_repository_series",
    summary="All months of one repository, in the format of the suffix",
    responses=SERIES_RESPONSES,
)
async def download_repository_series(
    request: Request, owner: str, name: str, suffix: TextSuffix, asked: SeriesParameters
) -> Response:
    """The same as without a suffix, which wins over Accept: `.json` or `.csv`."""
    return await _series(request, owner, name, asked, format_of(request, suffix))


async def _list(request: Request, asked: RepositoriesParameters, wanted: Format) -> Response:
    def build(lease: Lease) -> Answer | Stream:
        filters = _no_filters() | {"text": asked.text, "states": asked.state or None, "archived": asked.archived}

        def shape(row: dict[str, Any]) -> dict[str, Any]:
            return _with_links(request, row)

        return list_answer(request, lease, wanted, LIST, filters, order=asked.order, paging=asked, shape=shape)

    return await serve(request, build, format_name=wanted)


async def _series(request: Request, owner: str, name: str, asked: Months, wanted: Format) -> Response:
    def build(lease: Lease) -> Answer | Stream:
        found = repository_of(lease.snapshot, owner, name)
        filters = _series_filters(found, asked)
        head = {
            "repository": found["repository"],
            "state": found["state"],
            "state_reason": found["state_reason"],
            "links": _links(request, found["repository"]),
        }
        if wanted is Format.JSON:
            items = months_of(lease.snapshot, found, filters["from_month"], filters["to_month"])
            return whole_json(request, lease, items, head)
        query = ListQuery(SERIES.name, SERIES.columns, f"{found['repository'].replace('/', '-')}-new-contributors")
        return whole_answer(request, lease, wanted, query, filters, head)

    return await serve(request, build, format_name=wanted)


def _series_filters(found: Mapping[str, Any], months: Months) -> dict[str, Any]:
    """What the select of a repository's months asks for."""
    return {
        **{name: found[name] for name in ("repository_id", "first_row", "last_row")},
        "from_month": months.from_month or date.min,
        "to_month": months.to_month or date.max,
    }


def _no_filters() -> dict[str, Any]:
    return {"repository_id": None, "text": None, "states": None, "archived": None}


def _with_links(request: Request, row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "links": _links(request, row["repository"])}


def _links(request: Request, repository: str) -> dict[str, str]:
    here = f"{request.scope.get('root_path', '')}{router.prefix}/{repository}"
    return {"self": here, "series": f"{here}/new-contributors"}
