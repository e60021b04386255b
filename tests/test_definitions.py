"""The asset graph as data, and what it starts by itself: evaluated without a daemon."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asset_graph
import backfills
import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from git_contrib_assets.definitions import defs
from git_contrib_assets.graph.automation import (
    CONTRIBUTORS,
    DAILY_TAG,
    collect_every_day,
    crawl_after_the_daily_listing,
    daily_run_under_way,
    killed_runs_are_reported,
)
from git_contrib_assets.graph.listings import LISTED_BY_TAG
from git_contrib_assets.graph.partitions import RANGE_TAG
from git_contrib_assets.records import Repository
from git_contrib_assets.runtime.supervisor import SCHEDULE
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone
from git_contrib_assets.storage.locks import mark_run_alive

DAILY = {DAILY_TAG: "yes"}
LISTING = dg.AssetKey(["landing", "repositories"])
CRAWL_LOG = dg.AssetKey(["landing", "crawl_log"])
COMMITS = dg.AssetKey(["landing", "commits"])
ACCOUNTS = dg.AssetKey(["landing", "accounts"])
CRAWL = {"landing/commits", "landing/crawl_log"}
FROM_THE_DAEMON = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("git_contrib"), "__repository__"), "refresh"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home that collects two targets."""
    monkeypatch.setenv("GIT_CONTRIB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONTRIB_TARGETS", "acme, globex/one")
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture(scope="module")
def _instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp() as instance:
        yield instance


@pytest.fixture
def instance(_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """An instance without runs, events and partitions."""
    for name in _instance.get_dynamic_partitions("repository"):
        _instance.delete_dynamic_partition("repository", name)
    for run in _instance.get_runs():
        _instance.delete_run(run.run_id)
    _instance.wipe_assets(list(defs.resolve_asset_graph().materializable_asset_keys))
    return _instance


# The graph


def test_the_graph_is_the_stored_one() -> None:
    """A key, a group, a job, a schedule or a check changes on purpose: ``python tests/asset_graph.py`` stores it."""
    assert asset_graph.text() == asset_graph.FILE.read_text("utf-8")
    assert {job.name for job in defs.jobs or []} == set(asset_graph.listing()["jobs"])


def test_it_loads_and_everything_says_what_it_is() -> None:
    dg.Definitions.validate_loadable(defs)
    assert all(node.description for node in defs.resolve_asset_graph().asset_nodes)
    for one in (*(defs.schedules or []), *(defs.sensors or []), *(defs.jobs or [])):
        assert one.description, one
    assert collect_every_day.name == SCHEDULE


def test_the_schedule_keeps_off_the_hour() -> None:
    assert collect_every_day.execution_timezone == "UTC"
    assert str(collect_every_day.cron_schedule).split()[0] not in {"0", "15", "30", "45"}


# The day's first run


def tick(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    found = collect_every_day(dg.build_schedule_context(instance=instance, scheduled_execution_time=datetime.now(UTC)))
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


def add_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: dict[str, str]) -> str:
    run = dg.DagsterRun(job_name="refresh", status=status, tags=tags, remote_job_origin=FROM_THE_DAEMON)
    return instance.add_run(run).run_id


def repository(number: int, target: str, *, gone: bool = False) -> Repository:
    owner, _, name = target.partition("/")
    name, then = name or f"r{number}", datetime(2024, 1, 1)  # noqa: DTZ001 - the landed times are UTC without saying so
    return Repository(
        *(number, f"{owner}/{name}", 1, owner, "Organization", name, False, False, False, "main", then, then, 0, None),
        target=target,
        first_seen_at=then,
        listed_at=then,
        missing_since=then if gone else None,
    )


def register(home: Home, instance: dg.DagsterInstance, *names: str) -> None:
    """Repositories as a listing leaves them."""
    landing = LandingZone(home)
    landing.prepare()
    landing.repositories.write([repository(number, name) for number, name in enumerate(names, 1)])
    instance.add_dynamic_partitions("repository", list(names))


def test_a_tick_lists_the_targets(home: Home, instance: dg.DagsterInstance) -> None:
    request = tick(instance)
    assert isinstance(request, dg.RunRequest)
    assert request.tags[DAILY_TAG] == "yes"
    listing = {"targets": ["acme", "globex/one"], "private": False}
    assert request.run_config == {"ops": {"landing__repositories": {"config": listing}}}
    assert dg.validate_run_config(defs.resolve_job_def("collect"), request.run_config)
    assert request.asset_selection == [LISTING]  # there is nothing yet that a crawl could be of


def test_a_tick_does_everything_once_there_are_repositories(home: Home, instance: dg.DagsterInstance) -> None:
    register(home, instance, "globex/one", "acme/docs")
    request = tick(instance)
    assert isinstance(request, dg.RunRequest)
    assert request.asset_selection is None
    assert (request.tags[f"{RANGE_TAG}start"], request.tags[f"{RANGE_TAG}end"]) == ("globex/one", "acme/docs")
    assert LISTED_BY_TAG not in request.tags  # it lists them itself


def test_it_lists_what_earlier_runs_brought_too(home: Home, instance: dg.DagsterInstance) -> None:
    """Or their repositories would look as if nothing were ever pushed to them, and a private one would never come back."""
    landing = LandingZone(home)
    landing.prepare()
    private = replace(repository(4, "was/public", gone=True), missing_reason="private")
    gone = repository(3, "old", gone=True)
    landing.repositories.write([repository(1, "acme"), repository(2, "zeta"), gone, private])
    request = tick(instance)
    assert isinstance(request, dg.RunRequest)
    assert request.run_config["ops"]["landing__repositories"]["config"]["targets"] == [
        "acme",
        "globex/one",
        "was/public",
        "zeta",
    ]
    landing.repositories.file.write_bytes(b"garbage")
    assert isinstance(tick(instance), dg.RunRequest)


@pytest.mark.parametrize("status", ["QUEUED", "STARTING", "STARTED", "CANCELING"])
def test_nothing_piles_up_behind_a_slow_run(home: Home, instance: dg.DagsterInstance, status: str) -> None:
    slow = add_run(instance, dg.DagsterRunStatus(status), DAILY)
    skipped = tick(instance)
    assert isinstance(skipped, dg.SkipReason)
    assert slow in (skipped.skip_message or "")


def test_ended_runs_and_those_of_people_hold_nothing_up(home: Home, instance: dg.DagsterInstance) -> None:
    for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
        add_run(instance, status, DAILY)
    add_run(instance, dg.DagsterRunStatus.STARTED, {})
    assert isinstance(tick(instance), dg.RunRequest)


def test_a_killed_run_holds_nothing_up(home: Home, instance: dg.DagsterInstance) -> None:
    """Its process is gone: it is reported as failed first."""
    killed = add_run(instance, dg.DagsterRunStatus.STARTED, DAILY)
    mark_run_alive(home, killed).close()
    assert isinstance(tick(instance), dg.RunRequest)
    assert instance.get_run_by_id(killed).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]


def test_a_run_stuck_for_ever_holds_up_one_day(home: Home, instance: dg.DagsterInstance) -> None:
    run = add_run(instance, dg.DagsterRunStatus.STARTING, DAILY)
    found = daily_run_under_way(instance, since=datetime.now(UTC) - timedelta(minutes=5))
    assert found is not None
    assert found.run_id == run
    assert daily_run_under_way(instance, since=datetime.now(UTC) + timedelta(minutes=5)) is None


# The day's second run


def listed(instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.RunRequest | dg.SkipReason:
    """What the sensor makes of a listing that ended well."""

    @dg.asset(key=LISTING)
    def repositories() -> None:
        """Not ours: without GitHub."""

    one = dg.Definitions([repositories], jobs=[dg.define_asset_job("catalogue")]).resolve_job_def("catalogue")
    result = one.execute_in_process(instance=instance, tags=tags)
    found = crawl_after_the_daily_listing(
        dg.build_run_status_sensor_context(
            "crawl_after_the_daily_listing",
            result.get_run_success_event(),
            instance,
            result.dagster_run,
            repository_def=defs.get_repository_def(),
        )
    )
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


def test_a_listing_from_the_command_line_starts_nothing(home: Home, instance: dg.DagsterInstance) -> None:
    """That command crawls by itself."""
    assert isinstance(listed(instance, {}), dg.SkipReason)


def test_a_days_listing_starts_one_crawl_of_everything(home: Home, instance: dg.DagsterInstance) -> None:
    register(home, instance, "globex/one", "acme/docs", "acme/tools")
    instance.add_dynamic_partitions("repository", ["acme/gone"])  # an end of the range that the listing had to keep
    request = listed(instance, DAILY)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key
    assert request.asset_selection is None
    first, last = request.tags[f"{RANGE_TAG}start"], request.tags[f"{RANGE_TAG}end"]
    assert (first, last) == ("globex/one", "acme/tools")
    names = instance.get_dynamic_partitions("repository")
    assert (names[0], names[-1]) == (first, last)
    assert request.tags[DAILY_TAG] == "yes"
    assert request.tags[LISTED_BY_TAG] == instance.get_runs()[0].run_id


def test_without_a_repository_the_tables_alone_are_made(home: Home, instance: dg.DagsterInstance) -> None:
    register(home, instance)
    request = listed(instance, DAILY)
    assert isinstance(request, dg.RunRequest)
    chosen = {key.to_user_string() for key in request.asset_selection or []}
    assert chosen == set(asset_graph.listing()["jobs"]["refresh"]["assets"]) - CRAWL


# What follows by itself


def test_tables_follow_a_crawl_but_not_a_listing(home: Home, instance: dg.DagsterInstance) -> None:
    def requested(cursor: object = None) -> tuple[int, object]:
        result = dg.evaluate_automation_conditions(defs, instance, cursor=cursor)  # type: ignore[arg-type]
        return result.total_requested, result.cursor

    none, cursor = requested()
    assert none == 0
    instance.report_runless_asset_event(dg.AssetMaterialization(LISTING))
    none, cursor = requested(cursor)
    assert none == 0
    instance.report_runless_asset_event(dg.AssetMaterialization(CRAWL_LOG))
    some, cursor = requested(cursor)
    assert some > 0
    none, cursor = requested(cursor)
    assert none == 0


def test_tables_follow_a_backfill_once(home: Home, instance: dg.DagsterInstance) -> None:
    """Not once per partition, and not once per run: scattered partitions are several runs."""
    instance.add_dynamic_partitions("repository", ["acme/docs", "acme/site", "acme/tools"])
    cursor = dg.evaluate_automation_conditions(defs, instance).cursor
    backfill = backfills.begin(instance, "acme/docs", "acme/tools")

    def requested() -> list[int]:
        nonlocal cursor
        result = dg.evaluate_automation_conditions(defs, instance, cursor=cursor)
        cursor = result.cursor
        return [result.get_num_requested(key) for key in tables]

    ours = CONTRIBUTORS.resolve(defs.resolve_asset_graph())  # the catalogue follows its listing, not the crawl
    tables = sorted(ours - {LISTING, COMMITS, CRAWL_LOG, ACCOUNTS})
    for partition in ("acme/docs", "acme/tools"):
        assert set(requested()) == {0}
        instance.report_runless_asset_event(dg.AssetMaterialization(COMMITS, partition=partition))
        instance.report_runless_asset_event(dg.AssetMaterialization(CRAWL_LOG))
    backfills.end(instance, backfill)
    once = requested()
    assert once.count(1) == len(tables)
    assert set(requested()) == {0}


def test_a_killed_run_is_reported_and_a_living_one_is_not(home: Home, instance: dg.DagsterInstance) -> None:
    killed, living = (add_run(instance, dg.DagsterRunStatus.STARTED, {}) for _ in range(2))
    mark_run_alive(home, killed).close()
    with mark_run_alive(home, living):
        found = killed_runs_are_reported(dg.build_sensor_context(instance=instance))
        assert isinstance(found, dg.SkipReason)
        assert killed in (found.skip_message or "")
        assert living not in (found.skip_message or "")
        assert instance.get_run_by_id(killed).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
        assert instance.get_run_by_id(living).status is dg.DagsterRunStatus.STARTED  # type: ignore[union-attr]
