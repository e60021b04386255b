"""What the routes of lists do alike: answer one in any format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from api.kit import models, queries
from api.kit.answers import Answer, Stream
from api.kit.formats import Format, address, download, json_answer, link_header, page_links, provenance
from api.kit.parameters import Paging
from api.kit.snapshot import Lease

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
