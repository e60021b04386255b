"""How the pages are made: their templates, what these are given, and the headers that let nothing foreign run in them."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache, partial
from typing import Any

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from api.kit.answers import Answer
from api.kit.problems import NO_SNAPSHOT, RETRY_AFTER_SECONDS, ProblemError
from api.page.static_files import static_address

# the hash of the style sheet that Observable Plot puts into each drawing
PLOT_STYLE = "sha256-+TfQir1nvDucAdvE6XUQBt4ayUjpAWkbw2kCdSfekHM="
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src 'self'; style-src 'self' '{PLOT_STYLE}'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
MEDIA_TYPE = "text/html; charset=utf-8"
NO_VALUE = "\N{EN DASH}"


def frame(root: str) -> dict[str, Any]:
    """What every template is given: where the API is, and the addresses of the static files."""
    return {"root": root, "static": partial(static_address, root=root)}


def page_answer(template: str, content: Mapping[str, Any]) -> Answer:
    """A page."""
    return Answer(_template(template).render(content).encode(), MEDIA_TYPE, HEADERS)


def problem_page(
    request: Request, problem: ProblemError, *, home: str = "/", command: str = "git-contrib run OWNER"
) -> Response:
    """A problem as a page, with its status. ``command`` makes the first snapshot; ``home`` is where a choice begins again."""
    content = {
        **frame(request.scope.get("root_path", "")),
        "problem": problem,
        "waiting": problem.kind is NO_SNAPSHOT,
        "home": home,
        "command": command,
    }
    text = _template("problem.html").render(content)
    headers = {**HEADERS, "Cache-Control": "no-store"}
    if problem.kind.status in RETRY_AFTER_SECONDS:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS[problem.kind.status])
    return Response(text, problem.kind.status, headers, MEDIA_TYPE)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("api.page", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": _number, "month": _month, "day": _day, "time": _time}
    return environment


def _template(name: str) -> Any:
    return _environment().get_template(name)


def _number(value: float | None, decimals: int = 0) -> str:
    return NO_VALUE if value is None else f"{value:,.{decimals}f}"


def _month(value: date) -> str:
    return f"{value:%b %Y}"


def _day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def _time(value: datetime) -> str:
    return f"{value.day} {value:%b %Y, %H:%M} UTC"
