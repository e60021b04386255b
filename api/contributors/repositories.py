"""The repositories and how far they are counted, as a select; ``/v1/repositories/…/new-contributors``: the months of each."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.contributors import models
from api.contributors.names import repository_of
from api.contributors.opened import months_of, series_parameters
from api.kit.answers import Answer, Stream
from api.kit.caching import serve
from api.kit.formats import TEXT_FORMATS, Format, download, format_of
from api.kit.lists import ListQuery, get_in_formats, whole_json
from api.kit.parameters import Months
from api.kit.snapshot import Lease

router = APIRouter(prefix="/v1/repositories", tags=["repositories"])

LIST = ListQuery(
    select="contributors/repositories", row=models.RepositoryRow, file_name="repositories", ties=("repository", "id")
)
SERIES = ListQuery(
    select="contributors/repository_series", row=models.NewContributors, file_name="new-contributors", ties=("date",)
)
NO_FILTERS = {
    "repository_id": None,
    "text": None,
    "owners": None,
    "states": None,
    "visibilities": None,
    "archived": None,
}
SeriesParameters = Annotated[Months, Query()]


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
            "links": links_of(request, found["repository"]),
        }
        return whole_json(request, lease, months_of(lease.snapshot, found, first, last), head)

    return await serve(request, build, format_name=wanted)


def links_of(request: Request, repository: str) -> dict[str, str]:
    """Addresses with more about a repository."""
    here = f"{request.scope.get('root_path', '')}{router.prefix}/{repository}"
    return {"self": here, "series": f"{here}/new-contributors"}
