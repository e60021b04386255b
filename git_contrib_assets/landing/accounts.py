"""Account answers as an asset: which GitHub account owns which e-mail, asked once and remembered."""

import dagster as dg

from git_contrib_assets.graph.automation import after_crawl
from git_contrib_assets.graph.listings import seen_by
from git_contrib_assets.graph.metadata import definition_metadata
from git_contrib_assets.graph.partitions import current_names
from git_contrib_assets.graph.resources import Installation, budget, budget_spent
from git_contrib_assets.graph.run_log import also_logged_to
from git_contrib_assets.landing.ask_accounts import AccountsReport, ask_through_public, open_questions
from git_contrib_assets.landing.visibility import VisibilityOnGitHub
from git_contrib_assets.progress import reporter
from git_contrib_assets.storage.landed.accounts import ACCOUNTS


@dg.asset(
    key=["landing", "accounts"],
    metadata=definition_metadata(ACCOUNTS, code=["landing/accounts.py", "landing/ask_accounts.py"]),
    deps=[["landing", "crawl_log"]],
    group_name="contributors/landing",
    kinds={"github", "parquet"},
    owners=["team:data"],
    tags={"layer": "landing", "pii": ""},
    code_version="1",
    automation_condition=after_crawl,
    check_specs=[
        dg.AssetCheckSpec(
            "every_email_was_asked",
            asset=["landing", "accounts"],
            description="GitHub was asked about every author address; else people with two addresses may count twice",
        )
    ],
)
async def accounts(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One row per e-mail and answer: the account that owns it, or nobody; the answer that landed last counts.

    Key: `email`, `asked_at`. Asks about addresses without an answer of the last 30 days, a hundred per GraphQL
    query, each through one commit in a repository that is public just now. Needs a token; without one nothing is
    asked, and every snapshot says so.
    """
    before = budget_spent()
    with (
        also_logged_to(context.log),
        installation.errors_reported(),
        installation.landing("the account look-up") as landing,
    ):
        everything = landing.repositories.all()
        current = current_names(everything).values()
        if installation.authorisation().signed_in:
            seen = seen_by(context.instance, context.run, current)
            async with installation.github() as client:
                visibility = VisibilityOnGitHub(client, everything)
                unlisted = [*seen.unlisted, *seen.of_failed_targets]
                report = await ask_through_public(client, landing, visibility, seen.listed, unlisted)
        else:
            report = AccountsReport(asked=len(open_questions(landing, current)))
            if report.asked:
                reporter().note(f"No token: {report.asked} e-mails are not looked up, people are told apart by address")
        answers = landing.accounts.answers()
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": answers.num_rows,
            "dagster/uri": str(landing.accounts.folder),
            "asked": report.answered,
            "not_asked": report.not_asked,
            **budget_spent(before),
            **budget.left("graphql"),
        },
        check_results=[
            dg.AssetCheckResult(
                passed=report.not_asked == 0,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={
                    "emails_to_be_asked": report.asked,
                    "emails_not_asked": report.not_asked,
                    **({"reason": str(report.error)} if report.error else {}),
                },
            )
        ],
    )
