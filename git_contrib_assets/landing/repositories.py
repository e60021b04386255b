"""The catalogue as an asset: lists the targets and registers one partition per repository."""

import dagster as dg
from pydantic import Field

from git_contrib_assets.errors import TargetFailed
from git_contrib_assets.graph.listings import FAILED_TARGETS
from git_contrib_assets.graph.metadata import definition_metadata
from git_contrib_assets.graph.partitions import RANGE_TAG, register_partitions
from git_contrib_assets.graph.resources import Installation, budget, budget_spent
from git_contrib_assets.graph.run_log import also_logged_to
from git_contrib_assets.landing.catalogue import refresh_catalogue
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import Target
from git_contrib_assets.storage.landed.repositories import REPOSITORIES


class CatalogueConfig(dg.Config):
    """Which targets to list."""

    targets: list[str] = Field(default_factory=list)
    """Owners, owner/name or @me; empty: those of GIT_CONTRIB_TARGETS."""
    private: bool = False
    """List private repositories too, as far as the token shows them. Only the catalogue keeps them."""


@dg.asset(
    key=["landing", "repositories"],
    metadata=definition_metadata(REPOSITORIES, code=["landing/repositories.py", "landing/catalogue.py"]),
    group_name="contributors/landing",
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
    that is there. A target that cannot be listed leaves the others alone. Private repositories are kept apart, for the
    catalogue, and only where `private` asks for them.
    """
    before = budget_spent()
    with (
        also_logged_to(context.log),
        installation.errors_reported(),
        installation.landing("listing repositories") as landing,
    ):
        targets = [Target.parse(text) for text in config.targets or installation.settings.targets]
        async with installation.github() as client:
            if installation.settings.source == "rest" and not client.signed_in:
                await client.learn_limits()  # little is allowed then: not even the first request should be refused
            catalogue = await refresh_catalogue(
                client, landing, targets, run_id=context.run.run_id, with_private=config.private
            )
        if catalogue.left_out:
            reporter().note(
                f"{catalogue.left_out} private repositories are left out: only public histories are read. "
                "The catalogue lists them: git-contrib catalogue"
            )
        # Dagster looks up a run's range by its two end keys until the run ends: the next listing removes one that is gone.
        ends = {value for tag, value in context.run.tags.items() if tag.startswith(RANGE_TAG)}
        register_partitions(context.instance, catalogue.everything, keep=ends)
        if not (catalogue.listed or catalogue.private):
            raise next(iter(catalogue.failed.values()), TargetFailed("There is no target: name an owner"))
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(catalogue.everything),
            "dagster/uri": str(landing.repositories.file),
            "listed": len(catalogue.current),
            "rejected": catalogue.rejected,
            "private_left_out": catalogue.left_out,
            **budget_spent(before),
            **budget.left("core"),
            FAILED_TARGETS: dg.MetadataValue.json({target: str(error) for target, error in catalogue.failed.items()}),
        }
    )
