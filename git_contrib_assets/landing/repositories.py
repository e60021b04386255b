"""The catalogue as an asset: lists the targets and registers one partition per repository."""

import dagster as dg
from pydantic import Field

from git_contrib_assets.errors import TargetFailed
from git_contrib_assets.landing.catalogue import Catalogue, refresh_catalogue
from git_contrib_assets.landing.tables import REPOSITORIES
from git_contrib_assets.metadata import definition_metadata
from git_contrib_assets.partitions import repository_partitions
from git_contrib_assets.records import Repository, Target
from git_contrib_assets.resources import Installation, budget, budget_spent


class CatalogueConfig(dg.Config):
    """Which targets to list."""

    targets: list[str] = Field(default_factory=list)
    """Owners, owner/name or @me; empty: those of GIT_CONTRIB_TARGETS."""


@dg.asset(
    key=["landing", "repositories"],
    metadata=definition_metadata(REPOSITORIES, code=["landing/repositories.py", "landing/catalogue.py"]),
    group_name="repositories",
    kinds={"github", "parquet"},
    owners=["team:data"],
    tags={"layer": "landing"},
    code_version="1",
)
async def repositories(
    context: dg.AssetExecutionContext, config: CatalogueConfig, installation: Installation
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per repository ever listed, as GitHub listed it last.

    Key: `repository_id`. Lists every target (owners, single repositories, the signed-in user) in one request
    per hundred repositories, asks once what became of those that are gone, and registers a partition for each
    that is there. A target that cannot be listed leaves the others alone.
    """
    before = budget_spent()
    with installation.errors_reported(), installation.landing("listing repositories") as landing:
        targets = [Target.parse(text) for text in config.targets or installation.settings.targets]
        async with installation.github() as client:
            if installation.settings.source == "rest" and not client.signed_in:
                await client.learn_limits()  # little is allowed then: not even the first request should be refused
            catalogue = await refresh_catalogue(client, landing, targets)
        register_partitions(context.instance, catalogue)
        if not catalogue.listed:
            raise next(iter(catalogue.failed.values()), TargetFailed("There is no target: name an owner"))
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(catalogue.everything),
            "dagster/uri": str(landing.repositories_file),
            "listed": len(catalogue.current),
            "rejected": catalogue.rejected,
            **budget_spent(before),
            **budget.left("core"),
            "failed_targets": dg.MetadataValue.json({target: str(error) for target, error in catalogue.failed.items()}),
        }
    )


def current_names(everything: list[Repository]) -> dict[str, Repository]:
    """Every repository that is there now, by its name; of two with one name the one that was listed last."""
    by_age = sorted(everything, key=lambda repository: (repository.listed_at, repository.repository_id))
    return {repository.repository: repository for repository in by_age if repository.missing_since is None}


def register_partitions(instance: dg.DagsterInstance, catalogue: Catalogue) -> None:
    """Make the partitions those of the repositories that are there: a rename replaces its key."""
    name = repository_partitions.name
    assert name is not None  # noqa: S101 - for the type checker: ours has one
    wanted = current_names(catalogue.everything)
    present = set(instance.get_dynamic_partitions(name))
    for gone in sorted(present - wanted.keys()):
        instance.delete_dynamic_partition(name, gone)
    new = sorted(wanted.keys() - present)
    if new:
        instance.add_dynamic_partitions(name, new)
