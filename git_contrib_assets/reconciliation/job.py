"""The job ``reconcile``: a check on demand, never part of a run; it compares, and changes nothing."""

import asyncio
import random
from typing import Any

import dagster as dg
from pydantic import Field

from git_contrib_assets.errors import UsageError
from git_contrib_assets.graph.metadata import rows_as_table
from git_contrib_assets.graph.partitions import current_names
from git_contrib_assets.graph.resources import Installation, budget, budget_spent
from git_contrib_assets.landing.visibility import VisibilityOnGitHub
from git_contrib_assets.reconciliation.statistics import Account, Reconciliation, ask_statistics, compare
from git_contrib_assets.serving.contract.contributors import REPOSITORIES
from git_contrib_assets.serving.read import open_snapshot
from git_contrib_assets.storage.landing_zone import LandingZone
from git_contrib_assets.storage.warehouse import read_named

_SHOWN = 100
_STATISTICS = dg.AssetKey(["github", "contributor_statistics"])


class ReconcileConfig(dg.Config):
    """What to compare."""

    repositories: list[str] = Field(
        default_factory=list, description="Which ones, as owner/name; empty: some of the snapshot, at random"
    )
    sample: int = Field(default=5, ge=1, le=50, description="How many, where none are named")


statistics = dg.AssetSpec(
    _STATISTICS,
    description=(
        "One row per repository and account: commits as GitHub itself counts them.\n\nKey: repository, login. The hundred "
        "busiest accounts of a repository, merges and empty commits left out. Read by the check alone, on demand; never a "
        "source of counts, and kept nowhere."
    ),
    group_name="reconciliation",
    kinds={"github"},
    owners=["team:data"],
    tags={"layer": "reconciliation"},
)


@dg.asset_check(
    asset=_STATISTICS,
    name="our_counts_are_githubs",
    description=(
        "Our commits per account are GitHub's, for some repositories, but for 2 % of them. On demand only: the job "
        "`reconcile`, or Execute. GitHub may take minutes: it is asked every 30 s, at most 20 times"
    ),
)
def our_counts_are_githubs(
    context: dg.AssetCheckExecutionContext, config: ReconcileConfig, installation: Installation
) -> dg.AssetCheckResult:
    """Ask GitHub, then ourselves: the warehouse is not held while GitHub computes."""
    before = budget_spent()
    with installation.errors_reported():
        chosen = choose(config, complete_repositories(installation))
        theirs, missing = asyncio.run(_ask(installation, chosen))
        with installation.warehouse("comparing with GitHub's statistics") as connection:
            key = LandingZone(installation.home).key().decode()
            _, rows = read_named(connection, "reconciliation", "ours", {"key": key, "repositories": list(theirs)})
    found = compare(theirs, {(repository, person): commits for repository, person, commits in rows}, missing)
    if not found.agrees:
        context.log.warning(_summary(found))
    return dg.AssetCheckResult(
        passed=found.agrees,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**_metadata(found), **budget_spent(before), **budget.left("core")},
    )


reconcile_job = dg.define_asset_job(
    "reconcile",
    selection=dg.AssetSelection.checks(our_counts_are_githubs),
    description="On demand: our commits per account beside GitHub's stats/contributors. Changes and publishes nothing",
)


async def _ask(installation: Installation, repositories: list[str]) -> tuple[dict[str, list[Account]], dict[str, str]]:
    """GitHub's statistics of those that are public just now; and why those of the others could not be compared."""
    everything = LandingZone(installation.home).repositories.all()
    known = current_names(everything)
    missing = {name: f"{name} is no longer in the catalogue" for name in repositories if name not in known}
    async with installation.github() as client:
        there = [known[name] for name in repositories if name in known]
        refusals = await VisibilityOnGitHub(client, everything).refusals(there)
        missing |= {one.repository: str(refusals[one.repository_id]) for one in there if one.repository_id in refusals}
        found, failed = await ask_statistics(client, [name for name in repositories if name not in missing])
    return found, {**missing, **failed}


def complete_repositories(installation: Installation) -> list[str]:
    """Names of the repositories that are wholly counted in the current snapshot.

    Raises NotPublished if there is no snapshot.
    """
    with open_snapshot(installation.home) as snapshot:
        return [row["repository"] for row in snapshot.rows(REPOSITORIES) if row["state"] == "complete"]


def choose(config: ReconcileConfig, complete: list[str]) -> list[str]:
    """The named repositories, or some at random. Raises UsageError for one that is not complete."""
    unknown = sorted(set(config.repositories) - set(complete))
    if unknown:
        raise UsageError(f"Not complete in the current snapshot: {', '.join(unknown)}: collect them first")
    return config.repositories or sorted(random.sample(complete, min(config.sample, len(complete))))


def _metadata(found: Reconciliation) -> dict[str, Any]:
    different = found.different
    columns = ("repository", "login", "ours", "theirs", "difference")
    rows = [(one.repository, one.login, one.ours, one.theirs, one.difference) for one in different[:_SHOWN]]
    return {
        "repositories": len({one.repository for one in found.comparisons}),
        "accounts": len(found.comparisons),
        "accounts_that_differ": len(different),
        "commits_ours": sum(one.ours for one in found.comparisons),
        "commits_theirs": sum(one.theirs for one in found.comparisons),
        "different_percent": round(100 * found.share_different, 2),
        **({"largest_differences": rows_as_table(columns, rows)} if rows else {}),
        **(
            {"not_compared": rows_as_table(("repository", "reason"), sorted(found.not_compared.items()))}
            if found.not_compared
            else {}
        ),
    }


def _summary(found: Reconciliation) -> str:
    if not found.comparisons:
        return "Nothing could be compared"
    return f"{len(found.different)} of {len(found.comparisons)} accounts differ, by {found.share_different:.1%} of the commits"
