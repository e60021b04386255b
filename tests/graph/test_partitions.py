"""Partitions are the repositories that are there now, by the names that they have now."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from histories import DAY, NOW, MadeHome

from git_contrib_assets.graph.partitions import current_names, register_partitions, repository_partitions
from git_contrib_assets.records import Repository


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def names(instance: dg.DagsterInstance) -> set[str]:
    return set(repository_partitions.get_partition_keys(dynamic_partitions_store=instance))


def repository(made: MadeHome, number: int, name: str, **columns: Any) -> Repository:
    made.repository(repository_id=number, name=name, never_read=True, **columns)
    return made.listed[number]


def test_a_repository_that_is_gone_has_no_partition(made: MadeHome) -> None:
    """Its history stays in the tables; nobody can ask to crawl it."""
    there, gone = repository(made, 1, "acme/anvil"), repository(made, 2, "acme/gone", missing_since=NOW)
    assert current_names([there, gone]) == {"acme/anvil": there}


def test_of_two_with_one_name_the_one_listed_last_counts(made: MadeHome) -> None:
    """Whatever the order in which they come, and although the older one has the greater number."""
    older = repository(made, 9, "acme/anvil", listed_at=NOW - DAY)
    newer = repository(made, 1, "acme/anvil")
    assert current_names([older, newer]) == current_names([newer, older]) == {"acme/anvil": newer}


def test_a_rename_replaces_the_key(made: MadeHome, instance: dg.DagsterInstance) -> None:
    """What does not change stays."""
    stays = repository(made, 2, "acme/stays")
    register_partitions(instance, [repository(made, 1, "acme/old"), stays])
    assert names(instance) == {"acme/old", "acme/stays"}
    register_partitions(instance, [repository(made, 1, "acme/new"), stays])
    assert names(instance) == {"acme/new", "acme/stays"}


def test_a_key_that_a_run_is_at_work_on_is_kept(made: MadeHome, instance: dg.DagsterInstance) -> None:
    """Dagster fails a run if its partition vanishes under it."""
    register_partitions(instance, [repository(made, 1, "acme/old")])
    register_partitions(instance, [repository(made, 1, "acme/new")], keep=["acme/old"])
    assert names(instance) == {"acme/old", "acme/new"}
