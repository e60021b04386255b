"""``/api/repos``: the older shape, which never changes because its first clients rely on it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.contributors import models
from api.kit.answers import Answer
from api.kit.caching import serve
from api.kit.formats import json_answer
from api.kit.lists import ListQuery
from api.kit.problems import INVALID_PARAMETER, ProblemError
from api.kit.snapshot import Lease

router = APIRouter(tags=["legacy"])

LIST = ListQuery(
    select="contributors/legacy_repos",
    row=models.LegacyItem,
    file_name="repos",
    ties=("month", "repo_name", "owner", "repository_id"),
)
LARGEST_OFFSET = 2**62
# the largest number that an answer can contain
LARGEST_INTEGER = 2**63 - 1


@router.get(
    "/api/repos",
    operation_id="list_repos",
    summary="Months with new contributors, in the older shape",
    responses={200: {"model": models.LegacyPage}},
)
async def list_repos(
    request: Request,
    page: Annotated[
        str | None,
        Query(
            description="Page number, starting at 1 (default 1).", json_schema_extra={"pattern": "^[1-9][0-9]{0,14}$"}
        ),
    ] = None,
    page_size: Annotated[
        str | None,
        Query(
            description="Rows per page, 1 to 100 (default 10).", json_schema_extra={"pattern": "^([1-9][0-9]?|100)$"}
        ),
    ] = None,
) -> Response:
    """One row per repository and month with at least one new contributor, by month and name.

    A page or page size that is not a number is ignored, and so are unknown parameters.
    """
    # the first of a repeated parameter counts, as it always has here
    given = request.query_params
    page = next(iter(given.getlist("page")), None)
    page_size = next(iter(given.getlist("page_size")), None)
    number, size = _paging(page, page_size)

    def build(lease: Lease) -> Answer:
        total = lease.snapshot.run(LIST.counting)[0]["total"]
        parameters = {"limit": size, "offset": min((number - 1) * size, LARGEST_OFFSET)}
        items = lease.snapshot.run(LIST.ordered(), parameters)
        return json_answer({"items": items, "page": number, "page_size": size, "total_records": total})

    return await serve(request, build)


def _paging(page: str | None, page_size: str | None) -> tuple[int, int]:
    """Page and page size as ``/api/repos`` has always read them: anything but a number means the default."""
    found = {}
    for name, text, default, most in (("page", page, 1, LARGEST_INTEGER), ("page_size", page_size, 10, 100)):
        number = _number_or(text, default)
        if not 1 <= number <= most:
            message = "must be at least 1" if name == "page" and number < 1 else f"must be between 1 and {most}"
            error = {"parameter": name, "message": message, "value": str(text)[:100]}
            raise ProblemError(INVALID_PARAMETER, f"{name} {message}.", errors=[error])
        found[name] = number
    return found["page"], found["page_size"]


def _number_or(text: str | None, default: int) -> int:
    try:
        return default if text is None else int(text)
    except ValueError:
        return default
