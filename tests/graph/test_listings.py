"""What a run has seen of repositories: by its own listing, or by the one that it was started for."""

from collections.abc import Iterator

import dagster as dg
import pytest
from crawl_scene import listed

from git_contrib_assets.graph.listings import FAILED_TARGETS, LISTED_BY_TAG, LISTING, seen_by


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def run(run_id: str, **more: str) -> dg.DagsterRun:
    parent = more.pop("parent", None)
    return dg.DagsterRun(job_name="any", run_id=run_id, tags=more, parent_run_id=parent, root_run_id=parent)


def names(instance: dg.DagsterInstance, of: dg.DagsterRun) -> tuple[list[str], list[str], list[str]]:
    """Listed, unlisted, and those of failed targets."""
    repositories = [
        listed(1, "acme/old", listed_by=None),
        listed(2, "acme/mine", listed_by="mine"),
        listed(3, "acme/other", listed_by="other"),
        listed(4, "forge/fire", listed_by="other"),
    ]
    seen = seen_by(instance, of, repositories)
    return tuple([one.name for one in part] for part in (seen.listed, seen.unlisted, seen.of_failed_targets))  # type: ignore[return-value]


def test_a_run_believes_its_own_listing(instance: dg.DagsterInstance) -> None:
    assert names(instance, run("mine")) == (["mine"], ["old", "other", "fire"], [])


def test_or_that_of_the_run_that_it_was_started_for(instance: dg.DagsterInstance) -> None:
    assert names(instance, run("new", **{LISTED_BY_TAG: "mine"})) == (["mine"], ["old", "other", "fire"], [])


def test_a_run_that_is_executed_again_does_not(instance: dg.DagsterInstance) -> None:
    """It may begin days later."""
    again = run("again", parent="new", **{LISTED_BY_TAG: "mine"})
    assert names(instance, again) == ([], ["old", "mine", "other", "fire"], [])


def test_a_run_without_a_listing_has_seen_nothing(instance: dg.DagsterInstance) -> None:
    assert names(instance, run("new")) == ([], ["old", "mine", "other", "fire"], [])


def test_repositories_of_targets_that_failed_are_told_apart() -> None:
    @dg.asset(key=LISTING)
    def repositories() -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult(metadata={FAILED_TARGETS: dg.MetadataValue.json({"Forge": "no answer"})})

    with dg.DagsterInstance.ephemeral() as instance:
        listing = dg.materialize([repositories], instance=instance)
        found = names(instance, run("new", **{LISTED_BY_TAG: listing.run_id}))
    assert found == ([], ["old", "mine", "other"], ["fire"])
