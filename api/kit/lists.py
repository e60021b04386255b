"""What list routes have in common: an order, pages, and several formats."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response

from api.kit import queries
from api.kit.answers import Answer, Stream
from api.kit.formats import (
    Format,
    Suffix,
    TextSuffix,
    address,
    download,
    has_suffix,
    json_answer,
    link_header,
    page_links,
    provenance,
    whole_list,
)
from api.kit.models import Shape
from api.kit.parameters import Paging
from api.kit.snapshot import Lease

DOWNLOAD_SCHEMAS: dict[Format, dict[str, Any]] = {
    Format.CSV: {"type": "string"},
    Format.NDJSON: {"type": "string"},
    Format.PARQUET: {"type": "string", "format": "binary"},
}
Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Response]])


@dataclass(frozen=True)
class ListQuery:
    """A select that is shown as a list.

    ``row`` has a field for each column that is shown. ``ties`` are columns that end every ``order by`` and make the order
    total, so that pages never overlap. ``more`` is a second select whose rows are added to those of the first.
    """

    select: str
    row: type[Shape]
    file_name: str
    ties: tuple[str, ...]
    more: str | None = None

    @property
    def text(self) -> str:
        """The select, with the rows of ``more`` where there is one."""
        text = queries.select(self.select)
        return f"(\n{text}\n)\nunion all by name\n(\n{queries.select(self.more)}\n)" if self.more else text

    @property
    def counting(self) -> str:
        """A select of the number of its rows."""
        return queries.count_of(self.text)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are shown."""
        return tuple(self.row.model_fields)

    def ordered(self, sort: str = "") -> str:
        """The select, sorted by names such as ``-date,repository``, with ``$limit`` rows from ``$offset`` on."""
        names = [part.strip() for part in sort.split(",") if part]
        # so that nothing but column names ever gets into an ``order by``
        unknown = {name.removeprefix("-") for name in names} - {*self.columns}
        if unknown:
            raise ValueError(f"{self.select} has no column {', '.join(unknown)}")
        order = [f"{name.removeprefix('-')} {'desc' if name.startswith('-') else 'asc'} nulls last" for name in names]
        return queries.page_of(self.text, self.columns, ", ".join([*order, *self.ties]))


def get_in_formats(
    router: APIRouter,
    path: str,
    formats: Sequence[Format],
    *,
    summary: str,
    model: type[Shape],
    example: str,
    download_id: str,
    openapi_extra: dict[str, Any] | None = None,
) -> Callable[[Endpoint], Endpoint]:
    """Serve an endpoint in several formats: at ``path``, chosen by the Accept header, and at ``<path>.{suffix}``.

    The endpoint gets the format from ``format_of``. ``example`` is the CSV example in the description, to which
    ``openapi_extra`` is added.
    """
    content: dict[str, Any] = {
        one.media_type: {"schema": DOWNLOAD_SCHEMAS[one]} for one in formats if one is not Format.JSON
    }
    content[Format.CSV.media_type]["example"] = example
    responses: dict[int | str, dict[str, Any]] = {200: {"model": model, "content": content}}
    *others, last = (f"`.{one}`" for one in formats)
    description = (
        f"The same as without the suffix, which takes precedence over the Accept header: {', '.join(others)} or {last}."
    )
    suffix = _any_suffix if Format.PARQUET in formats else _text_suffix

    def register(endpoint: Endpoint) -> Endpoint:
        plain = partial(router.get, path, summary=summary, operation_id=endpoint.__name__)
        suffixed = partial(
            router.get,
            f"{path}.{{suffix}}",
            summary=f"{summary}, in the format of the suffix",
            operation_id=download_id,
            description=description,
            dependencies=[Depends(suffix)],
        )
        # a parameter at the end of the path would match the suffix as well
        for route in (suffixed, plain) if path.endswith("}") else (plain, suffixed):
            route(responses=responses, openapi_extra=openapi_extra)(endpoint)
        return endpoint

    return register


def _any_suffix(suffix: Suffix) -> None:
    """Declares the parameter that ``format_of`` reads."""


def _text_suffix(suffix: TextSuffix) -> None:
    """Declares the parameter that ``format_of`` reads."""


def list_answer(
    request: Request,
    lease: Lease,
    wanted: Format,
    query: ListQuery,
    filters: Mapping[str, Any],
    *,
    sort: str,
    paging: Paging,
    shape: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    head: Mapping[str, Any] | None = None,
) -> Answer | Stream:
    """A page of a list as JSON; all of it as a file, or as JSON at an address with the suffix."""
    page, page_size = paging.page, paging.page_size
    statement = query.ordered(sort)
    window: dict[str, int | None] = {"limit": page_size, "offset": (page - 1) * page_size}
    if is_whole := not paging.asks_for_page and (wanted is not Format.JSON or has_suffix(request)):
        window = {"limit": None, "offset": 0}
    if wanted is not Format.JSON:
        return download(lease, query.file_name, wanted, statement, {**filters, **window})
    total = lease.snapshot.run(query.counting, filters)[0]["total"]
    content = {**(head or {}), **provenance(lease)}
    if is_whole:
        content |= {"page": 1, "page_size": total, "total_records": total}
        content["links"] = {"self": address(request), "prev": None, "next": None}
        return whole_list(lease, content, statement, {**filters, **window}, shape)
    links = page_links(request, page=page, page_size=page_size, total=total)
    items = [shape(row) for row in lease.snapshot.run(statement, {**filters, **window})]
    content |= {"items": items, "page": page, "page_size": page_size, "total_records": total, "links": links}
    return json_answer(content, link_header(links))


def whole_answer(
    request: Request,
    lease: Lease,
    wanted: Format,
    query: ListQuery,
    filters: Mapping[str, Any],
    head: Mapping[str, Any],
) -> Answer | Stream:
    """The whole list, ordered by its ties: as JSON with ``head`` before the items, or as a file."""
    everything = {**filters, "limit": None, "offset": 0}
    if wanted is not Format.JSON:
        return download(lease, query.file_name, wanted, query.ordered(), everything)
    return whole_json(request, lease, lease.snapshot.run(query.ordered(), everything), head)


def whole_json(request: Request, lease: Lease, items: Sequence[Mapping[str, Any]], head: Mapping[str, Any]) -> Answer:
    """All items as JSON, with ``head`` before them."""
    links = {"self": address(request)}
    return json_answer({"links": links, **head, "total_records": len(items), "items": items, **provenance(lease)})
