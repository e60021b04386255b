"""``/catalogue``: the listed repositories with their owners. A script shows private rows to whoever gives it the server's token.

The token comes in the Authorization header of the script's requests only, so a link or a form shows public rows.
"""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from api.catalogue.repositories import DEFAULT_SORT, LIST, Choice
from api.catalogue.serving import serve_catalogue
from api.kit import queries
from api.kit.answers import Answer
from api.kit.bearer import SeesPrivate
from api.kit.problems import ProblemError, invalid
from api.kit.snapshot import Lease
from api.page.rendering import frame, page_answer, problem_page

router = APIRouter(include_in_schema=False)

PATH = "/catalogue"
PAGE_ROWS = 100
# more suggestions help nobody
MOST_OWNERS = 300
FIRST_COMMAND = "git-contrib catalogue OWNER"


@router.get(PATH)
async def get_catalogue_page(request: Request, sees_private: SeesPrivate) -> Response:
    """The page. An invalid choice is also answered with a page, with the status of the problem."""

    def build(lease: Lease) -> Answer:
        content = _content(lease, _choice(request), sees_private=sees_private)
        settings = request.app.state.settings
        content |= {"server": settings.server_url, "has_token": settings.token is not None}
        return page_answer("catalogue.html", frame(request.scope.get("root_path", "")) | content)

    try:
        return await serve_catalogue(request, build, sees_private=sees_private, format_name="html")
    except ProblemError as problem:
        return problem_page(request, problem, home=PATH, command=FIRST_COMMAND)


def _choice(request: Request) -> Choice:
    given = {name: value.strip() for name, value in request.query_params.multi_items() if value.strip()}
    try:
        return Choice.model_validate(given)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise invalid(name, "is not a choice of this page", given.get(name, "")) from error


def _content(lease: Lease, choice: Choice, *, sees_private: bool) -> dict[str, Any]:
    snapshot = lease.snapshot
    total = snapshot.run(LIST.counting, choice.filters)[0]["total"]
    last = max(1, -(-total // PAGE_ROWS))
    window = {"limit": PAGE_ROWS, "offset": (choice.page - 1) * PAGE_ROWS}
    owners = snapshot.run(queries.select("catalogue/owner_names"), {"most": MOST_OWNERS})
    return {
        "choice": choice,
        "sees_private": sees_private,
        "as_of": lease.as_of,
        "rows": snapshot.run(LIST.ordered(choice.sort), choice.filters | window),
        "total": total,
        "owners": [row["owner"] for row in owners],
        "previous": _query(choice, page=min(choice.page - 1, last)) if choice.page > 1 else None,
        "next": _query(choice, page=choice.page + 1) if choice.page < last else None,
        "last": last,
        "api": _api_query(choice),
    }


def _query(choice: Choice, **changed: Any) -> str:
    """The choice as the query of an address, with the `?`. Keyword arguments replace members of the choice."""
    own = {name: value for name, value in choice.model_dump(by_alias=True).items() if value is not None} | changed
    usual = {"sort": DEFAULT_SORT, "page": 1}
    pairs = {name: value for name, value in own.items() if usual.get(name) != value}
    return f"?{urlencode(pairs)}" if pairs else "?"


def _api_query(choice: Choice) -> str:
    """The rows of the page from ``/v1/repositories``, as far as it knows the same choice."""
    pairs = [("q", choice.text), ("owner", choice.owner), ("sort", choice.sort)]
    visibilities = {"public": ["public"], "private": ["private", "internal"]}[choice.status] if choice.status else []
    pairs += [("visibility", one) for one in visibilities]
    return "?" + urlencode([(name, value) for name, value in pairs if value])
