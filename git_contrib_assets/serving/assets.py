"""The snapshot as an asset, and the check that says whether everything is in it."""

import dagster as dg

from git_contrib_assets.graph.automation import after_crawl
from git_contrib_assets.graph.metadata import FRESH_FOR, definition_metadata, rows_as_table
from git_contrib_assets.graph.resources import Installation
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import AttemptState
from git_contrib_assets.serving.contract.contributors import PUBLICATION, SNAPSHOT
from git_contrib_assets.serving.publish import publish
from git_contrib_assets.storage.landing_zone import LandingZone


@dg.asset(
    key=["serving", "snapshot"],
    metadata=definition_metadata(SNAPSHOT, api="/v1/meta", code=["serving/snapshot.sql", "serving/publish.py"]),
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=FRESH_FOR),
    deps=[[table.layer, table.name] for table in PUBLICATION.tables],
    group_name="contributors/serving",
    kinds={"duckdb"},
    owners=["team:data"],
    tags={"layer": "serving", "pii": ""},
    code_version="1",
    automation_condition=after_crawl,
)
def snapshot(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row: the snapshot itself.

    All published tables in an immutable DuckDB file under a new name, and a link that is switched to it. Tables that did
    not change make no new snapshot; that they were looked at is recorded instead.
    """
    with installation.errors_reported(), installation.warehouse("publishing") as connection:
        published = publish(connection, installation.home, PUBLICATION, as_of=installation.as_of)
    if published.replaced:
        reporter().note(f"{published.replaced}. It is replaced by {published.snapshot_id}")
    reporter().published(published.snapshot_id, changed=published.changed)
    return dg.MaterializeResult(
        metadata={
            "snapshot": published.snapshot_id,
            "changed": published.changed,
            **({"replaced": published.replaced} if published.replaced else {}),
            "identity": published.about["identity"],
            "emails_not_asked": published.about["emails_not_asked"],
            "dagster/uri": str(published.file),
            "megabytes": round(published.file.stat().st_size / 1e6, 2),
            **{f"rows_{table}": rows for table, rows in published.rows.items()},
        }
    )


def every_repository_was_crawled(last: dg.AssetKey) -> dg.AssetChecksDefinition:
    """The check that turns a run red where it should. It stands on the last asset, since nothing comes after one that fails."""

    @dg.asset_check(
        asset=last, name="every_repository_was_crawled", blocking=True, additional_deps=[["landing", "crawl_log"]]
    )
    def check(context: dg.AssetCheckExecutionContext, installation: Installation) -> dg.AssetCheckResult:
        """No repository of this run failed, none was not reached. Holds nothing back: the snapshot is out, their partitions turn red."""
        attempts = LandingZone(installation.home).crawl_log.attempts()
        missing = {AttemptState.FAILED, AttemptState.NOT_REACHED}
        of_this_run = [one for one in attempts if one.run_id == context.run.run_id]
        failed = {one.repository: one.message or "" for one in of_this_run if one.state in missing}
        return dg.AssetCheckResult(
            passed=not failed,
            metadata={
                "repositories": len(of_this_run),
                "failed_repositories": len(failed),
                **({"reasons": rows_as_table(("repository", "reason"), sorted(failed.items()))} if failed else {}),
            },
        )

    return check
