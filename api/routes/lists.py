"""What the routes of several families do alike: find repositories by name, answer a list in any format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request

from api import models, queries
from api.caching import Answer, Stream
from api.formats import Format, address, download, json_answer, link_header, page_links, provenance
from api.parameters import Months, Paging
from api.problems import UNKNOWN_REPOSITORY, ProblemError, invalid
from api.snapshot import Lease, Snapshot

CANDIDATES_SHOWN = 10
DOWNLOAD_CONTENT: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/jsonl": {"schema": {"type": "string"}},
    "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
}


@dataclass(frozen=True)
class ListQuery:
    """A select, the columns of it that are shown, and the name of a file of them."""

    name: str
    columns: tuple[str, ...]
    file_name: str


def documented(model: type[models.Shape], example: str, *formats: Format) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that also answers in other formats; ``example`` is a file of CSV."""
    content = {one.media_type: dict(DOWNLOAD_CONTENT[one.media_type]) for one in formats}
    if Format.CSV in formats:
        content[Format.CSV.media_type]["example"] = example
    return {200: {"model": model, "content": content}}


def ids_of(snapshot: Snapshot, names: Sequence[str]) -> list[int] | None:
    """The ids of the repositories named; None when none is. Raises ProblemError for a name that is not one's."""
    return [named(snapshot, name)["repository_id"] for name in names] or None


def repository_of(snapshot: Snapshot, owner: str, name: str) -> dict[str, Any]:
    """The repository at a path. Raises ProblemError when there is none."""
    return named(snapshot, f"{owner}/{name}")


def series_filters(found: Mapping[str, Any], months: Months) -> dict[str, Any]:
    """What the select of a repository's months asks for."""
    return {
        **{name: found[name] for name in ("repository_id", "first_row", "last_row")},
        "from_month": months.from_month or date.min,
        "to_month": months.to_month or date.max,
    }


def named(snapshot: Snapshot, name: str) -> dict[str, Any]:
    """The repository of a name. Raises ProblemError when there is none, or are several."""
    found = snapshot.named(name)
    if not found:
        near = [row["repository"] for row in snapshot.rows("repositories_near", {"name": name})]
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ProblemError(UNKNOWN_REPOSITORY, f"{name[:100]} is not known.{hint}", near=near)
    if len(found) > 1:
        candidates = [row["repository"] for row in found][:CANDIDATES_SHOWN]
        raise invalid("repository", f"is the name of several: give {' or '.join(candidates)}", name, near=candidates)
    return found[0]


def heading(names: Sequence[str], owners: Sequence[str]) -> str:
    """What is looked at, in a few words: the repositories chosen, else their owners."""
    for some, many in ((names, "repositories"), (owners, "owners")):
        if some:
            return " and ".join(some) if len(some) < 3 else f"{len(some)} {many}"
    return "No repositories"


def list_answer(
    request: Request,
    lease: Lease,
    wanted: Format,
    query: ListQuery,
    filters: Mapping[str, Any],
    *,
    order: str,
    paging: Paging,
    shape: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    head: Mapping[str, Any] | None = None,
) -> Answer | Stream:
    """A page of a select as JSON, or all of it as a file."""
    page, page_size = paging.page, paging.page_size
    statement = queries.page_of(query.name, query.columns, order)
    window: dict[str, int | None] = {"limit": page_size, "offset": (page - 1) * page_size}
    if wanted is not Format.JSON:
        if not paging.asks_for_page:
            window = {"limit": None, "offset": 0}
        return download(lease, query.file_name, wanted, statement, {**filters, **window})
    total = lease.snapshot.run(queries.count_of(query.name), filters)[0]["total"]
    items = [shape(row) for row in lease.snapshot.run(statement, {**filters, **window})]
    links = page_links(request, page=page, page_size=page_size, total=total)
    content = {
        "items": items,
        "page": page,
        "page_size": page_size,
        "total_records": total,
        "links": links,
        **(head or {}),
        **provenance(lease),
    }
    return json_answer(content, link_header(links))


def whole_answer(
    request: Request,
    lease: Lease,
    wanted: Format,
    query: ListQuery,
    filters: Mapping[str, Any],
    head: Mapping[str, Any],
) -> Answer | Stream:
    """All rows of a select that has a date, in its order: as JSON under a head, or as a file."""
    if wanted is not Format.JSON:
        statement = queries.page_of(query.name, query.columns, "date")
        return download(lease, query.file_name, wanted, statement, {**filters, "limit": None, "offset": 0})
    items = sorted(lease.snapshot.rows(query.name, filters), key=lambda row: row["date"])
    return whole_json(request, lease, items, head)


def whole_json(request: Request, lease: Lease, items: Sequence[Mapping[str, Any]], head: Mapping[str, Any]) -> Answer:
    """Rows under a head, all of them."""
    links = {"self": address(request)}
    return json_answer({"links": links, **head, "total_records": len(items), "items": items, **provenance(lease)})
