"""The people behind the counts: those of one month of a repository, and the new people of all repositories."""

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.contributors import models
from api.contributors.names import ids_of, repository_of
from api.contributors.opened import months_of
from api.contributors.parameters import PeopleParameters
from api.kit.answers import Answer, Stream
from api.kit.caching import serve
from api.kit.formats import (
    ALL_FORMATS,
    TEXT_FORMATS,
    Format,
    address,
    download,
    format_of,
    json_answer,
    provenance,
)
from api.kit.lists import ListQuery, get_in_formats, list_answer
from api.kit.parameters import CalendarMonth, NoParameters
from api.kit.problems import UNKNOWN_MONTH, ProblemError
from api.kit.snapshot import CountDetails, Lease

router = APIRouter(tags=["people"])

LIST = ListQuery(
    select="contributors/people",
    row=models.Person,
    file_name="new-people",
    ties=("first_commit_at", "first_commit_sha", "repository", "repository_id", "contributor_id"),
)
CSV_EXAMPLE = (
    f"{','.join(LIST.columns)}\r\n"
    "facebook/react,octocat,octocat,The Octocat,github:583231,false,2024-01-03T10:20:30Z,"
    "6dcb09b5b57875f334f61aebed695e2e4193db5e,"
    "https://github.com/facebook/react/commit/6dcb09b5b57875f334f61aebed695e2e4193db5e,account,true,10270250\r\n"
)
ListParameters = Annotated[PeopleParameters, Query()]
Nothing = Annotated[NoParameters, Query()]


@get_in_formats(
    router,
    "/v1/contributors/new",
    ALL_FORMATS,
    summary="Who is new, across repositories",
    model=models.PeoplePage,
    example=CSV_EXAMPLE,
    download_id="download_new_people",
)
async def list_new_people(request: Request, asked: ListParameters) -> Response:
    """One row per repository and contributor whose first commit there fell in the requested months, newest first.

    `first_in_organisation` says whether it was also the first commit in any repository of that owner. E-mail addresses are
    not published: people without an account are shown by the name in the commit. JSON comes in pages. CSV, JSON lines and
    Parquet contain all rows.
    """
    wanted = format_of(request)

    def build(lease: Lease) -> Answer | Stream:
        first, last = _months(asked, lease.snapshot.counts)
        filters = _filters(request) | {
            "repository_ids": ids_of(lease.snapshot, asked.repository),
            "from_month": first,
            "to_month": last,
            "bots": asked.bots,
            "forks": asked.forks,
            "first_in": asked.first_in,
        }
        head = {"from": first, "to": last}
        return list_answer(request, lease, wanted, LIST, filters, sort=asked.sort, paging=asked, head=head)

    return await serve(request, build, format_name=wanted)


@get_in_formats(
    router,
    "/v1/repositories/{owner}/{name}/new-contributors/{month}",
    TEXT_FORMATS,
    summary="The people behind one count",
    model=models.PeopleOfMonth,
    example=CSV_EXAMPLE,
    download_id="download_new_people_of_month",
)
async def get_new_people_of_month(
    request: Request, owner: str, name: str, month: CalendarMonth, _asked: Nothing
) -> Response:
    """Explains a number: one row per contributor whose first commit in the repository counts in the month.

    There are as many rows as `number_of_new_contributors` says, each with the first commit and the rule that identified
    the contributor.
    """
    wanted = format_of(request, TEXT_FORMATS)

    def build(lease: Lease) -> Answer | Stream:
        found = repository_of(lease.snapshot, owner, name)
        counted = months_of(lease.snapshot, found, month, month)
        if not counted:
            raise ProblemError(UNKNOWN_MONTH, _no_such_month(found, month))
        filters = _filters(request) | {
            "repository_ids": [found["repository_id"]],
            "from_month": month,
            "to_month": month,
        }
        statement = LIST.ordered()
        window = {"limit": None, "offset": 0}
        if wanted is not Format.JSON:
            file_name = f"{found['repository'].replace('/', '-')}-{month:%Y-%m}-new-people"
            return download(lease, file_name, wanted, statement, {**filters, **window})
        items = lease.snapshot.run(statement, {**filters, **window})
        here = f"{request.scope.get('root_path', '')}/v1/repositories/{found['repository']}"
        content = {
            "repository": found["repository"],
            **{name: counted[0][name] for name in ("date", "number_of_new_contributors", "number_of_new_bots")},
            "total_records": len(items),
            "links": {"self": address(request), "series": f"{here}/new-contributors", "repository": here},
            "items": items,
            **provenance(lease),
        }
        return json_answer(content)

    return await serve(request, build, format_name=wanted)


def _filters(request: Request) -> dict[str, Any]:
    """Filters that leave nothing out."""
    server = request.app.state.settings.server_url
    return {"bots": None, "forks": True, "first_in": "repository", "server": server}


def _months(asked: PeopleParameters, details: CountDetails) -> tuple[date, date]:
    """The requested months; by default the last complete one and the current one."""
    running = max(details.complete_through + timedelta(days=1), details.built_at.date()).replace(day=1)
    last = asked.to_month or max(running, asked.from_month or running)
    return asked.from_month or min(last, details.complete_through.replace(day=1)), last


def _no_such_month(found: dict[str, Any], month: date) -> str:
    if found["first_month"] is None:
        return f"{found['repository']} has no months: it is {found['state']}."
    first, last = found["first_month"], found["last_month"]
    return f"{found['repository']} has the months {first:%Y-%m} to {last:%Y-%m}, not {month:%Y-%m}."
