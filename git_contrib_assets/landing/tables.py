"""The landing files: what one row is, its key, its columns. Types are those that DuckDB reads."""

from git_contrib_assets.tables import Column, Table

_REPOSITORY_ID = Column("repository_id", "BIGINT", "GitHub's numeric id: it survives renames and transfers")

REPOSITORIES = Table(
    name="repositories",
    grain="One row per repository ever listed, as GitHub listed it last",
    key=("repository_id",),
    order=("repository_id",),
    columns=(
        _REPOSITORY_ID,
        Column("repository", "VARCHAR", "Current name as owner/name"),
        Column("owner_id", "BIGINT", "GitHub's numeric id of the owner"),
        Column("owner", "VARCHAR", "Owner's login"),
        Column("owner_type", "VARCHAR", "Organization or User"),
        Column("name", "VARCHAR", "Short name"),
        Column("is_private", "BOOLEAN", "The repository is private"),
        Column("is_fork", "BOOLEAN", "The repository is a fork"),
        Column("is_archived", "BOOLEAN", "The repository is archived"),
        Column("default_branch", "VARCHAR", "Name of the default branch"),
        Column("created_at", "TIMESTAMP", "Creation on GitHub (UTC)"),
        Column("pushed_at", "TIMESTAMP", "Last push to any branch (UTC)"),
        Column("stars", "BIGINT", "Stars"),
        Column("language", "VARCHAR", "Main language as GitHub says, or null"),
        Column("target", "VARCHAR", "The target in whose list it stood"),
        Column("first_seen_at", "TIMESTAMP", "When it was listed for the first time (UTC)"),
        Column("listed_at", "TIMESTAMP", "When it was listed last, by GitHub's clock (UTC)"),
        Column("missing_since", "TIMESTAMP", "When it was last listed, of one that is listed no more; else null"),
        Column("missing_reason", "VARCHAR", "What became of it, in one word; else null"),
    ),
)

COMMITS = Table(
    name="commits",
    grain="One row per commit reachable from the tip of a repository's default branch, merges included",
    key=("repository_id", "sha"),
    order=("committed_at", "sha"),
    columns=(
        _REPOSITORY_ID,
        Column("sha", "VARCHAR", "The commit's sha"),
        Column("parent_count", "INTEGER", "Number of parents: two or more for a merge"),
        Column("author_name", "VARCHAR", "Author's name as written"),
        Column("author_email", "VARCHAR", "Author's address as written: it is published nowhere"),
        Column("authored_at", "TIMESTAMP", "Author's date as written (UTC)"),
        Column("committed_at", "TIMESTAMP", "Committer's date as written (UTC)"),
    ),
)

ACCOUNTS = Table(
    name="accounts",
    grain="One row per e-mail and answer: the account that owns it, or nobody; the newest answer counts",
    key=("email", "asked_at"),
    order=("asked_at",),
    columns=(
        Column("email", "VARCHAR", "Address, trimmed and lower-cased: it is published nowhere"),
        Column("account_id", "BIGINT", "GitHub's numeric id of the account; null: nobody owns it"),
        Column("login", "VARCHAR", "Its login when asked"),
        Column("asked_at", "TIMESTAMP", "When GitHub was asked (UTC)"),
        Column("method", "VARCHAR", "How it was asked: graphql or rest"),
    ),
)

CRAWL_LOG = Table(
    name="crawl_log",
    grain="One row per repository and attempt: how it ended, tip, commits, requests, seconds, and the reason of a failure",
    key=("run_id", "repository_id", "started_at"),
    order=("started_at",),
    columns=(
        Column("run_id", "VARCHAR", "Dagster's run"),
        _REPOSITORY_ID,
        Column("repository", "VARCHAR", "Name as owner/name, at that time"),
        Column("state", "VARCHAR", "landed, unchanged, empty, emptied, failed or not_reached"),
        Column("started_at", "TIMESTAMP", "When the attempt began (UTC)"),
        Column("seconds", "DOUBLE", "How long it took"),
        Column("source", "VARCHAR", "git or rest"),
        Column("tip", "VARCHAR", "Sha of the newest commit landed, or null"),
        Column("commits", "BIGINT", "Commits landed"),
        Column("requests", "BIGINT", "Requests that it took"),
        Column("reason", "VARCHAR", "Why it failed, in one word; else null"),
        Column("message", "VARCHAR", "The same in a sentence; else null"),
    ),
)

TABLES = (REPOSITORIES, COMMITS, ACCOUNTS, CRAWL_LOG)
