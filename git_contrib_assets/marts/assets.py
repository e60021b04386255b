"""The marts as assets: each is built by its select, and depends on the tables that the select reads."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg

from git_contrib_assets.graph.automation import after_crawl
from git_contrib_assets.graph.metadata import FRESH_FOR, definition_metadata, published_metadata
from git_contrib_assets.graph.resources import Installation
from git_contrib_assets.marts import catalogue, contributors
from git_contrib_assets.marts.mart import Mart
from git_contrib_assets.storage.subjects import CATALOGUE
from git_contrib_assets.storage.warehouse import (
    build_table,
    code_version,
    landing_key,
    read_select,
    table_key,
    table_name,
)

_READS = re.compile(r"^-- reads: (.+)$", re.MULTILINE)


def mart_asset(mart: Mart) -> dg.AssetsDefinition:
    """The asset of a mart, built in a step of its own."""

    label: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
        key=["marts", mart.table.name],
        deps=dependencies(mart),
        automation_condition=after_crawl,
        **_label(mart),
    )

    @label
    def build(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with installation.errors_reported(), installation.warehouse("building the tables") as connection:
            build_table(connection, "marts", mart.table.name, {"as_of": installation.as_of})
            return dg.MaterializeResult(metadata=published_metadata(connection, mart.table, as_of=installation.as_of))

    return build


def mart_assets_in_one_step(name: str, marts: Sequence[Mart], *, after: Sequence[str]) -> dg.AssetsDefinition:
    """The assets of marts that are so small that a step of Dagster's for each would take longer than all the tables.

    ``after`` is the key of an asset that may change what their selects read.
    """
    specs = [
        dg.AssetSpec(["marts", mart.table.name], deps=[*dependencies(mart), list(after)], **_label(mart))
        for mart in marts
    ]

    @dg.multi_asset(name=name, specs=specs)
    def build(installation: Installation) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        with (
            installation.errors_reported(),
            installation.warehouse("building the catalogue", subject=CATALOGUE, from_landing=True) as connection,
        ):
            for mart in marts:
                build_table(connection, "marts", mart.table.name, {"as_of": installation.as_of})
                yield dg.MaterializeResult(
                    asset_key=["marts", mart.table.name],
                    metadata=published_metadata(connection, mart.table, as_of=installation.as_of),
                )

    return build


def _label(mart: Mart) -> dict[str, Any]:
    """What the Dagster UI shows of a mart."""
    table = mart.table
    key = f"Key: {', '.join(f'`{column}`' for column in table.key)}."
    return {
        "description": f"{table.grain}.\n\n{key} {mart.about}",
        "metadata": definition_metadata(
            table, name=table_name("marts", table.name), api=mart.api, code=[f"marts/{table.name}.sql"]
        ),
        "freshness_policy": dg.FreshnessPolicy.time_window(fail_window=FRESH_FOR),
        "group_name": f"{mart.subject}/marts",
        "kinds": {"duckdb", "sql"},
        "owners": ["team:data"],
        "tags": {"layer": "marts", **({"pii": ""} if table.is_personal or mart.is_private else {})},
        "code_version": code_version("marts", table.name),
    }


def dependencies(mart: Mart) -> list[list[str]]:
    """The keys of the assets that the mart's select reads, as its header says; a test holds that the header is right."""
    (reads,) = _READS.findall(read_select("marts", mart.table.name))
    keys = [landing_key(name) if name.startswith("landing.") else table_key(name) for name in reads.split(", ")]
    return [list(key) for key in dict.fromkeys(map(tuple, keys))]


MART_ASSETS = [
    *(mart_asset(mart) for mart in contributors.MARTS),
    # a crawl may find that a repository has turned private
    mart_assets_in_one_step("catalogue_tables", catalogue.MARTS, after=["landing", "crawl_log"]),
]
