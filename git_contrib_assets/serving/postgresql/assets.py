"""The copy in PostgreSQL as an asset, for those who have set ``GIT_CONTRIB_POSTGRES_URL``."""

from collections.abc import Sequence
from dataclasses import astuple

import dagster as dg

from git_contrib_assets.graph.automation import after_crawl
from git_contrib_assets.graph.metadata import FRESH_FOR, code_references, rows_as_table
from git_contrib_assets.graph.resources import Installation
from git_contrib_assets.progress import reporter
from git_contrib_assets.serving.postgresql.address import chosen_address
from git_contrib_assets.serving.postgresql.copying import Copied, copy
from git_contrib_assets.serving.postgresql.merging import Changes


@dg.asset(
    key=["serving", "postgresql"],
    metadata=code_references(["serving/postgresql/copying.py"]),
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=FRESH_FOR),
    deps=[["serving", "snapshot"], ["serving", "catalogue"]],
    group_name="contributors/serving",
    kinds={"postgres"},
    owners=["team:data"],
    tags={"layer": "serving", "pii": ""},
    code_version="1",
    automation_condition=after_crawl,
)
def postgresql(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """All published tables in PostgreSQL, in the schema git_contrib.

    Rows are merged by key, each publication in one transaction. A snapshot that is there already is not copied again. What is
    private is left out: `git-contrib copy-to --include-private` copies it.
    """
    with installation.errors_reported():
        address = chosen_address(None, installation.settings)
        copied = copy(installation.home, address, max_wait=installation.max_wait, on_wait=reporter().waiting)
    for one in copied:
        reporter().note(one.sentence(address.place))
    return dg.MaterializeResult(
        metadata={
            "database": address.place,
            "snapshots": ", ".join(one.snapshot_id for one in copied),
            "changed": any(one.changed for one in copied),
            "rows": rows_as_table(("table", *Changes.__annotations__), _rows(copied)),
        }
    )


def _rows(copied: Sequence[Copied]) -> list[tuple[object, ...]]:
    return [(name, *astuple(changes)) for one in copied for name, changes in one.changes.items()]
