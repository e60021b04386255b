"""Which repositories a run has seen to be public: those of its own listing, or of the one that it was started for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import dagster as dg

from git_contrib_assets.records import Repository

LISTED_BY_TAG = "git_contrib/listed_by"
"""On a run that was started because of a listing: the run that listed. What that one saw, this one need not ask again."""
LISTING = dg.AssetKey(["landing", "repositories"])
FAILED_TARGETS = "failed_targets"
"""Metadata of a listing: the targets that could not be listed, with the reason."""


@dataclass
class Seen:
    """Repositories by what a run's listing tells of them."""

    listed: list[Repository] = field(default_factory=list)
    """Seen to be public in this run."""
    unlisted: list[Repository] = field(default_factory=list)
    """Nobody asked in this run, or another run listed them since: they are to be asked about one by one."""
    of_failed_targets: list[Repository] = field(default_factory=list)
    """Their target could not be listed: they are left as they are."""


def seen_by(instance: dg.DagsterInstance, run: dg.DagsterRun, repositories: Iterable[Repository]) -> Seen:
    """What this run has seen of each repository.

    A run that is executed again may begin days after the listing that it names: only its own counts then.
    """
    listed_by = run.run_id if run.parent_run_id else run.tags.get(LISTED_BY_TAG, run.run_id)
    failed_targets = {target.lower() for target in _failed_targets(instance, listed_by)}
    seen = Seen()
    for one in repositories:
        if one.listed_by == listed_by:
            seen.listed.append(one)
        elif one.target.lower() in failed_targets:
            seen.of_failed_targets.append(one)
        else:
            seen.unlisted.append(one)
    return seen


def materialised(instance: dg.DagsterInstance, run_id: str) -> list[dg.AssetMaterialization]:
    """What a run has materialised so far."""
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    return [record.asset_materialization for record in records if record.asset_materialization]


def _failed_targets(instance: dg.DagsterInstance, run_id: str) -> set[str]:
    found: set[str] = set()
    for one in materialised(instance, run_id):
        failed = one.metadata.get(FAILED_TARGETS)
        if one.asset_key == LISTING and failed and isinstance(failed.value, Mapping):
            found |= failed.value.keys()
    return found
