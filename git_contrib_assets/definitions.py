"""The asset graph: what Dagster loads."""

import dagster as dg

from git_contrib_assets.graph import automation
from git_contrib_assets.graph.resources import Installation
from git_contrib_assets.graph.sqlite_timeout import prepare_sqlite
from git_contrib_assets.landing import accounts, commits, owners, repositories
from git_contrib_assets.marts import assets as marts_assets
from git_contrib_assets.marts import checks as marts_checks
from git_contrib_assets.reconciliation import job as reconciliation
from git_contrib_assets.serving import assets as serving_assets
from git_contrib_assets.serving import catalogue as serving_catalogue
from git_contrib_assets.serving.postgresql import assets as postgresql_assets
from git_contrib_assets.settings import Settings, current
from git_contrib_assets.warehouse import assets as warehouse_assets

_MODULES = [
    repositories,
    commits,
    accounts,
    owners,
    warehouse_assets,
    marts_assets,
    marts_checks,
    serving_assets,
    serving_catalogue,
    reconciliation,
]


def definitions(settings: Settings) -> dg.Definitions:
    """The graph. The copy in PostgreSQL is in it only where there is a database to copy to."""
    modules, last = _MODULES, serving_assets.snapshot.key
    if settings.postgres_url:
        modules, last = [*_MODULES, postgresql_assets], postgresql_assets.postgresql.key
    return dg.Definitions(
        assets=dg.load_assets_from_modules(modules, include_specs=True),
        asset_checks=[
            *dg.load_asset_checks_from_modules(modules),
            serving_assets.every_repository_was_crawled(last),
        ],
        jobs=[automation.collect_job, automation.catalogue_job, automation.refresh_job, reconciliation.reconcile_job],
        schedules=[automation.collect_every_day],
        sensors=[
            automation.crawl_after_the_daily_listing,
            automation.killed_runs_are_reported,
            automation.tables_follow_crawl,
        ],
        resources={"installation": Installation()},
        # One process for all steps: starting one for each costs ten times what the tables cost; the crawl is parallel inside.
        executor=dg.in_process_executor,
    )


defs = definitions(current())


@dg.definitions
def load() -> dg.Definitions:
    """What Dagster's own processes call first: the code server, and each run of the UI or the daemon."""
    prepare_sqlite()
    return defs
