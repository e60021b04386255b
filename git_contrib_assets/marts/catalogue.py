"""The catalogue's marts: repositories, their owners and their former names; all of them, and the public part apart.

The tables of all rows are made for the private publication, which only requests with the API's token are answered from.
"""

from git_contrib_assets.marts.mart import Mart, Rule
from git_contrib_assets.tables import Column, Reference, Table

SUBJECT = "catalogue"
_REPOSITORY_ID = Column("repository_id", "BIGINT", "GitHub's numeric id: it survives renames and transfers")
_OWNER_ID = Column("owner_id", "BIGINT", "GitHub's numeric id of the owner")
_REPOSITORY_COLUMNS = (
    _REPOSITORY_ID,
    Column("repository", "VARCHAR", "Current name as owner/name", personal=False),
    _OWNER_ID,
    Column("owner", "VARCHAR", "Owner's login", personal=False),
    Column("name", "VARCHAR", "Short name", personal=False),
    Column("visibility", "VARCHAR", "public, private or internal, when last seen", personal=False),
    Column("stars", "BIGINT", "Stars when last listed"),
    Column("is_fork", "BOOLEAN", "The repository is a fork"),
    Column("is_archived", "BOOLEAN", "The repository is archived"),
    Column("language", "VARCHAR", "Main language as GitHub says, or null", personal=False),
    Column("default_branch", "VARCHAR", "Name of the default branch", personal=False),
    Column("created_at", "TIMESTAMP", "Creation on GitHub (UTC); null if it is not plausible"),
    Column("pushed_at", "TIMESTAMP", "Last push to any branch when last listed (UTC)"),
    Column("first_seen_at", "TIMESTAMP", "When it was first listed, or first listed after it was private (UTC)"),
    Column("state", "VARCHAR", "listed or gone: a repository that is no longer listed stays", personal=False),
    Column("state_reason", "VARCHAR", "Why it is gone, in one word; else null", personal=False),
    Column("state_since", "TIMESTAMP", "When one that is gone was last listed (UTC); else null"),
)
_NAME_COLUMNS = (
    _REPOSITORY_ID,
    Column("repository", "VARCHAR", "Name as owner/name, at that time", personal=False),
    Column("owner_id", "BIGINT", "GitHub's numeric id of the owner at that time"),
    Column("owner", "VARCHAR", "The owner's login at that time", personal=False),
)
_DAYS = (
    Column("first_day", "DATE", "The day on which it was first listed so (UTC)"),
    Column("last_day", "DATE", "The last day on which it was listed so (UTC); null for what it is now"),
)
_OWNER_COLUMNS = (
    _OWNER_ID,
    Column("owner", "VARCHAR", "Login, by the newest listing", personal=False),
    Column("type", "VARCHAR", "Organization or User", personal=False),
)

_OF_OWNER = Reference(("owner_id",), "owners")
_OF_REPOSITORY = Reference(("repository_id",), "repositories")

ALL_REPOSITORIES = Table(
    name="catalogue_repositories",
    published_as="repositories",
    grain="One row per repository ever listed, private ones included",
    key=("repository_id",),
    order=("repository", "repository_id"),
    references=(_OF_OWNER,),
    columns=_REPOSITORY_COLUMNS,
)
ALL_OWNERS = Table(
    name="catalogue_owners",
    published_as="owners",
    grain="One row per owner of a repository ever listed, with the public profile and address",
    key=("owner_id",),
    order=("owner", "owner_id"),
    columns=(
        *_OWNER_COLUMNS,
        Column("name", "VARCHAR", "Name in the public profile, or null", personal=True),
        Column(
            "email", "VARCHAR", "Address in the public profile, or the signed-in user's own, or null", personal=True
        ),
        Column("repositories", "BIGINT", "Repositories ever listed"),
        Column("private_repositories", "BIGINT", "How many of them are not public"),
    ),
)
ALL_NAMES = Table(
    name="catalogue_names",
    published_as="repository_names",
    grain="One row per repository and name, owner or visibility that it had for a while",
    key=("repository_id", "first_day", "repository", "visibility"),
    order=("repository_id", "first_day", "repository", "visibility"),
    references=(_OF_REPOSITORY,),
    columns=(
        *_NAME_COLUMNS,
        Column("visibility", "VARCHAR", "public, private or internal, at that time", personal=False),
        *_DAYS,
    ),
)
PUBLIC_REPOSITORIES = Table(
    name="public_repositories",
    published_as="repositories",
    grain="One row per public repository ever listed",
    key=("repository_id",),
    order=("repository", "repository_id"),
    references=(_OF_OWNER,),
    columns=_REPOSITORY_COLUMNS,
)
PUBLIC_OWNERS = Table(
    name="public_owners",
    published_as="owners",
    grain="One row per owner of a public repository ever listed",
    key=("owner_id",),
    order=("owner", "owner_id"),
    columns=(
        *_OWNER_COLUMNS,
        Column(
            "name", "VARCHAR", "Name in the public profile; null if there is none, or if it holds an @", personal=True
        ),
        Column("repositories", "BIGINT", "Public repositories ever listed"),
    ),
)
PUBLIC_NAMES = Table(
    name="public_names",
    published_as="repository_names",
    grain="One row per public repository and name or owner that it had while it was public",
    key=("repository_id", "first_day", "repository"),
    order=("repository_id", "first_day", "repository"),
    references=(_OF_REPOSITORY,),
    columns=(*_NAME_COLUMNS, *_DAYS),
)

NOTHING_LOST = Rule(
    "no_repository_is_lost", "Every repository of the current private snapshot is still there", ("checked_rows",)
)
MARTS = (
    Mart(
        ALL_REPOSITORIES,
        SUBJECT,
        about="For the private publication; the public part is `marts/public_repositories`.",
        is_private=True,
        rules=(NOTHING_LOST,),
    ),
    Mart(
        ALL_OWNERS,
        SUBJECT,
        about="For the private publication; the public part is `marts/public_owners`.",
        is_private=True,
        rules=(
            Rule(
                "every_repository_has_its_owner",
                "Every repository's owner is in the table of owners",
                ("checked_rows",),
            ),
        ),
    ),
    Mart(
        ALL_NAMES,
        SUBJECT,
        about="For the private publication; the public part is `marts/public_names`.",
        is_private=True,
    ),
    Mart(
        PUBLIC_REPOSITORIES,
        SUBJECT,
        about="One that is no longer listed is marked, not deleted; one that turned private leaves.",
        rules=(
            Rule(
                "no_private_repository_is_public",
                "Every repository in the table was public when it was seen last",
                ("checked_rows",),
            ),
        ),
    ),
    Mart(PUBLIC_OWNERS, SUBJECT, about="Without addresses."),
    Mart(PUBLIC_NAMES, SUBJECT, about="Names that a repository had while it was private are left out."),
)
