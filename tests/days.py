"""Runs as the schedule, its sensor and the UI start them, without a daemon: in this process, on the instance of DAGSTER_HOME."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

from git_contrib_assets.definitions import defs
from git_contrib_assets.graph.automation import collect_every_day, crawl_after_the_daily_listing

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Day:
    """What the day's runs were."""

    runs: list[dg.ExecuteInProcessResult] = field(default_factory=list)

    @property
    def ended(self) -> list[tuple[str, bool]]:
        """The job of each run, and whether it went well."""
        return [(run.dagster_run.job_name, run.success) for run in self.runs]


def first_run_of_a_day() -> dg.ExecuteInProcessResult:
    """What the schedule asks for."""
    with dg.DagsterInstance.get() as instance:
        now = datetime.now(UTC)
        tick = collect_every_day(dg.build_schedule_context(instance=instance, scheduled_execution_time=now))
        assert isinstance(tick, dg.RunRequest)
        return execute("collect", tick, instance)


def second_run_of_a_day(first: dg.ExecuteInProcessResult) -> dg.ExecuteInProcessResult | None:
    """What the sensor asks for after the first; None if it asks for nothing."""
    if not first.success:
        return None
    with dg.DagsterInstance.get() as instance:
        context = dg.build_run_status_sensor_context(
            crawl_after_the_daily_listing.name,
            dagster_instance=instance,
            dagster_run=first.dagster_run,
            dagster_event=next(one for one in first.all_events if one.is_job_event and one.is_job_success),
            repository_def=defs.get_repository_def(),
        )
        follows = crawl_after_the_daily_listing(context)
        return execute("refresh", follows, instance) if isinstance(follows, dg.RunRequest) else None


def whole_day() -> Day:
    """The day's first run, and the second one if there is one."""
    first = first_run_of_a_day()
    second = second_run_of_a_day(first)
    return Day([first, second] if second else [first])


def crawl_of_partition(repository: str, *, only: Sequence[dg.AssetKey] | None = None) -> dg.ExecuteInProcessResult:
    """What the UI starts for a single partition: no listing goes before it."""
    with dg.DagsterInstance.get() as instance:
        return execute("refresh", dg.RunRequest(partition_key=repository, asset_selection=only), instance)


def execute(job: str, request: dg.RunRequest, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """Run a job here and now."""
    tags = {**request.tags, **({"dagster/partition": request.partition_key} if request.partition_key else {})}
    return defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        run_config={**request.run_config, **QUIET},
        tags=tags,
        asset_selection=request.asset_selection,
        raise_on_error=False,
    )
