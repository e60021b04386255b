"""The partitions: one per repository, named ``owner/name`` as it is called now."""

from collections.abc import Collection

import dagster as dg

from git_contrib_assets.records import Repository

repository_partitions = dg.DynamicPartitionsDefinition(name="repository")

RANGE_TAG = "dagster/asset_partition_range_"
"""With ``start`` or ``end`` behind it: the tags by which Dagster knows a run's range of partitions."""


def current_names(everything: list[Repository]) -> dict[str, Repository]:
    """Every repository that is there now, by its name; of two with one name the one that was listed last."""
    by_age = sorted(everything, key=lambda repository: (repository.listed_at, repository.repository_id))
    return {repository.repository: repository for repository in by_age if repository.missing_since is None}


def register_partitions(
    instance: dg.DagsterInstance, everything: list[Repository], *, keep: Collection[str] = ()
) -> None:
    """Make the partitions those of the repositories that are there: a rename replaces its key, unless it is to be kept."""
    name = repository_partitions.name
    assert name is not None  # noqa: S101 - for the type checker: ours has one
    wanted = current_names(everything)
    present = set(instance.get_dynamic_partitions(name))
    for gone in sorted(present - wanted.keys() - set(keep)):
        instance.delete_dynamic_partition(name, gone)
    new = sorted(wanted.keys() - present)
    if new:
        instance.add_dynamic_partitions(name, new)
