"""The OpenAPI description: what FastAPI generates, with one shape for every error."""

from typing import Any

from fastapi import FastAPI

from api.kit import models
from api.kit.bearer import SECURITY_SCHEMES
from api.kit.problems import MEDIA_TYPE

TITLE = "git-contrib"
SUMMARY = "New contributors per month for every repository of a GitHub organisation"
DESCRIPTION = """\
Read-only, and public without sign-in. A server with a token of its own also has private repositories and the addresses
of owners, for requests that bear it. Everything under `/v1` is stable: members may be added to answers, but never removed.
`/api/repos` never changes.

A month without new contributors is a row with 0. Every answer names the snapshot it was made from and the day through
which it is complete. Every error has the same shape, `application/problem+json` (RFC 9457). Answers carry an ETag: send
it back in `If-None-Match`, and an unchanged answer is a 304 without a body."""
PROBLEMS = {
    "400": "A parameter is invalid.",
    "401": "The Authorization header is not Bearer with this server's token.",
    "404": "There is no such repository, month or address.",
    "429": "Too many queries are waiting; see Retry-After.",
    "500": "Something went wrong in the server.",
    "503": "There is no snapshot to answer from, or the query took too long; see Retry-After.",
}
VERSION = "1"


def install(app: FastAPI) -> None:
    """Make the app describe itself this way."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_problems(plain())
        return app.openapi_schema

    # FastAPI's documented way of changing the description
    app.openapi = described  # type: ignore[method-assign]


def _with_problems(schema: dict[str, Any]) -> dict[str, Any]:
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = models.ProblemAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["ProblemAnswer"] = problem
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}}
    components["securitySchemes"] = SECURITY_SCHEMES
    components["responses"] = {
        f"Problem{status}": {"description": text, "content": content} for status, text in PROBLEMS.items()
    }
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            responses = operation["responses"]
            # an invalid parameter is a 400 here: a GET request has no content that could be unprocessable
            responses.pop("422", None)
            for status in _problems_of(path, operation):
                responses[status] = {"$ref": f"#/components/responses/Problem{status}"}
            if path.startswith(("/v1", "/api")):
                responses["304"] = {"description": "Not modified: the ETag in If-None-Match is current."}
            operation["responses"] = dict(sorted(responses.items()))
    schemas_in_order = dict(sorted(schemas.items()))
    components["schemas"] = schemas_in_order
    return schema


def _problems_of(path: str, operation: dict[str, Any]) -> list[str]:
    if path in {"/healthz", "/metrics"}:
        return ["500"]
    if path == "/readyz":
        return ["500", "503"]
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    refused = ["401"] if "security" in operation else []
    return ["400", *refused, *(["404"] if names & {"repository", "owner", "suffix"} else []), "429", "500", "503"]
