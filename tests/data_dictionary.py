"""Writes docs/data-dictionary.md from the contract: ``python tests/data_dictionary.py``."""

from pathlib import Path

from git_contrib_assets.serving.contract import CONTRACT_VERSION, TABLES
from git_contrib_assets.storage import landing_zone as landing
from git_contrib_assets.tables import Table
from git_contrib_assets.warehouse import tables as warehouse

FILE = Path(__file__).parents[1] / "docs" / "data-dictionary.md"
HEAD = f"""\
# Data dictionary

The published tables, version {CONTRACT_VERSION}: what every file `published/<snapshot id>.duckdb` holds. Times are UTC without a zone.
The words are explained in [definitions.md](definitions.md). The same descriptions are comments in the file itself.

Made from `git_contrib_assets/serving/contract.py` by `python tests/data_dictionary.py`; do not edit by hand.
"""

WORKING = """\
# Working tables

No contract: these may change at any time. Those of the warehouse are in `warehouse.duckdb`, in the schema `typed`; the
landing files are in `landing/`, by the names in [architecture.md](architecture.md#the-home). Addresses are in the landing
files and in the view `commits` on them, and nowhere else.

Made from `git_contrib_assets/warehouse/tables.py` and the modules of `git_contrib_assets/storage/landed`.
"""


def text() -> str:
    """The page as the contract gives it now, and the tables that lead to it."""
    published = [_section(table, table.name) for table in TABLES]
    working = [
        _section(table, f"{layer}/{table.name}")
        for layer, tables in (("warehouse", warehouse.TABLES), ("landing", landing.TABLES))
        for table in tables
    ]
    return "\n".join([HEAD, *published, WORKING, *working])


def _section(table: Table, title: str) -> str:
    order = f" Order: {_names(table.order)}." if table.order else ""
    lines = [
        f"## {title}",
        "",
        f"{table.grain}.",
        "",
        f"Key: {_names(table.key)}.{order}",
        "",
        "| Column | Type | Meaning |",
        "| --- | --- | --- |",
        *(f"| `{column.name}` | {column.type} | {column.description} |" for column in table.columns),
        "",
    ]
    return "\n".join(lines)


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
