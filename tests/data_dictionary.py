"""Writes docs/data-dictionary.md from the contract: ``python tests/data_dictionary.py``."""

from pathlib import Path

from git_contrib_assets.serving.contract import PRIVATE_PUBLICATIONS, PUBLICATIONS, Publication
from git_contrib_assets.storage import landing_zone as landing
from git_contrib_assets.tables import Table
from git_contrib_assets.warehouse import tables as warehouse

FILE = Path(__file__).parents[1] / "docs" / "data-dictionary.md"
HEAD = """\
# Data dictionary

Everything here is made from the declarations of the tables by `python tests/data_dictionary.py`; do not edit it by hand. Times
are UTC without a zone. The words are explained in [definitions.md](definitions.md).
"""
PUBLISHED = """\
# Published: {name}

Version {version} of the contract: what every file `{folder}/<snapshot id>.duckdb` holds. The same descriptions are
comments in the file itself.
"""

WORKING = """\
# Working tables

No contract: these may change at any time. Those of the warehouse are in `warehouse.duckdb`, in the schema `typed`; the
landing files are in `landing/`, by the names in [architecture.md](architecture.md#the-home). Addresses are in the landing
files and in the view `commits` on them, and nowhere else.
"""


def text() -> str:
    """The page as the contract gives it now, and the tables that lead to it."""
    published = [
        text
        for publication in (*PUBLICATIONS, *PRIVATE_PUBLICATIONS)
        for text in (
            PUBLISHED.format(name=publication.name, version=publication.version, folder=_folder(publication)),
            *(_section(table, table.published_name) for table in publication.all_tables),
        )
    ]
    working = [
        _section(table, f"{layer}/{table.name}")
        for layer, tables in (("warehouse", warehouse.TABLES), ("landing", landing.TABLES))
        for table in tables
    ]
    return "\n".join([HEAD, *published, WORKING, *working])


def _folder(publication: Publication) -> str:
    return str(publication.folder(Path("published")))


def _section(table: Table, title: str) -> str:
    order = f" Order: {_names(table.order)}." if table.order else ""
    lines = [
        f"## {title}",
        "",
        f"{table.grain}.",
        "",
        f"Key: {_names(table.key)}.{order}{_references(table)}",
        "",
        "| Column | Type | Meaning |",
        "| --- | --- | --- |",
        *(f"| `{column.name}` | {column.type} | {column.description} |" for column in table.columns),
        "",
    ]
    return "\n".join(lines)


def _references(table: Table) -> str:
    return "".join(f" {_names(one.columns)} refers to `{one.table}`." for one in table.references)


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
