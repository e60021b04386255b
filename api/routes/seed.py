"""``/api/repos``: frozen in the shape its first clients know."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api import models, queries
from api.caching import Answer, serve
from api.formats import json_answer
from api.parameters import seed_paging
from api.snapshot import Lease

router = APIRouter(tags=["seed"])

COLUMNS = ("month", "number_of_new_contributors", "repo_name")
ORDER = "month, repo_name, owner, repository_id"
LARGEST_OFFSET = 2**62


@router.get(
    "/api/repos",
    operation_id="list_repos",
    summary="Months with new contributors, in the first shape",
    responses={200: {"model": models.SeedPage}},
)
async def list_repos(
    request: Request,
    page: Annotated[
        str | None, Query(description="Page, from 1 (default 1).", json_schema_extra={"pattern": "^[1-9][0-9]{0,14}$"})
    ] = None,
    page_size: Annotated[
        str | None,
        Query(
            description="Rows per page, 1 to 100 (default 10).", json_schema_extra={"pattern": "^([1-9][0-9]?|100)$"}
        ),
    ] = None,
) -> Response:
    """One row per repository and month with at least one new contributor, by month and name.

    Text that is no number counts as not given; parameters that are not known are ignored.
    """
    # of a repeated parameter the first counts, as it always has here
    given = request.query_params
    page = next(iter(given.getlist("page")), None)
    page_size = next(iter(given.getlist("page_size")), None)
    number, size = seed_paging(page, page_size)

    def build(lease: Lease) -> Answer:
        total = lease.snapshot.run(queries.count_of("seed_repos"))[0]["total"]
        parameters = {"limit": size, "offset": min((number - 1) * size, LARGEST_OFFSET)}
        items = lease.snapshot.run(queries.page_of("seed_repos", COLUMNS, ORDER), parameters)
        return json_answer({"items": items, "page": number, "page_size": size, "total_records": total})

    return await serve(request, build)
