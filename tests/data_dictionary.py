"""Writes docs/data-dictionary.md from the contract: ``python tests/data_dictionary.py``."""

from pathlib import Path

from git_contrib_assets.serving.contract import CONTRACT_VERSION, TABLES, Table

FILE = Path(__file__).parents[1] / "docs" / "data-dictionary.md"
HEAD = f"""\
# Data dictionary

The published tables, version {CONTRACT_VERSION}: what every file `published/<snapshot id>.duckdb` holds. Times are UTC without a zone.
The words are explained in [definitions.md](definitions.md). The same descriptions are comments in the file itself.

Made from `git_contrib_assets/serving/contract.py` by `python tests/data_dictionary.py`; do not edit by hand.
"""


def text() -> str:
    """The page as the contract gives it now."""
    return "\n".join([HEAD, *(_section(table) for table in TABLES)])


def _section(table: Table) -> str:
    lines = [
        f"## {table.name}",
        "",
        f"{table.grain}.",
        "",
        f"Key: {_names(table.key)}. Order: {_names(table.order)}.",
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
