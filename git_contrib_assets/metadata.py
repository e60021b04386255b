"""What an asset's page in the Dagster UI shows: columns, links and code as defined, numbers and pictures as they come."""

import os
import warnings
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import duckdb

from git_contrib_assets.storage.warehouse import count_rows, read_named
from git_contrib_assets.tables import Table

PLOTTED_MONTHS = 24
FRESH_FOR = timedelta(hours=36)
"""A day and a half: the tables follow a run a day, and one that is late by a night is news."""
OUR_API = "http://127.0.0.1:8000"
_CHECKOUT = Path(__file__).parents[1]


def definition_metadata(
    table: Table, *, name: str | None = None, api: str | None = None, code: Sequence[str] = ()
) -> dict[str, Any]:
    """What is known of a table before it is made: its columns, its ``name`` in the warehouse, the call that serves it.

    ``api`` is a path of our API; ``code`` are files of this package, by their paths in it.
    """
    columns = [
        dg.TableColumn(
            column.name,
            column.type,
            column.description,
            constraints=dg.TableColumnConstraints(nullable=column.name not in table.key),
        )
        for column in table.columns
    ]
    found: dict[str, Any] = {"dagster/column_schema": dg.TableSchema(columns=columns)}
    if name:
        found["dagster/table_name"] = name
    if api:
        address = os.environ.get("GIT_CONTRIB_API_URL", "").strip().rstrip("/") or OUR_API
        found["served_by"] = dg.MetadataValue.url(address + api)
    return found | code_references(code)


def code_references(files: Sequence[str]) -> dict[str, Any]:
    """Links to files of this package, where it runs from a checkout: elsewhere there is nothing to edit."""
    if not files or not (_CHECKOUT / "pyproject.toml").is_file():
        return {}
    paths = [Path(__file__).parent / file for file in files]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        references: list[dg.LocalFileCodeReference | dg.UrlCodeReference] = [
            # The UI has room for a short label.
            dg.LocalFileCodeReference(
                file_path=str(path), line_number=1, label="SQL" if path.suffix == ".sql" else path.name
            )
            for path in paths
        ]
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=references)}


def table_metadata(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, Any]:
    """How many rows a table has now."""
    return {"dagster/row_count": count_rows(connection, table)}


def published_metadata(
    connection: duckdb.DuckDBPyConnection, table: Table, source: str, *, as_of: datetime
) -> dict[str, Any]:
    """The same for a table that will be published: with its newest rows, and a plot of its last 24 months."""
    values = {"as_of": as_of}
    _, counted = read_named(connection, "marts/plots", table.name, values)
    months = last_months(dict(counted), as_of.date())
    columns, newest = read_named(connection, "marts/previews", table.name, values)
    return {
        **table_metadata(connection, source),
        "new_last_month": months[-2][1],
        "new_in_12_months": sum(number for _, number in months[-13:-1]),
        "last_24_months": dg.MetadataValue.md(plot(months)),
        "newest_rows": rows_as_table(columns, newest),
    }


def last_months(counted: Mapping[date, int], today: date) -> list[tuple[date, int]]:
    """The last 24 months with their numbers, zeros included, the running one last."""
    months = [today.replace(day=1)]
    while len(months) < PLOTTED_MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return [(month, int(counted.get(month, 0))) for month in reversed(months)]


def plot(months: Sequence[tuple[date, int]]) -> str:
    """Bars as a picture in Markdown, the running month pale. Short: the UI hides Markdown of 1,000 characters or more.

    A picture is an address here: HTML in Markdown is taken out by the UI.
    """
    most = max(number for _, number in months)
    heights = [round(56 * number / (most or 1)) or int(number > 0) for _, number in months]
    bars = [f"M{20 * position + 10},72v-{height}" for position, height in enumerate(heights)]
    first, last = (f"{month:%Y-%m}" for month in (months[0][0], months[-1][0]))
    picture = (
        "<svg xmlns='http://www.w3.org/2000/svg' width='480' height='90' font-family='sans-serif' font-size='11'>"
        f"<g stroke='#6c8ebf' stroke-width='16'><path d='{''.join(bars[:-1])}'/><path opacity='.4' d='{bars[-1]}'/></g>"
        f"<g fill='#888'><text y='11'>most: {most}</text><text y='87'>{first}</text>"
        f"<text x='480' y='87' text-anchor='end'>{last}</text></g></svg>"
    )
    said = f"per month, {first} to {last}: " + " ".join(str(number) for _, number in months)
    encoded = quote(picture, safe="='/:,.")
    return f"![{said}](data:image/svg+xml,{encoded})"


def rows_as_table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> dg.TableMetadataValue:
    """Rows as a table, which the UI always shows open."""
    records = [dg.TableRecord({name: _cell(value) for name, value in zip(names, row, strict=True)}) for row in rows]
    schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in names])
    return dg.MetadataValue.table(records=records, schema=schema)


def _cell(value: object) -> str | int | float | bool | None:
    return value if value is None or isinstance(value, str | int | float) else str(value)
