"""The catalogue in PostgreSQL: what is private only where somebody asked for it, in tables of its own."""

from datetime import timedelta
from pathlib import Path

import pytest
from catalogued import FIRST, Catalogued, listed
from postgresql_scene import Database

from git_contrib_assets.landing.catalogue import seen_private
from git_contrib_assets.serving.postgresql.copying import copy

TABLES = "select count(*) from pg_tables where schemaname = 'git_contrib' and tablename like 'catalogue_private%'"
NAMES = "select string_agg(repository, ' ' order by repository) from git_contrib.{}"


@pytest.fixture
def catalogued(tmp_path: Path) -> Catalogued:
    """Two public repositories and a private one, published."""
    made = Catalogued(tmp_path / "home")
    public = [listed(1, "acme/tools"), listed(2, "acme/docs")]
    made.land(public, [listed(3, "acme/secret", visibility="private")])
    made.publish()
    return made


def test_what_is_private_is_left_out(catalogued: Catalogued, database: Database) -> None:
    copy(catalogued.home, database.address)
    assert database.query(NAMES.format("catalogue_repositories")) == "acme/docs acme/tools"
    assert database.query(TABLES) == "0"


def test_what_is_private_has_tables_of_its_own(catalogued: Catalogued, database: Database) -> None:
    copy(catalogued.home, database.address, include_private=True)
    assert database.query(NAMES.format("catalogue_repositories")) == "acme/docs acme/tools"
    assert database.query(NAMES.format("catalogue_private_repositories")) == "acme/docs acme/secret acme/tools"


def test_one_that_turned_private_leaves_the_public_tables(catalogued: Catalogued, database: Database) -> None:
    copy(catalogued.home, database.address)
    catalogued.land([listed(1, "acme/tools"), seen_private(listed(2, "acme/docs"))])
    catalogued.as_of = FIRST + timedelta(days=1)
    catalogued.publish()
    copy(catalogued.home, database.address)
    assert database.query(NAMES.format("catalogue_repositories")) == "acme/tools"
    assert database.query(NAMES.format("catalogue_repository_names")) == "acme/tools"
