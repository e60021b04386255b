"""What runs by itself: every day a listing and a crawl; after a crawl by hand, the tables."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from git_contrib_assets.errors import GitContribError
from git_contrib_assets.graph.listings import LISTED_BY_TAG, LISTING, materialised
from git_contrib_assets.graph.partitions import RANGE_TAG, register_partitions, repository_partitions
from git_contrib_assets.graph.resources import report_dead_runs
from git_contrib_assets.settings import Settings, current
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone

DAILY_TAG = "git_contrib/daily"
"""Marks the runs of a day, one or two; a run from the command line has no such mark."""

_COMMITS = dg.AssetKey(["landing", "commits"])
_CRAWL_LOG = dg.AssetKey(["landing", "crawl_log"])
CONTRIBUTORS = dg.AssetSelection.from_string('group:"contributors/*"')
"""All layers of the subject. Its jobs select by group: a new asset of another subject never joins them by accident."""
CATALOGUE = dg.AssetSelection.assets(LISTING)
_CATALOGUE_TABLES = dg.AssetSelection.from_string('group:"catalogue/*"')
_OWNERS = dg.AssetSelection.assets(dg.AssetKey(["landing", "owners"]))
"""Asked about by the job of the catalogue only: a run without it asks GitHub for nothing that the counts do not need."""
_CRAWL = dg.AssetSelection.assets(_COMMITS, _CRAWL_LOG)
_STUCK_AFTER = timedelta(days=1)
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

after_crawl = (
    dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing()).ignore(CATALOGUE)
    & ~dg.AutomationCondition.asset_matches(_COMMITS, dg.AutomationCondition.in_progress())
).with_label("after_crawl")
"""Follow what is upstream. A repository that was never crawled does not hold the tables back. A listing alone makes no
tables, because a crawl follows it. In a backfill only the last run makes them: each run holds neighbouring partitions only."""

tables_follow_crawl = dg.AutomationConditionSensorDefinition(
    "tables_follow_crawl",
    target=CONTRIBUTORS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Recomputes and publishes the tables after a crawl that did not do so itself, as from the UI",
)

catalogue_job = dg.define_asset_job(
    "catalogue",
    selection=CATALOGUE | _CATALOGUE_TABLES,
    description=(
        "Lists the targets' repositories, private ones too as far as the token shows them, registers a partition for each "
        "public one, and publishes the catalogue. No histories"
    ),
    config={"ops": {"landing__repositories": {"config": {"private": True}}}},
)
refresh_job = dg.define_asset_job(
    "refresh",
    selection=(CONTRIBUTORS | _CATALOGUE_TABLES) - CATALOGUE - _OWNERS,
    description="Crawls a range of repositories, recomputes all tables and publishes them, in one run",
)
collect_job = dg.define_asset_job(
    "collect",
    selection=(CONTRIBUTORS | _CATALOGUE_TABLES) - _OWNERS,
    description=(
        "A day in one run: lists all targets, crawls what was pushed to, recomputes all tables and publishes them. Where "
        "the listing finds repositories that are new, it ends with the listing, and a refresh of all follows"
    ),
)


def daily_run_under_way(instance: dg.DagsterInstance, *, since: datetime) -> dg.DagsterRun | None:
    """A run that the schedule started, that has not ended, and of which something was heard ``since`` then."""
    filters = dg.RunsFilter(tags={DAILY_TAG: "yes"}, statuses=_UNDER_WAY, updated_after=since)
    return next(iter(instance.get_runs(filters, limit=1)), None)


@dg.schedule(
    job=collect_job,
    # Not on the hour, when everybody's jobs start; after midnight, so that the month before is complete.
    cron_schedule="17 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Lists all targets, crawls every repository that was pushed to, recomputes the tables once and publishes them: "
        "in one run, or two when there are new repositories. What failed the day before is tried again. Starts nothing "
        "while the last day's runs are still under way."
    ),
)
def collect_every_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start the day's first run. Asks nobody but the disk."""
    settings = current()
    home = Home(settings.home)
    home.prepare()
    report_dead_runs(context.instance, home)
    # A run that has not moved for so long is not worth waiting for. If it is alive after all, the locks protect it.
    under_way = daily_run_under_way(context.instance, since=datetime.now(UTC) - _STUCK_AFTER)
    if under_way:
        return dg.SkipReason(
            f"Run {under_way.run_id} of the last tick is still {under_way.status.value.lower()}: nothing is started"
        )
    config = {
        "ops": {
            "landing__repositories": {
                "config": {"targets": targets_to_list(settings, home), "private": _has_private(home)}
            }
        }
    }
    everything = _all_repositories(context.instance)
    if not everything:  # nothing is known yet: there is no range that a crawl could have
        return dg.RunRequest(run_config=config, tags={DAILY_TAG: "yes"}, asset_selection=[LISTING])
    return dg.RunRequest(run_config=config, tags={DAILY_TAG: "yes", **everything})


def _all_repositories(instance: dg.DagsterInstance) -> dict[str, str]:
    """The tags that select every repository for a run; none if there is no repository."""
    names = instance.get_dynamic_partitions(repository_partitions.name or "")
    return {f"{RANGE_TAG}start": names[0], f"{RANGE_TAG}end": names[-1]} if names else {}


def targets_to_list(settings: Settings, home: Home) -> list[str]:
    """The configured targets, then those of earlier runs: every repository that is here is kept up to date.

    One that turned private is asked about every day, because it may be public again.
    """
    try:
        landed = LandingZone(home).repositories.all()
    except GitContribError:  # damaged: the listing writes it again
        landed = []
    earlier = sorted({one.target for one in landed if one.missing_since is None or one.missing_reason == "private"})
    return list(dict.fromkeys([*settings.targets, *earlier]))


def _has_private(home: Home) -> bool:
    """Whether private repositories were asked for before: they are kept up to date then, and else never asked for."""
    try:
        return bool(LandingZone(home).catalogue.private_repositories.all())
    except GitContribError:  # damaged: the next `catalogue` writes it again
        return False


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[collect_job],
    request_job=refresh_job,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="The second run of a day on which there are new repositories: crawls every one, now that all are known",
)
def crawl_after_the_daily_listing(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    """Crawl in one run all repositories that the day's listing saw."""
    listing = context.dagster_run
    if DAILY_TAG not in listing.tags:
        return dg.SkipReason(f"Run {listing.run_id} was not started by {collect_every_day.name}")
    if any(one.asset_key == _CRAWL_LOG for one in materialised(context.instance, listing.run_id)):
        return dg.SkipReason(f"Run {listing.run_id} has crawled them itself")
    tags = {DAILY_TAG: "yes", LISTED_BY_TAG: listing.run_id}
    landing = LandingZone(Home(current().home))
    register_partitions(context.instance, landing.repositories.all())  # without those that the run had to keep
    everything = _all_repositories(context.instance)
    if everything:
        return dg.RunRequest(run_key=listing.run_id, tags=tags | everything)
    assert context.repository_def is not None  # noqa: S101 - for the type checker: a daemon's sensor has one
    tables = (refresh_job.selection - _CRAWL).resolve(context.repository_def.asset_graph)
    return dg.RunRequest(run_key=listing.run_id, tags=tags, asset_selection=sorted(tables))


@dg.sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Reports runs as failed if their process was killed: Dagster itself would show them as started for ever",
)
def killed_runs_are_reported(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Look for runs without a process. Never starts anything."""
    home = Home(current().home)
    home.prepare()
    reported = report_dead_runs(context.instance, home)
    return dg.SkipReason(f"Reported as failed: {', '.join(reported)}" if reported else "Every run has its process")
