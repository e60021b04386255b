"""``/v1/repositories``: the counted repositories; with the server's token, the private ones of the catalogue among them.

As long as nothing is counted, the catalogue alone answers, with every repository still to be counted.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.contributors import models
from api.contributors.names import repository_of
from api.contributors.parameters import RepositoriesParameters
from api.contributors.repositories import LIST, NO_FILTERS, links_of
from api.kit.answers import Answer, Stream
from api.kit.bearer import OPTIONAL_BEARER, SeesPrivate
from api.kit.caching import Build, serve, serve_private
from api.kit.formats import ALL_FORMATS, Format, format_of, json_answer, provenance
from api.kit.lists import ListQuery, get_in_formats, list_answer
from api.kit.parameters import NoParameters
from api.kit.problems import NO_SNAPSHOT, UNKNOWN_REPOSITORY, ProblemError
from api.kit.snapshot import Lease

router = APIRouter(prefix="/v1/repositories", tags=["repositories"])

CATALOGUED = ListQuery(
    select="repositories/catalogued", row=models.RepositoryRow, file_name="repositories", ties=("repository", "id")
)
WITH_PRIVATE = replace(LIST, more="repositories/given")
ANY_NAME: dict[str, Any] = dict.fromkeys(("repository", "text", "owners", "states", "visibilities", "archived"))
NOT_PUBLIC = ["private", "internal"]
# what an answer that is made from the catalogue alone says of counts
NOTHING_COUNTED = {"complete_through": None, "identity": None}
ListParameters = Annotated[RepositoriesParameters, Query()]
Nothing = Annotated[NoParameters, Query()]


@get_in_formats(
    router,
    "",
    ALL_FORMATS,
    summary="Repositories, how far each is counted, and its new contributors",
    model=models.RepositoriesPage,
    example=f"{','.join(LIST.columns)}\r\n",
    download_id="download_repositories",
    openapi_extra=OPTIONAL_BEARER,
)
async def list_repositories(request: Request, asked: ListParameters, sees_private: SeesPrivate) -> Response:
    """One row per repository ever listed, starting with the most new contributors in the last twelve complete months.

    JSON comes in pages. CSV, JSON lines and Parquet, chosen by the Accept header, contain all rows that match the filters.
    With the server's token, private repositories are among them, in the state `private`. As long as nothing is counted, the
    rows are those of the catalogue, in the state `pending`.
    """
    wanted = format_of(request)
    filters = {
        "text": asked.text,
        "owners": [name.lower() for name in asked.owner] or None,
        "states": asked.state or None,
        "visibilities": asked.visibility or None,
        "archived": asked.archived,
    }
    answer = partial(
        list_answer, request, wanted=wanted, sort=asked.sort, paging=asked, shape=partial(_with_links, request)
    )

    def counted(lease: Lease) -> Answer | Stream:
        return answer(lease, query=LIST, filters=NO_FILTERS | filters)

    def catalogued(lease: Lease) -> Answer | Stream:
        return answer(lease, query=CATALOGUED, filters=ANY_NAME | filters, head=NOTHING_COUNTED)

    def with_private(lease: Lease, private: Lease | None) -> Answer | Stream:
        given = _private_rows(private, filters)
        return answer(lease, query=WITH_PRIVATE, filters=NO_FILTERS | filters | {"given": given})

    return await _served(request, counted, catalogued, with_private if sees_private else None, wanted)


@router.get(
    "/{owner}/{name}",
    operation_id="get_repository",
    summary="One repository",
    responses={200: {"model": models.RepositoryAnswer}},
    openapi_extra=OPTIONAL_BEARER,
)
async def get_repository(
    request: Request, owner: str, name: str, _asked: Nothing, sees_private: SeesPrivate
) -> Response:
    """One repository: its state, its totals and the address of its months. Upper and lower case do not matter.

    With the server's token, a private one, too.
    """
    full_name = f"{owner}/{name}"

    def counted(lease: Lease) -> Answer:
        found = repository_of(lease.snapshot, owner, name)
        filters = NO_FILTERS | {"repository_id": found["repository_id"]}
        row = lease.snapshot.rows(LIST.select, filters)[0]
        return json_answer(_with_links(request, row) | provenance(lease))

    def catalogued(lease: Lease) -> Answer:
        rows = lease.snapshot.rows(CATALOGUED.select, ANY_NAME | {"repository": full_name})
        if not rows:
            raise ProblemError(UNKNOWN_REPOSITORY, f"{full_name[:100]} is unknown.", near=[])
        return json_answer(_with_links(request, _current(rows)) | provenance(lease) | NOTHING_COUNTED)

    def with_private(lease: Lease, private: Lease | None) -> Answer:
        try:
            return counted(lease)
        except ProblemError as problem:
            rows = _private_rows(private, {"repository": full_name})
            if problem.kind is not UNKNOWN_REPOSITORY or not rows:
                raise
        return json_answer(_with_links(request, _current(rows)) | provenance(lease))

    return await _served(request, counted, catalogued, with_private if sees_private else None, Format.JSON)


async def _served(
    request: Request, counted: Build, catalogued: Build, with_private: Build | None, wanted: Format
) -> Response:
    """The answer with counts, or that of the catalogue as long as nothing is counted."""
    state = request.app.state
    usual = (
        partial(serve_private, request, with_private, state.store, beside=(state.private_catalogue,))
        if with_private
        else partial(serve, request, counted, format_name=wanted, by_bearer=True)
    )
    try:
        return await usual()
    except ProblemError as problem:
        if problem.kind is not NO_SNAPSHOT or not state.store.is_empty:
            raise
        nothing_counted = problem
    if with_private:
        return await serve_private(request, catalogued, state.private_catalogue)
    try:
        # not remembered: as soon as something is counted, the other snapshot answers
        return await serve(
            request, catalogued, store=state.catalogue, format_name=wanted, by_bearer=True, remembers=False
        )
    except ProblemError as problem:
        raise (nothing_counted if state.catalogue.is_empty else problem) from None


def _private_rows(private: Lease | None, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the catalogue that are not public; none if no catalogue is published."""
    asked = filters.get("visibilities") or NOT_PUBLIC
    visibilities = [one for one in asked if one in NOT_PUBLIC]
    if private is None or not visibilities:
        return []
    return private.snapshot.rows(CATALOGUED.select, {**ANY_NAME, **filters, "visibilities": visibilities})


def _current(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of repositories that had the same name in turn, the one that has it."""
    return max(rows, key=lambda row: (row["state_since"] is None, row["id"]))


def _with_links(request: Request, row: dict[str, Any]) -> dict[str, Any]:
    links: dict[str, str | None] = {**links_of(request, row["repository"])}
    return {**row, "links": links if row["visibility"] == "public" else links | {"series": None}}
