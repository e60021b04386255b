"""The published tables: what every snapshot file holds, and all that the API knows of the asset graph.

Standard library only, so that both sides can import it. Change a column only with a new ``CONTRACT_VERSION``.

A home's ``published/`` folder holds
  * ``<snapshot id>.duckdb`` — immutable; the tables below
  * ``current.duckdb``       — a symbolic link to the current one, switched atomically
  * ``checked.json``         — ``{"snapshot_id": …, "checked_at": ISO time, "as_of": ISO time}``: when the tables
    were last found to be those of the current snapshot, and as of when (a run that changes nothing publishes nothing)
"""

from git_contrib_assets.tables import Column, Table

CONTRACT_VERSION = 1
CURRENT_LINK = "current.duckdb"
CHECKED_FILE = "checked.json"


_REPOSITORY_ID = Column("repository_id", "BIGINT", "GitHub's numeric id: it survives renames and transfers")
_REPOSITORY = Column("repository", "VARCHAR", "Current name as owner/name")

MONTHLY_NEW_CONTRIBUTORS = Table(
    name="monthly_new_contributors",
    grain="One row per repository and month, from the earlier of its creation and its first commit to now, zeros included",
    key=("repository_id", "date"),
    order=("repository", "date", "repository_id"),
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
    columns=(
        _REPOSITORY_ID,
        _REPOSITORY,
        Column("contributor_id", "VARCHAR", "Opaque and stable within one installation; the same in all repositories"),
        Column("login", "VARCHAR", "GitHub login where an account is known, else null"),
        Column("is_bot", "BOOLEAN", "The contributor is a bot"),
        Column("first_commit_at", "TIMESTAMP", "Time of the first commit (UTC)"),
        Column("first_commit_sha", "VARCHAR", "Its sha"),
        Column("date", "DATE", "First day of the month it counts in (UTC)"),
    ),
)

CONTRIBUTORS = Table(
    name="contributors",
    grain="One row per contributor, over all repositories",
    key=("contributor_id",),
    order=("first_commit_at", "contributor_id"),
    columns=(
        Column("contributor_id", "VARCHAR", "Opaque and stable within one installation"),
        Column("login", "VARCHAR", "GitHub login where an account is known, else null"),
        Column("name", "VARCHAR", "Author name of the newest commit; null where it holds an @"),
        Column("is_bot", "BOOLEAN", "The contributor is a bot"),
        Column("identity", "VARCHAR", "The rule that told who it is: account, bot, email or name"),
        Column("repositories", "BIGINT", "Number of repositories with a commit of the contributor"),
        Column("first_commit_at", "TIMESTAMP", "Time of the first commit in any repository (UTC)"),
    ),
)

REPOSITORIES = Table(
    name="repositories",
    grain="One row per repository ever listed",
    key=("repository_id",),
    order=("repository", "repository_id"),
    columns=(
        _REPOSITORY_ID,
        _REPOSITORY,
        Column("owner_id", "BIGINT", "GitHub's numeric id of the owner"),
        Column("owner", "VARCHAR", "Owner's login"),
        Column("name", "VARCHAR", "Short name"),
        Column("created_at", "TIMESTAMP", "Creation on GitHub (UTC)"),
        Column("default_branch", "VARCHAR", "Name of the default branch"),
        Column("is_fork", "BOOLEAN", "The repository is a fork"),
        Column("is_archived", "BOOLEAN", "The repository is archived"),
        Column("stars", "BIGINT", "Stars when last listed"),
        Column("language", "VARCHAR", "Main language as GitHub says, or null"),
        Column("state", "VARCHAR", "complete, empty, emptied, pending, failed or vanished"),
        Column("state_reason", "VARCHAR", "Why it failed or vanished, in one word; else null"),
        Column("state_since", "TIMESTAMP", "When that state was first seen (UTC)"),
        Column("collected_at", "TIMESTAMP", "When the commits counted here were fetched (UTC); null when never"),
        Column("tip", "VARCHAR", "Sha of the newest commit counted, or null"),
        Column("commits", "BIGINT", "Commits reachable from the tip"),
        Column("contributors", "BIGINT", "Contributors: the sum of its months"),
        Column("bots", "BIGINT", "How many of them are bots"),
        Column("first_commit_at", "TIMESTAMP", "Time of the earliest first commit (UTC), or null"),
        Column("last_commit_at", "TIMESTAMP", "Time of the newest commit (UTC), or null"),
    ),
)

OWNERS = Table(
    name="owners",
    grain="One row per owner of a repository ever listed",
    key=("owner_id",),
    order=("owner", "owner_id"),
    columns=(
        Column("owner_id", "BIGINT", "GitHub's numeric id of the owner"),
        Column("owner", "VARCHAR", "Login"),
        Column("type", "VARCHAR", "Organization or User"),
        Column("repositories", "BIGINT", "Repositories ever listed"),
    ),
)

SNAPSHOT = Table(
    name="snapshot",
    grain="One row: the snapshot itself",
    key=("snapshot_id",),
    order=("snapshot_id",),
    columns=(
        Column("snapshot_id", "VARCHAR", "Name of the snapshot"),
        Column("built_at", "TIMESTAMP", "When it was built (UTC)"),
        Column("checked_at", "TIMESTAMP", "When its tables were last found current, at the time it was built (UTC)"),
        Column(
            "as_of", "TIMESTAMP", "The oldest of the times at which the repositories in it were last looked at (UTC)"
        ),
        Column("complete_through", "DATE", "Last day that is counted whole: the last month may still be running"),
        Column("identity", "VARCHAR", "How far accounts were asked: account, partial or email"),
        Column("emails", "BIGINT", "E-mail addresses of authors"),
        Column("emails_not_asked", "BIGINT", "How many of them GitHub has not yet been asked about"),
        Column("definition_version", "INTEGER", "Version of the definitions in docs/definitions.md"),
        Column("contract_version", "INTEGER", "Version of these tables"),
        Column("fingerprint", "VARCHAR", "Hash over all published rows"),
    ),
)

TABLES = (MONTHLY_NEW_CONTRIBUTORS, FIRST_COMMITS, CONTRIBUTORS, REPOSITORIES, OWNERS, SNAPSHOT)
