"""The OpenAPI description: what FastAPI writes, with our one shape for every failure."""

from typing import Any

from fastapi import FastAPI

from api.kit import models
from api.kit.problems import MEDIA_TYPE

TITLE = "git-contrib"
SUMMARY = "New contributors per month for every repository of a GitHub organisation"
DESCRIPTION = """\
Read-only, no sign-in. What is under `/v1` is stable: members may be added to answers, none is taken away.
`/api/repos` never changes.

A month with no new contributor is a row with 0. Every answer names the snapshot it was made from, and the day up to
which it is complete. Every failure is one shape, `application/problem+json` (RFC 9457). Answers carry an ETag: send it
back in `If-None-Match`, and an unchanged answer is a 304 without a body."""
PROBLEMS = {
    "400": "A parameter is not valid.",
    "404": "The repository, its month or the address is not known.",
    "429": "Too many queries are waiting; see Retry-After.",
    "500": "Something went wrong on our side.",
    "503": "There is no snapshot to answer from, or the answer took too long; see Retry-After.",
}
VERSION = "1"


def install(app: FastAPI) -> None:
    """Make the app describe itself so."""
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
    components["responses"] = {
        f"Problem{status}": {"description": text, "content": content} for status, text in PROBLEMS.items()
    }
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            responses = operation["responses"]
            # a parameter that is not valid is 400 here: a GET has no content that could be unprocessable
            responses.pop("422", None)
            for status in _problems_of(path, operation):
                responses[status] = {"$ref": f"#/components/responses/Problem{status}"}
            if path.startswith(("/v1", "/api")):
                responses["304"] = {"description": "The caller has the answer: its ETag was in If-None-Match."}
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
    return ["400", *(["404"] if names & {"repository", "owner", "suffix"} else []), "429", "500", "503"]
