"""A home with a catalogue: repositories as listings leave them, and the tables that follow from them."""

from datetime import datetime
from pathlib import Path

import duckdb
from histories import build_everything

from git_contrib_assets.landing.catalogue import names_since, present
from git_contrib_assets.records import Repository
from git_contrib_assets.serving.contract.catalogue import PRIVATE_PUBLICATION, PUBLICATION
from git_contrib_assets.serving.publish import publish
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone
from git_contrib_assets.storage.subjects import CATALOGUE
from git_contrib_assets.storage.warehouse import open_warehouse

FIRST = datetime.fromisoformat("2024-03-01T12:00:00")


def listed(number: int, name: str, *, visibility: str = "public", stars: int | None = 1) -> Repository:
    """A repository as it is listed on the first day."""
    owner, _, short = name.partition("/")
    return Repository(
        repository_id=number,
        repository=name,
        owner_id=sum(owner.encode()),
        owner=owner,
        owner_type="Organization",
        name=short,
        is_private=visibility != "public",
        is_fork=False,
        is_archived=False,
        default_branch="main",
        created_at=FIRST,
        pushed_at=FIRST,
        stars=stars,
        language=None,
        target=owner,
        first_seen_at=FIRST,
        listed_at=FIRST,
        visibility=visibility,
    )


class Catalogued:
    """A home with a catalogue."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.home.prepare()
        self.landing = LandingZone(self.home)
        self.landing.prepare()
        self.as_of = FIRST

    def land(self, public: list[Repository], private: list[Repository] = []) -> None:  # noqa: B006 - never changed
        """What a listing leaves."""
        before = present(self.landing.repositories.all(), self.landing.catalogue.private_repositories.all())
        self.landing.repositories.write(public)
        self.landing.catalogue.private_repositories.write(private)
        names = names_since(self.landing.catalogue.names.all(), before, present(public, private))
        self.landing.catalogue.names.write(names)

    def tables(self, connection: duckdb.DuckDBPyConnection) -> None:
        build_everything(connection, self.as_of, "", "catalogue")

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Rows of a query over the tables as they follow from what is landed."""
        with open_warehouse(self.home, CATALOGUE) as connection:
            self.tables(connection)
            return connection.execute(query).fetchall()

    def publish(self) -> list[bool]:
        """Publish both parts; whether each is a new snapshot."""
        with open_warehouse(self.home, CATALOGUE) as connection:
            self.tables(connection)
            both = (PRIVATE_PUBLICATION, PUBLICATION)
            return [publish(connection, self.home, one, as_of=self.as_of).changed for one in both]
