"""The asset graph: what Dagster loads."""

import warnings

import dagster as dg

warnings.filterwarnings(
    "ignore", category=dg.BetaWarning
)  # backfill_policy is beta in 1.13; a test holds how it behaves

from git_contrib_assets import automation  # noqa: E402
from git_contrib_assets.landing import accounts, commits, repositories  # noqa: E402
from git_contrib_assets.marts import assets as marts_assets  # noqa: E402
from git_contrib_assets.marts import checks as marts_checks  # noqa: E402
from git_contrib_assets.patient import be_patient  # noqa: E402
from git_contrib_assets.reconciliation import job as reconciliation  # noqa: E402
from git_contrib_assets.resources import Installation  # noqa: E402
from git_contrib_assets.serving import assets as serving_assets  # noqa: E402
from git_contrib_assets.warehouse import assets as warehouse_assets  # noqa: E402

be_patient()  # a run of the UI or the daemon loads this and nothing else of ours

_MODULES = [
    repositories,
    commits,
    accounts,
    warehouse_assets,
    marts_assets,
    marts_checks,
    serving_assets,
    reconciliation,
]

defs = dg.Definitions(
    assets=dg.load_assets_from_modules(_MODULES, include_specs=True),
    asset_checks=dg.load_asset_checks_from_modules(_MODULES),
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
