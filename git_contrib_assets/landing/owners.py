"""What owners say of themselves, as an asset: name and address, asked once a month and remembered."""

import dagster as dg

from git_contrib_assets.graph.metadata import definition_metadata
from git_contrib_assets.graph.resources import Installation, budget, budget_spent
from git_contrib_assets.graph.run_log import also_logged_to
from git_contrib_assets.landing.ask_owners import open_questions, refresh_owners
from git_contrib_assets.progress import reporter
from git_contrib_assets.sources.github.owners import OwnerAnswers
from git_contrib_assets.storage.landed.catalogue import OWNERS


@dg.asset(
    key=["landing", "owners"],
    metadata=definition_metadata(OWNERS, code=["landing/owners.py", "landing/ask_owners.py"]),
    deps=[["landing", "repositories"]],
    group_name="catalogue/landing",
    kinds={"github", "parquet"},
    owners=["team:data"],
    tags={"layer": "landing", "pii": ""},
    code_version="1",
    check_specs=[
        dg.AssetCheckSpec(
            "every_owner_was_asked",
            asset=["landing", "owners"],
            description="GitHub was asked about every owner; else names and addresses are missing from the catalogue",
        )
    ],
)
async def owners(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per owner that GitHub was asked about, with its newest answer.

    Key: `owner_id`. A hundred owners per GraphQL query, each once in 30 days. Addresses are those of public profiles; of the
    signed-in user it is the own primary one, if the token may read it. They are published in the private catalogue only.
    Needs a token.
    """
    before = budget_spent()
    with (
        also_logged_to(context.log),
        installation.errors_reported(),
        installation.landing("asking about owners") as landing,
    ):
        if installation.authorisation().signed_in:
            async with installation.github() as client:
                found = await refresh_owners(client, landing)
        else:
            found = OwnerAnswers(
                not_asked=len(open_questions(landing, installation.as_of)), problem="there is no token"
            )
        if found.not_asked:
            reporter().note(f"{found.not_asked} owners were not asked for name and address: {found.problem}")
        known = landing.catalogue.owners.all()
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(known),
            "dagster/uri": str(landing.catalogue.owners.file),
            "asked": len(found.answers),
            "not_asked": found.not_asked,
            **budget_spent(before),
            **budget.left("graphql"),
        },
        check_results=[
            dg.AssetCheckResult(
                passed=found.not_asked == 0,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"owners_not_asked": found.not_asked, **({"reason": found.problem} if found.problem else {})},
            )
        ],
    )
