"""Commit histories as assets: one partition per repository, all of a run crawled concurrently in one process."""

import warnings
from contextlib import aclosing
from typing import Any

import dagster as dg
from pydantic import Field

from git_contrib_assets.errors import GitContribError, LimitReached, NotAllowed
from git_contrib_assets.graph.automation import DAILY_TAG
from git_contrib_assets.graph.listings import seen_by
from git_contrib_assets.graph.metadata import definition_metadata, rows_as_table
from git_contrib_assets.graph.partitions import current_names, repository_partitions
from git_contrib_assets.graph.resources import Installation, budget, budget_spent
from git_contrib_assets.graph.run_log import also_logged_to
from git_contrib_assets.landing.crawl import Crawl
from git_contrib_assets.landing.visibility import VisibilityOnGitHub
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import Attempt, AttemptState, Repository
from git_contrib_assets.storage.landed.commits import COMMITS as COMMITS_TABLE
from git_contrib_assets.storage.landed.crawl_log import CRAWL_LOG as CRAWL_LOG_TABLE
from git_contrib_assets.storage.landing_zone import LandingZone

COMMITS = dg.AssetKey(["landing", "commits"])
CRAWL_LOG = dg.AssetKey(["landing", "crawl_log"])
CODE_VERSION = "1"


class CrawlConfig(dg.Config):
    """How to crawl."""

    everything_again: bool = Field(
        default=False,
        description="Read whole histories again, whatever is landed or cached; the old data stay until the new ones have landed",
    )


with warnings.catch_warnings():  # Dagster calls backfill policies beta; a test holds how ours behaves
    warnings.simplefilter("ignore", dg.BetaWarning)
    _crawl_asset = dg.multi_asset(
        name="crawl",
        specs=[
            dg.AssetSpec(
                COMMITS,
                description=(
                    f"{COMMITS_TABLE.grain}.\n\nKey: `repository_id`, `sha`. One Parquet file per repository; names, addresses "
                    "and times as written. One run crawls all its partitions at once; each lands or fails on its own. To "
                    "read everything again, set `everything_again: true` in the launchpad."
                ),
                metadata=definition_metadata(COMMITS_TABLE, code=["landing/commits.py", "landing/crawl.py"]),
                partitions_def=repository_partitions,
                skippable=True,
                deps=[["landing", "repositories"]],
                group_name="contributors/landing",
                kinds={"git", "github", "parquet"},
                owners=["team:data"],
                tags={"layer": "landing", "pii": ""},
                code_version=CODE_VERSION,
            ),
            dg.AssetSpec(
                CRAWL_LOG,
                description=(
                    f"{CRAWL_LOG_TABLE.grain}.\n\nKey: `run_id`, `repository_id`, `started_at`. The ledger that the "
                    "completeness check, `git-contrib status` and the API's coverage read."
                ),
                metadata=definition_metadata(CRAWL_LOG_TABLE, code=["landing/commits.py", "landing/crawl.py"]),
                skippable=True,
                deps=[COMMITS],
                group_name="contributors/landing",
                kinds={"json"},
                owners=["team:data"],
                tags={"layer": "landing"},
                code_version=CODE_VERSION,
            ),
        ],
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )


@_crawl_asset
async def crawl(context: dg.AssetExecutionContext, config: CrawlConfig, installation: Installation):  # type: ignore[no-untyped-def]  # Dagster takes no AsyncIterator here
    """Crawl the run's repositories; a materialisation for each that landed or did not change, even if others fail."""
    attempts: list[Attempt] = []
    stopped: GitContribError | None = None
    before = budget_spent()
    with also_logged_to(context.log), installation.errors_reported(), installation.landing("the crawl") as landing:
        repositories, unknown, new = _selected(context, landing)
        if DAILY_TAG in context.run.tags and (new or unknown):
            context.log.info(
                f"{len(new)} repositories are new, {len(unknown)} are gone: a run of all that are there follows"
            )
            return
        seen = seen_by(context.instance, context.run, repositories)
        async with installation.histories() as source, installation.github() as client:
            visibility = VisibilityOnGitHub(client, landing.repositories.all())
            work = Crawl(landing, source, visibility, context.run.run_id)
            left_out = work.leave_out(seen.of_failed_targets)
            try:
                running_crawl = work.run(seen.listed, seen.unlisted, everything_again=config.everything_again)
                async with aclosing(running_crawl) as running:
                    async for attempt in running:
                        attempts.append(attempt)
                        if attempt.failed:
                            context.log.error(attempt.message or attempt.repository)
                        elif COMMITS in context.selected_asset_keys:
                            yield _materialisation(attempt, landing)
            except (LimitReached, NotAllowed) as error:  # what came before is kept, and the tables are built of it
                stopped = error
                reporter().step_failed(error)
    failed = {attempt.repository: attempt.message or "" for attempt in attempts if attempt.failed}
    failed |= {attempt.repository: attempt.message or "" for attempt in left_out}
    failed |= {name: f"{name} is no longer in the catalogue: materialise landing/repositories" for name in unknown}
    summary = {
        **_summary(attempts, failed),
        **{name: value for name, value in budget_spent(before).items() if name != "requests"},
        **budget.left("core"),
        **({"stopped": str(stopped)} if stopped else {}),
    }
    if CRAWL_LOG in context.selected_asset_keys:
        yield dg.MaterializeResult(asset_key=CRAWL_LOG, metadata=summary)
        return
    yield dg.AssetMaterialization(CRAWL_LOG, metadata=summary)
    if failed or stopped:
        raise dg.Failure(
            str(stopped or f"{len(failed)} of {len(attempts) + len(left_out) + len(unknown)} repositories failed"),
            metadata=summary,
            allow_retries=False,
        )


def _selected(context: dg.AssetExecutionContext, landing: LandingZone) -> tuple[list[Repository], list[str], list[str]]:
    """The selected repositories, the keys without a repository, and the names of repositories without a key."""
    keys = context.partition_keys if context.has_partition_key or context.has_partition_key_range else []
    known = current_names(landing.repositories.all())
    chosen = [known[key] for key in keys if key in known]
    return chosen, [key for key in keys if key not in known], sorted(known.keys() - set(keys))


def _materialisation(attempt: Attempt, landing: LandingZone) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        COMMITS,
        partition=attempt.repository,
        description=f"{attempt.state.value}, {attempt.commits:,} commits, {attempt.requests} requests, {attempt.seconds:.1f} s",
        metadata={
            "state": attempt.state.value,
            "dagster/partition_row_count": attempt.commits,
            "dagster/uri": str(landing.commits.file(attempt.repository_id)),
            "commits": attempt.commits,
            "requests": attempt.requests,
            "seconds": attempt.seconds,
            "source": attempt.source,
            "tip": attempt.tip or "",
        },
        tags={"dagster/data_version": attempt.tip or "empty", "dagster/code_version": CODE_VERSION},
    )


def _summary(attempts: list[Attempt], failed: dict[str, str]) -> dict[str, Any]:
    counts = {
        f"repositories_{state.value}": sum(attempt.state is state for attempt in attempts) for state in AttemptState
    }
    return {
        **counts,
        "commits": sum(attempt.commits for attempt in attempts),
        "commits_landed": sum(attempt.commits for attempt in attempts if attempt.state is AttemptState.LANDED),
        "requests": sum(attempt.requests for attempt in attempts),
        **({"failed": rows_as_table(("repository", "reason"), sorted(failed.items()))} if failed else {}),
    }
