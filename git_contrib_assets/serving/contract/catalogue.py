"""What is published about repositories and owners: the public part, and all of it for those with the API's token.

Change or remove a column only with a new ``CONTRACT_VERSION``.
"""

from importlib.resources import files

from git_contrib_assets.marts.catalogue import (
    ALL_NAMES,
    ALL_OWNERS,
    ALL_REPOSITORIES,
    PUBLIC_NAMES,
    PUBLIC_OWNERS,
    PUBLIC_REPOSITORIES,
)
from git_contrib_assets.serving.contract.publication import Publication
from git_contrib_assets.tables import Column, Table

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
        Column("as_of", "TIMESTAMP", "The oldest of the times at which the repositories in it were last listed (UTC)"),
        Column("definition_version", "INTEGER", "Version of the definitions in docs/definitions.md"),
        Column("contract_version", "INTEGER", "Version of these tables"),
        Column("fingerprint", "VARCHAR", "Hash over all published rows", personal=False),
    ),
)
PUBLICATION = Publication(
    name="catalogue",
    version=CONTRACT_VERSION,
    tables=(PUBLIC_REPOSITORIES, PUBLIC_OWNERS, PUBLIC_NAMES),
    snapshot=SNAPSHOT,
    snapshot_select="catalogue_snapshot",
    withdrawn_with=PUBLIC_REPOSITORIES,
)
PRIVATE_PUBLICATION = Publication(
    name="catalogue_private",
    version=CONTRACT_VERSION,
    tables=(ALL_REPOSITORIES, ALL_OWNERS, ALL_NAMES),
    snapshot=SNAPSHOT,
    snapshot_select="catalogue_snapshot",
    is_private=True,
)

REPOSITORIES_CSV = "repositories.csv"
CSV_COLUMNS = ("Owner ID", "Owner Name", "Owner Email", "Repo ID", "Repo Name", "Status", "Stars Count")


def csv_select(publication: Publication) -> str:
    """The select of repositories.csv over a snapshot of this publication: only a private one holds addresses."""
    text = files("git_contrib_assets").joinpath("serving", "repositories_csv.sql").read_text("utf-8")
    return text.format(email="owners.email" if publication.is_private else "null::varchar")


__all__ = [
    "CONTRACT_VERSION",
    "CSV_COLUMNS",
    "PRIVATE_PUBLICATION",
    "PUBLICATION",
    "REPOSITORIES_CSV",
    "SNAPSHOT",
    "csv_select",
]
