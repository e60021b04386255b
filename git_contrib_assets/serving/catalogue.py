"""The catalogue's snapshots as an asset: the public one, and the private one beside it."""

import dagster as dg

from git_contrib_assets.graph.metadata import FRESH_FOR, definition_metadata
from git_contrib_assets.graph.resources import Installation
from git_contrib_assets.progress import reporter
from git_contrib_assets.serving.contract.catalogue import PRIVATE_PUBLICATION, PUBLICATION, SNAPSHOT
from git_contrib_assets.serving.publish import publish
from git_contrib_assets.storage.subjects import CATALOGUE


@dg.asset(
    key=["serving", "catalogue"],
    metadata=definition_metadata(
        SNAPSHOT, api="/v1/exports/repositories.csv", code=["serving/catalogue_snapshot.sql", "serving/publish.py"]
    ),
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=FRESH_FOR),
    deps=[[table.layer, table.name] for one in (PUBLICATION, PRIVATE_PUBLICATION) for table in one.tables],
    group_name="catalogue/serving",
    kinds={"duckdb"},
    owners=["team:data"],
    tags={"layer": "serving", "pii": ""},
    code_version="1",
)
def catalogue_snapshots(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row: the snapshot itself.

    Public repositories and owners in one file, everything in another: `private/` in the home, which only its user can read, and
    from which the API answers only requests with its token. Tables that did not change make no new snapshot.
    """
    with (
        installation.errors_reported(),
        installation.warehouse("publishing the catalogue", subject=CATALOGUE) as connection,
    ):
        private = publish(connection, installation.home, PRIVATE_PUBLICATION, as_of=installation.as_of)
        public = publish(connection, installation.home, PUBLICATION, as_of=installation.as_of)
    for published in (private, public):
        if published.replaced:
            reporter().note(f"{published.replaced}. It is replaced by {published.snapshot_id}")
    reporter().catalogue_published(public.rows["repositories"], private.rows["repositories"], changed=private.changed)
    return dg.MaterializeResult(
        metadata={
            "snapshot": public.snapshot_id,
            "changed": public.changed or private.changed,
            "dagster/uri": str(public.file),
            **{f"rows_{table}": rows for table, rows in public.rows.items()},
            "rows_not_public": private.rows["repositories"] - public.rows["repositories"],
        }
    )
