"""``/v1/exports/repositories.csv``: repositories with their owners, for a spreadsheet."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.catalogue.serving import serve_catalogue
from api.kit.answers import Answer, Stream
from api.kit.bearer import OPTIONAL_BEARER, SeesPrivate
from api.kit.formats import Format, download
from api.kit.parameters import NoParameters
from api.kit.snapshot import Lease
from git_contrib_assets.serving.contract.catalogue import CSV_COLUMNS, REPOSITORIES_CSV, csv_select

router = APIRouter(prefix="/v1/exports", tags=["catalogue"])

NAME = REPOSITORIES_CSV.removesuffix(".csv")
EXAMPLE = f"{','.join(CSV_COLUMNS)}\r\n69631,facebook,,10270250,react,Public,231000\r\n"


class Csv(Response):
    """For the description: this route answers with this type only."""

    media_type = Format.CSV.media_type


@router.get(
    f"/{REPOSITORIES_CSV}",
    operation_id="export_repositories",
    summary="Repositories with their owners, as a CSV",
    responses={200: {"content": {Csv.media_type: {"schema": {"type": "string"}, "example": EXAMPLE}}}},
    response_class=Csv,
    openapi_extra=OPTIONAL_BEARER,
)
async def export_repositories(
    request: Request, _asked: Annotated[NoParameters, Query()], sees_private: SeesPrivate
) -> Response:
    """All listed repositories, ordered by owner and name: RFC 4180, in UTF-8.

    Without the server's token only public ones, and no addresses. A text that a spreadsheet would run as a formula has an
    apostrophe before it.
    """

    def build(lease: Lease) -> Answer | Stream:
        return download(lease, NAME, Format.CSV, csv_select(lease.snapshot.publication), {})

    return await serve_catalogue(request, build, sees_private=sees_private, format_name=Format.CSV)
