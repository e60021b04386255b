"""Every error of the API has one shape (RFC 9457) and one of these kinds.

invalid-parameter 400 · not-authorised 401 · not-found 404 · unknown-repository 404 · unknown-month 404 · method-not-allowed 405 ·
request-refused (other 4xx) · too-many-queries 429 · internal-error 500 · query-too-slow 503 · no-snapshot 503
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import duckdb
import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope

MEDIA_TYPE = "application/problem+json"
LEGACY_PATH = "/api/repos"
# RFC 6750, section 3
CHALLENGE = 'Bearer realm="git-contrib", error="invalid_token"'
LONGEST_ECHO = 100
# each takes time to describe, and nobody reads more of them
MOST_ERRORS = 20
RETRY_AFTER_SECONDS: dict[int, int] = {HTTPStatus.TOO_MANY_REQUESTS: 1, HTTPStatus.SERVICE_UNAVAILABLE: 30}


@dataclass(frozen=True)
class Kind:
    """A kind of error. Its name is the end of the problem's ``type``."""

    name: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """The address that names this kind and explains it."""
        return f"/problems/{self.name}"


INVALID_PARAMETER = Kind(
    "invalid-parameter",
    400,
    "A parameter is invalid",
    "A parameter is unknown or has a value that is not allowed; `errors` names each one.",
)
NOT_AUTHORISED = Kind(
    "not-authorised",
    401,
    "The bearer is not this server's token",
    "The Authorization header names another token than the server's, or another scheme. Without the header, the public "
    "rows are answered.",
)
NOT_FOUND = Kind("not-found", 404, "There is nothing at this address", "The API has no such address.")
UNKNOWN_REPOSITORY = Kind(
    "unknown-repository",
    404,
    "The repository is unknown",
    "No repository with that name was ever listed; `near` contains similar names.",
)
UNKNOWN_MONTH = Kind(
    "unknown-month",
    404,
    "The repository has no such month",
    "The month is outside the repository's range; `detail` names its first and last month.",
)
METHOD_NOT_ALLOWED = Kind(
    "method-not-allowed", 405, "The method is not allowed here", "The API is read-only: use GET or HEAD."
)
REQUEST_REFUSED = Kind("request-refused", 400, "The request was refused", "The request could not be understood.")
TOO_MANY_QUERIES = Kind(
    "too-many-queries", 429, "Too many queries are waiting", "The server is busy; try again in a moment."
)
INTERNAL_ERROR = Kind(
    "internal-error",
    500,
    "Something went wrong in the server",
    "The error was logged with the `request_id` of the answer.",
)
QUERY_TOO_SLOW = Kind(
    "query-too-slow",
    503,
    "The answer took too long",
    "The query took too much time or memory and was stopped. Ask for less, or try again later.",
)
NO_SNAPSHOT = Kind(
    "no-snapshot",
    503,
    "There is no snapshot to answer from",
    "Nothing has been published yet, or this version cannot read what was published.",
)
NOT_YET_PUBLISHED = Kind(
    "not-yet-published",
    503,
    "This is published with the next run",
    "The current snapshot is older than this table or column. Everything else is answered; a run publishes the rest.",
)
KINDS = (
    INVALID_PARAMETER,
    NOT_AUTHORISED,
    NOT_FOUND,
    UNKNOWN_REPOSITORY,
    UNKNOWN_MONTH,
    METHOD_NOT_ALLOWED,
    REQUEST_REFUSED,
    TOO_MANY_QUERIES,
    INTERNAL_ERROR,
    QUERY_TOO_SLOW,
    NO_SNAPSHOT,
    NOT_YET_PUBLISHED,
)


class ProblemError(Exception):
    """An error that is explained to the client."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        near: Sequence[str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.near = near


class RangeError(Exception):
    """No byte of the answer is in the range that was asked for."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length


def invalid(parameter: str, message: str, value: str, *, near: Sequence[str] | None = None) -> ProblemError:
    """An invalid parameter that only the data could reveal."""
    error = {"parameter": parameter, "message": message, "value": value[:LONGEST_ECHO]}
    return ProblemError(INVALID_PARAMETER, f"{parameter} {message}.", errors=[error], near=near)


def problem_response(
    scope: Scope,
    problem: ProblemError,
    *,
    status: int | None = None,
    title: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to a problem. ``/api/repos`` adds the two members that its first clients read."""
    kind = problem.kind
    status = status or kind.status
    body: dict[str, Any] = {
        "type": kind.type,
        "title": title or kind.title,
        "status": status,
        "detail": problem.detail,
        "instance": scope["path"],
        "request_id": scope.get("state", {}).get("request_id", ""),
        "errors": list(problem.errors),
    }
    if problem.near is not None:
        body["near"] = list(problem.near)
    if scope["path"] == LEGACY_PATH:
        body["error_code"] = "00001" if kind is INVALID_PARAMETER else "00002"
        body["description"] = problem.detail
    all_headers = {"Cache-Control": "no-store", **(headers or {})}
    if kind is NOT_AUTHORISED:
        all_headers["WWW-Authenticate"] = CHALLENGE
    if status in RETRY_AFTER_SECONDS:
        all_headers["Retry-After"] = str(RETRY_AFTER_SECONDS[status])
    return Response(orjson.dumps(body), status_code=status, media_type=MEDIA_TYPE, headers=all_headers)


def internal_error(scope: Scope) -> Response:
    """The answer to an unexpected error. It reveals nothing about the error."""
    return problem_response(
        scope, ProblemError(INTERNAL_ERROR, "Please report this error with the request_id of this answer.")
    )


def install(app: FastAPI) -> None:
    """Turn every error in a route into a problem."""

    @app.exception_handler(ProblemError)
    async def _problem(request: Request, error: ProblemError) -> Response:
        return problem_response(request.scope, error)

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> Response:
        return problem_response(request.scope, _from_validation(request, error))

    @app.exception_handler(duckdb.InterruptException)
    @app.exception_handler(duckdb.OutOfMemoryException)
    async def _too_slow(request: Request, _error: duckdb.Error) -> Response:
        return problem_response(request.scope, ProblemError(QUERY_TOO_SLOW, QUERY_TOO_SLOW.meaning))

    @app.exception_handler(RangeError)
    async def _range(request: Request, error: RangeError) -> Response:
        problem = ProblemError(REQUEST_REFUSED, f"The answer has {error.length} bytes: none of them is in that range.")
        headers = {"Content-Range": f"bytes */{error.length}"}
        return problem_response(request.scope, problem, status=416, title="Range Not Satisfiable", headers=headers)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.NOT_FOUND:
            problem = ProblemError(NOT_FOUND, "There is no such address. /docs lists all of them.")
            return problem_response(request.scope, problem)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            problem = ProblemError(METHOD_NOT_ALLOWED, METHOD_NOT_ALLOWED.meaning)
            return problem_response(request.scope, problem, headers={"Allow": "GET, HEAD"})
        title = HTTPStatus(error.status_code).phrase
        problem = ProblemError(REQUEST_REFUSED, f"{error.detail or title}.")
        return problem_response(request.scope, problem, status=error.status_code, title=title, headers=error.headers)


def _from_validation(request: Request, error: RequestValidationError) -> ProblemError:
    found = error.errors()[:MOST_ERRORS]
    # an unknown suffix is an address that does not exist, not an invalid value
    if any(tuple(item["loc"]) == ("path", "suffix") for item in found):
        return ProblemError(NOT_FOUND, "There is no such format here. /docs lists the formats of each address.")
    errors = [
        {
            "parameter": ".".join(str(part) for part in item["loc"][1:2]),
            "message": _message(request, item),
            "value": str(item.get("input", ""))[:LONGEST_ECHO],
        }
        for item in found
    ]
    detail = " ".join(_sentence(item["parameter"][:LONGEST_ECHO], item["message"]) for item in errors)
    return ProblemError(INVALID_PARAMETER, detail, errors=errors)


def _sentence(parameter: str, message: str) -> str:
    return f"{parameter} {message}" if message.endswith("?") else f"{parameter} {message}."


def _message(request: Request, item: Mapping[str, Any]) -> str:
    kind = item["type"]
    if kind == "extra_forbidden":
        return _unknown(request, str(item["loc"][-1]))
    if kind == "value_error":
        return str(item["ctx"]["error"])
    if kind == "literal_error":
        return f"must be one of {item['ctx']['expected'].replace(' or ', ', ')}"
    if kind == "bool_parsing":
        return "must be true or false"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "string_too_long":
        return f"must be at most {item['ctx']['max_length']} characters long"
    return str(item["msg"])[:1].lower() + str(item["msg"])[1:]


# what the same thing is called elsewhere
OTHER_NAMES = {"per_page": "page_size", "limit": "page_size", "size": "page_size", "since": "from", "until": "to"}


def _unknown(request: Request, name: str) -> str:
    paths, route = request.app.openapi()["paths"], request.scope["route"].path
    known = [item["name"] for item in paths[route]["get"].get("parameters", []) if item["in"] == "query"]
    if name == "format" and (f"{route}.{{suffix}}" in paths or route.endswith(".{suffix}")):
        return "is not a parameter here. Put the format at the end of the address, as in .csv"
    near = [OTHER_NAMES[name]] if OTHER_NAMES.get(name) in known else []
    near = near or difflib.get_close_matches(name[:LONGEST_ECHO], known, n=1, cutoff=0.5)
    # `repo` is too short to count as close to `repository`
    near = near or [one for one in known if len(name) > 1 and one.startswith(name)]
    if near:
        return f"is not a parameter here. Did you mean {near[0]}?"
    return (
        f"is not a parameter here. Use {', '.join(known)}"
        if known
        else "is not a parameter here. This address takes none"
    )
