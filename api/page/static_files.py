"""The static files. Each address changes with the content, so that browsers can keep a file forever."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"
KEPT_FOR_GOOD = "public, max-age=31536000, immutable"
LOOKED_AT_AGAIN = "public, max-age=300"


@cache
def version_of(name: str) -> str:
    """The end of the file's address: a part of its hash."""
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:16]


def static_address(name: str, root: str = "") -> str:
    """The address of the file with its current content."""
    return f"{root}/static/{name}?v={version_of(name)}"


class VersionedStaticFiles(StaticFiles):
    """Lets browsers keep a file forever, but only under the address of its current content."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file. The address of an older version gives the current one, to be kept only for a short time."""
        answer = await super().get_response(path, scope)
        if answer.status_code < 400:
            asked = QueryParams(scope["query_string"]).get("v")
            current = asked is not None and asked == version_of(path)
            answer.headers["Cache-Control"] = KEPT_FOR_GOOD if current else LOOKED_AT_AGAIN
            answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer
