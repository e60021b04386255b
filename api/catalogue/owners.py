"""``/v1/owners``: who owns the repositories."""

from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from api.catalogue import models
from api.catalogue.parameters import OwnersParameters
from api.catalogue.serving import serve_catalogue
from api.kit.answers import Answer, Stream
from api.kit.bearer import OPTIONAL_BEARER, SeesPrivate
from api.kit.formats import ALL_FORMATS, format_of
from api.kit.lists import ListQuery, get_in_formats, list_answer
from api.kit.snapshot import Lease

router = APIRouter(prefix="/v1/owners", tags=["catalogue"])

PUBLIC = ListQuery(select="catalogue/owners", row=models.OwnerRow, file_name="owners", ties=("owner", "id"))
EVERYTHING = ListQuery(
    select="catalogue/private_owners", row=models.PrivateOwnerRow, file_name="owners", ties=("owner", "id")
)
ListParameters = Annotated[OwnersParameters, Query()]


@get_in_formats(
    router,
    "",
    ALL_FORMATS,
    summary="Owners of repositories",
    model=models.OwnersPage,
    example=f"{','.join(PUBLIC.columns)}\r\nfacebook,69631,Organization,Meta,156\r\n",
    download_id="download_owners",
    openapi_extra=OPTIONAL_BEARER,
)
async def list_owners(request: Request, asked: ListParameters, sees_private: SeesPrivate) -> Response:
    """One row per owner of a repository ever listed, by login.

    JSON comes in pages. CSV, JSON lines and Parquet, chosen by the Accept header, contain all rows that match the filters.
    With the server's token, the owners of private repositories are among them, and each row has two columns more:
    `private_repositories` and `email`.
    """
    wanted = format_of(request)

    def build(lease: Lease) -> Answer | Stream:
        query = EVERYTHING if sees_private else PUBLIC
        filters = {"text": asked.text, "type": asked.type}
        shape = partial(_with_links, request)
        return list_answer(request, lease, wanted, query, filters, sort=asked.sort, paging=asked, shape=shape)

    return await serve_catalogue(request, build, sees_private=sees_private, format_name=wanted)


def _with_links(request: Request, row: dict[str, Any]) -> dict[str, Any]:
    root = request.scope.get("root_path", "")
    return {**row, "links": {"repositories": f"{root}/v1/repositories?{urlencode({'owner': row['owner']})}"}}
