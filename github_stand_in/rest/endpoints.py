"""What all REST endpoints share: errors, redirects, conditional answers and paging."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from github_stand_in.faults import DOCUMENTATION
from github_stand_in.gate import REST_PREFIX, Exchange, error_response, json_bytes
from github_stand_in.limits import Limits
from github_stand_in.rest.replies import Replies
from github_stand_in.world import Repository, TokenHolder, World

DEFAULT_PER_PAGE = 30
MAXIMUM_PER_PAGE = 100
OLD_PATH = re.compile(rf"{REST_PREFIX}/repos/[^/]+/[^/]+")


class ApiError(Exception):
    """An error that the API answers with."""

    def __init__(self, status: int, message: str, documentation: str = DOCUMENTATION, **headers: str) -> None:
        super().__init__(message)
        self.response = error_response(status, message, documentation, **headers)


class Moved(Exception):
    """The repository has another name now."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository.full_name)
        self.repository = repository


def not_found() -> ApiError:
    """The answer for what is missing, and for what the caller may not see."""
    return ApiError(404, "Not Found")


def whole_number(text: str | None, default: int, highest: int) -> int:
    """A number as GitHub reads it: nonsense and numbers below one become the default, too large ones the highest."""
    number = int(text) if text and re.fullmatch(r"\d{1,9}", text) else 0
    return min(number, highest) if number >= 1 else default


def moment(text: str | None) -> int | None:
    """A time in a query, in seconds."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise ApiError(422, "Validation Failed") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


class Endpoints:
    """The common part of the endpoints."""

    def __init__(self, world: World, limits: Limits) -> None:
        self.world = world
        self.limits = limits

    def _routes(self, table: Mapping[str, Callable[[Request], Response]]) -> list[Route]:
        return [Route(REST_PREFIX + path, self._guarded(handler), methods=["GET"]) for path, handler in table.items()]

    def _guarded(self, handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def guarded(request: Request) -> Response:
            try:
                if request.scope["path"].endswith("/"):
                    raise not_found()
                return handler(request)
            except ApiError as error:
                return error.response
            except Moved as moved:
                return self._redirect(request, moved.repository)

        return guarded

    def _redirect(self, request: Request, repository: Repository) -> Response:
        base = f"{self._replies(request).api}/repositories/{repository.id}"
        # Not from `request.url`, where a `#` in the path would end it.
        tail = OLD_PATH.sub("", request.scope["raw_path"].decode("latin-1"), count=1)
        query = request.scope["query_string"].decode("latin-1")
        query = f"?{query}" if query else ""
        url = f"{base}{tail}{query}"
        body = {"message": "Moved Permanently", "url": url, "documentation_url": DOCUMENTATION}
        return Response(json_bytes(body), 301, {"location": url}, media_type="application/json; charset=utf-8")

    @staticmethod
    def _exchange(request: Request) -> Exchange:
        exchange: Exchange = request.scope["stand_in"]
        return exchange

    def _caller(self, request: Request) -> TokenHolder | None:
        return self._exchange(request).caller

    def _signed_in(self, request: Request) -> TokenHolder:
        caller = self._caller(request)
        if caller is None:
            raise ApiError(401, "Requires authentication")
        return caller

    def _replies(self, request: Request) -> Replies:
        server = f"{request.url.scheme}://{request.url.netloc}"
        return Replies(self.world, server + REST_PREFIX, server)

    def _reply(self, request: Request, content: object, **headers: str) -> Response:
        """A good answer, or 304 if the caller has it already, which costs nothing."""
        body = json_bytes(content)
        asked = request.headers
        salt = f"{asked.get('accept', '')}:{asked.get('authorization', '')}:".encode()
        # Bound to the token and the media type, as GitHub's are.
        tag = f'W/"{hashlib.sha256(salt + body).hexdigest()}"'
        private = "private" if "authorization" in asked else "public"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"etag": tag, "cache-control": f"{private}, max-age=60, s-maxage=60"}
        named["vary"] = "Accept, Authorization, Cookie, X-GitHub-OTP"
        named["x-github-api-version-selected"] = asked.get("x-github-api-version", "2022-11-28")
        known = [part.strip() for part in asked.get("if-none-match", "").split(",")]
        if tag in known or tag.removeprefix("W/") in known:
            if request.scope["path"] != f"{REST_PREFIX}/rate_limit":
                self.limits.charge(self._caller(request), "core", -1)
            return Response(status_code=304, headers=named)
        return Response(body, 200, named, media_type="application/json; charset=utf-8")

    def _paging(self, request: Request) -> tuple[int, int]:
        query = request.query_params
        return (
            whole_number(query.get("page"), 1, 10**9),
            whole_number(query.get("per_page"), DEFAULT_PER_PAGE, MAXIMUM_PER_PAGE),
        )

    def _link(self, request: Request, path: str, total: int) -> dict[str, str]:
        """The Link header, which names other pages by numeric ids."""
        page, per_page = self._paging(request)
        last = max(-(-total // per_page), 1)
        pages = {
            "prev": min(page - 1, last) if page > 1 else None,
            "next": page + 1 if page < last else None,
            "last": last if page < last else None,
            "first": 1 if page > 1 else None,
        }
        base = f"{self._replies(request).api}{path}"
        others = [(key, value) for key, value in request.query_params.multi_items() if key != "page"]
        links = [
            f'<{base}?{urlencode([*others, ("page", number)])}>; rel="{name}"'
            for name, number in pages.items()
            if number is not None
        ]
        return {"link": ", ".join(links)} if links else {}

    def _page(self, request: Request, path: str, entries: list[Any]) -> tuple[list[Any], dict[str, str]]:
        page, per_page = self._paging(request)
        return entries[(page - 1) * per_page : page * per_page], self._link(request, path, len(entries))
