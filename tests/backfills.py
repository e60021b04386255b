"""A backfill as the UI and the daemon keep it, made by hand."""

import time

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from git_contrib_assets.definitions import defs
from git_contrib_assets.landing.commits import COMMITS


def begin(instance: dg.DagsterInstance, *partitions: str) -> PartitionBackfill:
    """A backfill of landing/commits over these partitions, just asked for."""
    backfill = PartitionBackfill.from_asset_partitions(
        backfill_id="backfill",
        asset_graph=defs.resolve_asset_graph(),
        partition_names=list(partitions),
        asset_selection=[COMMITS],
        backfill_timestamp=time.time(),
        tags={},
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )
    instance.add_backfill(backfill)
    return backfill


def end(instance: dg.DagsterInstance, backfill: PartitionBackfill) -> None:
    """It is done."""
    instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_SUCCESS))
