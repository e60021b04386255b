"""What an asset's page in the Dagster UI shows: columns, links and code as defined, numbers and pictures as they come."""

import warnings
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from git_contrib_assets.graph.pictures import last_months, plot
from git_contrib_assets.settings import current
from git_contrib_assets.storage.warehouse import count_rows, has_select, read_named, table_name
from git_contrib_assets.tables import Table

FRESH_FOR = timedelta(hours=36)
"""A day and a half: the tables follow a run a day, and one that is late by a night is news."""
_PACKAGE = Path(__file__).parents[1]


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
        found["served_by"] = dg.MetadataValue.url(current().our_api + api)
    return found | code_references(code)


def code_references(files: Sequence[str], *, checkout: Path = _PACKAGE.parent) -> dict[str, Any]:
    """Links to files of this package, where it runs from a checkout: elsewhere there is nothing to edit."""
    if not files or not (checkout / "pyproject.toml").is_file():
        return {}
    paths = [_PACKAGE / file for file in files]
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


def published_metadata(connection: duckdb.DuckDBPyConnection, table: Table, *, as_of: datetime) -> dict[str, Any]:
    """The same for a mart; with a plot of its last 24 months and its newest rows, if there are selects for them."""
    values = {"as_of": as_of}
    found = table_metadata(connection, table_name("marts", table.name))
    if has_select("marts/plots", table.name):
        _, counted = read_named(connection, "marts/plots", table.name, values)
        months = last_months(dict(counted), as_of.date())
        found["new_last_month"] = months[-2][1]
        found["new_in_12_months"] = sum(number for _, number in months[-13:-1])
        found["last_24_months"] = dg.MetadataValue.md(plot(months))
    if has_select("marts/previews", table.name):
        found["newest_rows"] = rows_as_table(*read_named(connection, "marts/previews", table.name, values))
    return found


def rows_as_table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> dg.TableMetadataValue:
    """Rows as a table, which the UI always shows open."""
    records = [dg.TableRecord({name: _cell(value) for name, value in zip(names, row, strict=True)}) for row in rows]
    schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in names])
    return dg.MetadataValue.table(records=records, schema=schema)


def _cell(value: object) -> str | int | float | bool | None:
    return value if value is None or isinstance(value, str | int | float) else str(value)
