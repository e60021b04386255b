"""What is published about contributors. Change or remove a column only with a new ``CONTRACT_VERSION``."""

from git_contrib_assets.marts.contributors import (
    CONTRIBUTORS,
    FIRST_COMMITS,
    MARTS,
    MONTHLY_NEW_CONTRIBUTORS,
    REPOSITORIES,
)
from git_contrib_assets.serving.contract.publication import Publication
from git_contrib_assets.tables import Column, Table
from git_contrib_assets.warehouse.tables import OWNERS

CONTRACT_VERSION = 1
SNAPSHOT = Table(
    name="snapshot",
    grain="One row: the snapshot itself",
    key=("snapshot_id",),
    order=("snapshot_id",),
    columns=(
        Column("snapshot_id", "VARCHAR", "Name of the snapshot", personal=False),
        Column("built_at", "TIMESTAMP", "When it was built (UTC)"),
        Column("checked_at", "TIMESTAMP", "When its tables were last found current, at the time it was built (UTC)"),
        Column(
            "as_of", "TIMESTAMP", "The oldest of the times at which the repositories in it were last looked at (UTC)"
        ),
        Column("complete_through", "DATE", "Last day that is counted whole: the last month may still be running"),
        Column("identity", "VARCHAR", "How far accounts were asked: account, partial or email", personal=False),
        Column("emails", "BIGINT", "E-mail addresses of authors"),
        Column("emails_not_asked", "BIGINT", "How many of them GitHub has not yet been asked about"),
        Column("definition_version", "INTEGER", "Version of the definitions in docs/definitions.md"),
        Column("contract_version", "INTEGER", "Version of these tables"),
        Column("fingerprint", "VARCHAR", "Hash over all published rows", personal=False),
    ),
)

PUBLICATION = Publication(
    name="contributors",
    version=CONTRACT_VERSION,
    tables=(*(mart.table for mart in MARTS), OWNERS),
    snapshot=SNAPSHOT,
    snapshot_select="snapshot",
    withdrawn_with=REPOSITORIES,
    top_link=True,
    prefix="",
)

__all__ = [
    "CONTRACT_VERSION",
    "CONTRIBUTORS",
    "FIRST_COMMITS",
    "MONTHLY_NEW_CONTRIBUTORS",
    "OWNERS",
    "PUBLICATION",
    "REPOSITORIES",
    "SNAPSHOT",
]
