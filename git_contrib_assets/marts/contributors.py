"""The contributors' marts: which tables there are, what their columns mean, and what must be true of them."""

from git_contrib_assets.marts.mart import Mart, Rule
from git_contrib_assets.tables import Column, Reference, Table

SUBJECT = "contributors"
_REPOSITORY_ID = Column("repository_id", "BIGINT", "GitHub's numeric id: it survives renames and transfers")
_REPOSITORY = Column("repository", "VARCHAR", "Current name as owner/name", personal=False)
_OF_A_REPOSITORY = Reference(("repository_id",), "repositories")

MONTHLY_NEW_CONTRIBUTORS = Table(
    name="monthly_new_contributors",
    grain="One row per repository and month, from the earlier of its creation and its first commit to now, zeros included",
    key=("repository_id", "date"),
    order=("repository", "date", "repository_id"),
    references=(_OF_A_REPOSITORY,),
    columns=(
        _REPOSITORY_ID,
        _REPOSITORY,
        Column("date", "DATE", "First day of the month (UTC)"),
        Column(
            "number_of_new_contributors",
            "BIGINT",
            "People and bots whose first commit in the repository fell in the month",
        ),
        Column("number_of_new_bots", "BIGINT", "How many of them are bots"),
        Column("cumulative_contributors", "BIGINT", "All contributors up to and including the month"),
        Column("is_fork", "BOOLEAN", "The repository is a fork: totals over repositories leave it out unless asked"),
    ),
)

FIRST_COMMITS = Table(
    name="first_commits",
    grain="One row per repository and contributor: the contributor's first commit there",
    key=("repository_id", "contributor_id"),
    order=("repository", "first_commit_at", "first_commit_sha", "contributor_id"),
    references=(_OF_A_REPOSITORY, Reference(("contributor_id",), "contributors")),
    columns=(
        _REPOSITORY_ID,
        _REPOSITORY,
        Column(
            "contributor_id",
            "VARCHAR",
            "Opaque and stable within one installation; the same in all repositories",
            personal=True,
        ),
        Column("login", "VARCHAR", "GitHub login if an account is known, else null", personal=True),
        Column("is_bot", "BOOLEAN", "The contributor is a bot"),
        Column("first_commit_at", "TIMESTAMP", "Time of the first commit (UTC)"),
        Column("first_commit_sha", "VARCHAR", "Its sha", personal=False),
        Column("date", "DATE", "First day of the month it counts in (UTC)"),
    ),
)

CONTRIBUTORS = Table(
    name="contributors",
    grain="One row per contributor, over all repositories",
    key=("contributor_id",),
    order=("first_commit_at", "contributor_id"),
    columns=(
        Column("contributor_id", "VARCHAR", "Opaque and stable within one installation", personal=True),
        Column("login", "VARCHAR", "GitHub login if an account is known, else null", personal=True),
        Column("name", "VARCHAR", "Author name of the newest commit; null if it holds an @", personal=True),
        Column("is_bot", "BOOLEAN", "The contributor is a bot"),
        Column("identity", "VARCHAR", "The rule that says who it is: account, bot, email or name", personal=False),
        Column("repositories", "BIGINT", "Number of repositories with a commit of the contributor"),
        Column("first_commit_at", "TIMESTAMP", "Time of the first commit in any repository (UTC)"),
    ),
)

REPOSITORIES = Table(
    name="repositories",
    grain="One row per public repository ever listed",
    key=("repository_id",),
    order=("repository", "repository_id"),
    references=(Reference(("owner_id",), "owners"),),
    columns=(
        _REPOSITORY_ID,
        _REPOSITORY,
        Column("owner_id", "BIGINT", "GitHub's numeric id of the owner"),
        Column("owner", "VARCHAR", "Owner's login", personal=False),
        Column("name", "VARCHAR", "Short name", personal=False),
        Column("created_at", "TIMESTAMP", "Creation on GitHub (UTC); null if it is not plausible"),
        Column("default_branch", "VARCHAR", "Name of the default branch", personal=False),
        Column("is_fork", "BOOLEAN", "The repository is a fork"),
        Column("is_archived", "BOOLEAN", "The repository is archived"),
        Column("stars", "BIGINT", "Stars when last listed"),
        Column("language", "VARCHAR", "Main language as GitHub says, or null", personal=False),
        Column("state", "VARCHAR", "complete, empty, emptied, pending, failed or vanished", personal=False),
        Column("state_reason", "VARCHAR", "Why it failed or vanished, in one word; else null", personal=False),
        Column("state_since", "TIMESTAMP", "When that state was first seen (UTC)"),
        Column("collected_at", "TIMESTAMP", "When the commits counted here were fetched (UTC); null if never"),
        Column("tip", "VARCHAR", "Sha of the newest commit counted, or null", personal=False),
        Column("commits", "BIGINT", "Commits reachable from the tip"),
        Column("contributors", "BIGINT", "Contributors: the sum of its months"),
        Column("bots", "BIGINT", "How many of them are bots"),
        Column("first_commit_at", "TIMESTAMP", "Time of the earliest first commit (UTC), or null"),
        Column("last_commit_at", "TIMESTAMP", "Time of the newest commit (UTC), or null"),
    ),
)

OLD_MONTHS = Rule(
    "old_months_are_as_before",
    "Months that were over in the last snapshot still have their number. Rewritten history, a late merge, a new account link "
    "or new definitions change them rightly: look at the list",
    ("months",),
    blocking=False,
)

MARTS = (
    Mart(
        MONTHLY_NEW_CONTRIBUTORS,
        SUBJECT,
        about="A month without new contributors is a row with 0, never a missing row.",
        api="/v1/new-contributors",
        rules=(
            Rule(
                "no_month_is_missing",
                "Every repository has every month from its creation or first commit to now",
                ("months",),
            ),
            Rule(
                "newcomers_add_up_to_people",
                "The sum over a repository's months is the number of its contributors",
                ("newcomers", "people"),
            ),
            Rule(
                "every_commit_is_counted",
                "Every landed commit belongs to one author",
                ("commits_landed", "commits_counted"),
            ),
            OLD_MONTHS,
        ),
    ),
    Mart(
        FIRST_COMMITS,
        SUBJECT,
        about="The earliest time counts, then the smallest sha.",
        api="/v1/contributors/new",
        rules=(
            Rule(
                "first_commit_is_the_earliest",
                "Every first commit is landed with that time, and its contributor has no earlier one in the repository",
                ("first_commits", "repositories"),
            ),
        ),
    ),
    Mart(
        CONTRIBUTORS,
        SUBJECT,
        about="One person with two linked addresses is one contributor.",
        rules=(
            Rule(
                "most_contributors_have_an_account",
                "At most 60 % have no account, if GitHub was asked: more looks as if its answers were lost",
                ("contributors", "unlinked", "unlinked_percent", "emails", "emails_asked"),
                blocking=False,
            ),
            Rule(
                "few_contributors_are_bots",
                "At most 20 % are bots: more looks as if a rule took people for programs",
                ("contributors", "bots", "bots_percent"),
                blocking=False,
            ),
            Rule(
                "account_answers_are_fresh",
                "No answer of GitHub's about an address is older than 30 days; without a token none is asked again",
                ("emails", "emails_asked", "oldest_answer_in_days"),
                blocking=False,
            ),
        ),
    ),
    Mart(
        REPOSITORIES,
        SUBJECT,
        about="With what was counted in it, and how far it is complete.",
        api="/v1/repositories",
    ),
)
