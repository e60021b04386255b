"""What every table's materialisation shows in the Dagster UI."""

from typing import Any

import dagster as dg
import duckdb

from git_contrib_assets.serving.contract import Table
from git_contrib_assets.storage.warehouse import count_rows

_PREVIEW_ROWS = 10


def table_metadata(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, Any]:
    """Row count, name, columns and types of a table."""
    described = connection.execute(f"describe {table}").fetchall()
    columns = [dg.TableColumn(name=str(name), type=str(kind)) for name, kind, *_ in described]
    return {
        "dagster/row_count": count_rows(connection, table),
        "dagster/table_name": table,
        "dagster/column_schema": dg.TableSchema(columns=columns),
    }


def published_metadata(connection: duckdb.DuckDBPyConnection, table: Table, source: str) -> dict[str, Any]:
    """The same for a published table: with the contract's descriptions, and its newest rows."""
    columns = [
        dg.TableColumn(name=column.name, type=column.type, description=column.description) for column in table.columns
    ]
    return {
        "dagster/row_count": count_rows(connection, source),
        "dagster/table_name": source,
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "preview": dg.MetadataValue.md(_preview(connection, table, source)),
    }


def _preview(connection: duckdb.DuckDBPyConnection, table: Table, source: str) -> str:
    names = [name for name in table.column_names if name != "contributor_id"]
    order = f"{table.order[1]} desc" if len(table.order) > 1 else table.order[0]
    query = f"select {', '.join(names)} from {source} order by {order} limit {_PREVIEW_ROWS}"  # noqa: S608 - the contract's names
    rows = connection.execute(query).fetchall()
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += [
        "| " + " | ".join("" if value is None else str(value).replace("|", "\\|") for value in row) + " |"
        for row in rows
    ]
    return "\n".join(lines)
