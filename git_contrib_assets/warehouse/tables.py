"""The warehouse's tables: what one row is, its key, its columns. Working tables, no contract: they may change at any time."""

from git_contrib_assets.tables import Column, Table

_REPOSITORY_ID = Column("repository_id", "BIGINT", "GitHub's numeric id: it survives renames and transfers")
_SHA = Column("sha", "VARCHAR", "The commit's sha")

REPOSITORIES = Table(
    name="repositories",
    layer="warehouse",
    grain="One row per public repository ever listed, with how its last attempt ended",
    key=("repository_id",),
    order=("repository", "repository_id"),
    columns=(
        _REPOSITORY_ID,
        Column("repository", "VARCHAR", "Current name as owner/name"),
        Column("owner_id", "BIGINT", "GitHub's numeric id of the owner"),
        Column("owner", "VARCHAR", "Owner's login"),
        Column("owner_type", "VARCHAR", "Organization or User"),
        Column("name", "VARCHAR", "Short name"),
        Column("created_at", "TIMESTAMP", "Creation on GitHub (UTC); null if it is not plausible"),
        Column("default_branch", "VARCHAR", "Name of the default branch"),
        Column("is_fork", "BOOLEAN", "The repository is a fork"),
        Column("is_archived", "BOOLEAN", "The repository is archived"),
        Column("stars", "BIGINT", "Stars when last listed"),
        Column("language", "VARCHAR", "Main language as GitHub says, or null"),
        Column("state", "VARCHAR", "complete, empty, emptied, pending, failed or vanished"),
        Column("state_reason", "VARCHAR", "Why it failed or vanished, in one word; else null"),
        Column("state_since", "TIMESTAMP", "When that state was first seen (UTC)"),
        Column("is_landed", "BOOLEAN", "There is a landing file: the repository has months"),
        Column("collected_at", "TIMESTAMP", "When the commits counted here were fetched (UTC); null if never"),
        Column("tip", "VARCHAR", "Sha of the newest commit counted, or null"),
        Column("commits", "BIGINT", "Commits in the landing file, by its footer"),
        Column("listed_at", "TIMESTAMP", "When it was last listed (UTC)"),
        Column("until", "TIMESTAMP", "When its months end: now, or when it was last listed"),
        Column("fallback_at", "TIMESTAMP", "The date of commits without a plausible date of their own (UTC)"),
    ),
)

OWNERS = Table(
    name="owners",
    layer="warehouse",
    grain="One row per owner of a public repository ever listed",
    key=("owner_id",),
    order=("owner", "owner_id"),
    columns=(
        Column("owner_id", "BIGINT", "GitHub's numeric id of the owner"),
        Column("owner", "VARCHAR", "Login, by the newest listing", personal=False),
        Column("type", "VARCHAR", "Organization or User", personal=False),
        Column("repositories", "BIGINT", "Public repositories ever listed"),
    ),
)

COMMITS = Table(
    name="commits",
    layer="warehouse",
    grain="One row per landed repository and commit reachable from the tip of its default branch, merges included",
    key=("repository_id", "sha"),
    order=(),
    columns=(
        _REPOSITORY_ID,
        _SHA,
        Column("parent_count", "INTEGER", "Number of parents: two or more for a merge"),
        Column("author_name", "VARCHAR", "Author's name as written", personal=True),
        Column("author_email", "VARCHAR", "Author's address as written", personal=True),
        Column(
            "dated_at",
            "TIMESTAMP",
            "The author's date, or the committer's if that is not right (UTC); null if neither is",
        ),
    ),
)

KNOWN_BOTS = Table(
    name="known_bots",
    layer="warehouse",
    grain="One row per address, login or author name that is known to belong to a program although it does not end in [bot]",
    key=("kind", "value"),
    order=("kind", "value"),
    columns=(
        Column("kind", "VARCHAR", "address, login or name"),
        Column("value", "VARCHAR", "The address, login or name, in lower case"),
        Column("is_numbered", "BOOLEAN", "It also matches with a number at its end"),
        Column("list_version", "INTEGER", "Version of the list"),
    ),
)

AUTHORS = Table(
    name="authors",
    layer="warehouse",
    grain="One row per public repository and author as written (name and address), with the contributor behind it",
    key=("repository_id", "address_id", "author_name", "is_dated"),
    order=(),
    columns=(
        _REPOSITORY_ID,
        Column("contributor_id", "VARCHAR", "Who it is: the same in all repositories", personal=True),
        Column("identity", "VARCHAR", "The rule that says who it is: account, bot, email or name"),
        Column("login", "VARCHAR", "GitHub login where one is known, else null"),
        Column("is_login_current", "BOOLEAN", "GitHub said the login; else it is read out of an address"),
        Column("author_name", "VARCHAR", "Author's name, trimmed; null if it holds an @"),
        Column("is_bot", "BOOLEAN", "The address, the login or a name that ends in [bot] says that it is a bot"),
        Column(
            "has_bot_name", "BOOLEAN", "The name is on the list of bots: that alone proves nothing about an account"
        ),
        Column("address_id", "VARCHAR", "Keyed hash of the address"),
        Column("is_askable", "BOOLEAN", "GitHub can be asked who owns the address: it is not blank and not a bot's"),
        Column("asked_at", "TIMESTAMP", "When GitHub was last asked (UTC); null if never"),
        Column(
            "is_dated",
            "BOOLEAN",
            "These commits have a plausible date; those without one count at the repository's fallback_at",
        ),
        Column("commits", "BIGINT", "These commits of this author in the repository"),
        Column("first_commit_at", "TIMESTAMP", "Time of the earliest of them (UTC)"),
        Column("first_commit_sha", "VARCHAR", "Its sha; of several at one time the smallest"),
        Column("last_commit_at", "TIMESTAMP", "Time of the newest of them (UTC)"),
    ),
)

TABLES = (REPOSITORIES, OWNERS, COMMITS, KNOWN_BOTS, AUTHORS)
