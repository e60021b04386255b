"""The marts as assets: each is built by its select, and depends on the tables that the select reads."""

import re

import dagster as dg

from git_contrib_assets.graph.automation import after_crawl
from git_contrib_assets.graph.metadata import FRESH_FOR, definition_metadata, published_metadata
from git_contrib_assets.graph.resources import Installation
from git_contrib_assets.marts.mart import Mart
from git_contrib_assets.marts.registry import MARTS
from git_contrib_assets.storage.warehouse import build_table, code_version, read_select, table_key, table_name

_READS = re.compile(r"^-- reads: (.+)$", re.MULTILINE)


def mart_asset(mart: Mart) -> dg.AssetsDefinition:
    """The asset of a mart."""
    table = mart.table
    key = f"Key: {', '.join(f'`{column}`' for column in table.key)}."

    @dg.asset(
        key=["marts", table.name],
        description=f"{table.grain}.\n\n{key} {mart.about}",
        deps=dependencies(mart),
        metadata=definition_metadata(
            table, name=table_name("marts", table.name), api=mart.api, code=[f"marts/{table.name}.sql"]
        ),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=FRESH_FOR),
        group_name=f"{mart.subject}/marts",
        kinds={"duckdb", "sql"},
        owners=["team:data"],
        tags={"layer": "marts", **({"pii": ""} if table.is_personal else {})},
        code_version=code_version("marts", table.name),
        automation_condition=after_crawl,
    )
    def build(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with installation.errors_reported(), installation.warehouse("building the tables") as connection:
            build_table(connection, "marts", table.name, {"as_of": installation.as_of})
            return dg.MaterializeResult(metadata=published_metadata(connection, table, as_of=installation.as_of))

    return build


def dependencies(mart: Mart) -> list[list[str]]:
    """The keys of the assets that the mart's select reads, as its header says; a test holds that the header is right."""
    (reads,) = _READS.findall(read_select("marts", mart.table.name))
    return [table_key(name) for name in reads.split(", ")]


MART_ASSETS = [mart_asset(mart) for mart in MARTS]
