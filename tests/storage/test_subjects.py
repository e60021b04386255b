"""Subjects do not wait for each other."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from histories import MadeHome, commit

from git_contrib_assets.errors import LockBusy
from git_contrib_assets.graph.automation import catalogue_job, collect_job, refresh_job, tables_follow_crawl
from git_contrib_assets.graph.resources import Installation
from git_contrib_assets.storage.subjects import CONTRIBUTORS, Subject

OTHER = Subject(
    name="other",
    landing_lock="other",
    landed=CONTRIBUTORS.landed,
    landing_views=CONTRIBUTORS.landing_views,
    pinned="built_from_other",
    warehouse="other.duckdb",
)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An installation that waits for nobody."""
    made = MadeHome(tmp_path / "home")
    made.repository(commit())
    monkeypatch.setenv("GIT_CONTRIB_HOME", str(made.root))
    with dg.build_init_resource_context() as context:
        ours = Installation(max_wait=0.0)
        ours.setup_for_execution(context)
        yield ours
        ours.teardown_after_execution(context)


def test_another_subject_lands_while_a_crawl_holds_its_lock(installation: Installation) -> None:
    """A poller or an ingest never waits for a crawl; a second crawl does."""
    with installation.landing("the crawl"):
        with installation.landing_lock(OTHER, "a poll"):
            pass
        with pytest.raises(LockBusy), installation.landing_lock(CONTRIBUTORS, "another crawl"):
            pass


def test_each_subject_has_a_warehouse_of_its_own(installation: Installation) -> None:
    """DuckDB lets one program open a file: tables of one subject are built while those of another are."""
    with (
        installation.warehouse("tables", from_landing=True) as ours,
        installation.warehouse("tables", subject=OTHER) as other,
    ):
        assert ours.execute("select count(*) from landing.commits").fetchall() == [(1,)]
        assert other.execute("select count(*) from landing.commits").fetchall() == [(1,)]
    assert sorted(path.name for path in installation.home.root.glob("*.duckdb")) == ["other.duckdb", "warehouse.duckdb"]


def test_an_asset_of_another_subject_joins_no_job_of_the_contributors() -> None:
    """Jobs select the groups of their subject, with all its layers."""
    from git_contrib_assets.definitions import defs

    @dg.asset(key=["landing", "events"], group_name="events/landing")
    def events() -> None:
        """One row per event."""

    @dg.asset(key=["landing", "others"], group_name="contributors_of_others/landing")
    def others() -> None:
        """A group whose name only begins the same."""

    graph = dg.Definitions.merge(defs, dg.Definitions(assets=[events, others])).resolve_asset_graph()
    ours = {node.key for node in graph.asset_nodes if node.group_name.startswith("contributors/")}
    catalogue = {node.key for node in graph.asset_nodes if node.group_name.startswith("catalogue/")}
    listing, owners = dg.AssetKey(["landing", "repositories"]), dg.AssetKey(["landing", "owners"])
    assert collect_job.selection.resolve(graph) == ours | catalogue - {owners}  # the same listing feeds both
    assert refresh_job.selection.resolve(graph) == ours - {listing} | catalogue - {owners}
    assert catalogue_job.selection.resolve(graph) == {listing} | catalogue
    assert tables_follow_crawl.asset_selection.resolve(graph) == ours
