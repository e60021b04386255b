"""The catalogue's tables: one row per id, private rows apart, former names only as far as they were public."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from catalogued import FIRST, Catalogued, listed

from git_contrib_assets.landing.catalogue import seen_private
from git_contrib_assets.marts import checks
from git_contrib_assets.marts.catalogue import MARTS, NOTHING_LOST
from git_contrib_assets.records import OwnerAnswer
from git_contrib_assets.serving.contract.catalogue import PRIVATE_PUBLICATION, PUBLICATION
from git_contrib_assets.serving.publish import current_file
from git_contrib_assets.storage.subjects import CATALOGUE
from git_contrib_assets.storage.warehouse import open_warehouse, read_violations

DAY = timedelta(days=1)
TABLES = [mart.table for mart in MARTS]


@pytest.fixture
def catalogued(tmp_path: Path) -> Catalogued:
    return Catalogued(tmp_path / "home")


SECRET = listed(2, "acme/secret", visibility="private")
INNER = listed(3, "acme/inner", visibility="internal", stars=None)
ALONE = listed(4, "zoe/alone", visibility="private")


def test_private_rows_are_in_the_private_tables_only(catalogued: Catalogued) -> None:
    catalogued.land([listed(1, "acme/tools")], [SECRET, INNER, ALONE])
    everything = catalogued.rows("select repository, visibility from marts.catalogue_repositories")
    assert everything == [
        ("acme/inner", "internal"),
        ("acme/secret", "private"),
        ("acme/tools", "public"),
        ("zoe/alone", "private"),
    ]
    assert catalogued.rows("select repository from marts.public_repositories") == [("acme/tools",)]
    owners = "select owner, repositories{} from marts.{}_owners"
    assert catalogued.rows(owners.format(", private_repositories", "catalogue")) == [("acme", 3, 2), ("zoe", 1, 1)]
    assert catalogued.rows(owners.format("", "public")) == [("acme", 1)]


def test_public_tables_are_those_of_a_home_without_private_rows(catalogued: Catalogued, tmp_path: Path) -> None:
    """Byte for byte what is told of them: nothing in them depends on a private row."""
    other = Catalogued(tmp_path / "other")
    catalogued.land([listed(1, "acme/tools")], [SECRET, INNER, ALONE])
    other.land([listed(1, "acme/tools")])
    for one in (catalogued, other):
        one.publish()
    names = [current_file(one.home, PUBLICATION) for one in (catalogued, other)]
    assert names[0] is not None
    assert names[1] is not None
    assert names[0].name == names[1].name  # its id holds the hash over all rows


def test_an_address_is_in_the_private_table_of_owners_only(catalogued: Catalogued) -> None:
    catalogued.land([listed(1, "acme/tools"), listed(5, "bob/site")])
    catalogued.landing.catalogue.owners.write(
        [
            OwnerAnswer(sum(b"acme"), "Acme", "hi@acme.invalid", FIRST),
            OwnerAnswer(sum(b"bob"), "bob@example.invalid", None, FIRST),
        ]
    )
    private = catalogued.rows("select name, email from marts.catalogue_owners")
    assert private == [("Acme", "hi@acme.invalid"), ("bob@example.invalid", None)]
    assert catalogued.rows("select name from marts.public_owners") == [("Acme",), (None,)]
    assert "email" not in [column for table in PUBLICATION.all_tables for column in table.column_names]


def test_an_owner_who_was_renamed_is_one_row(catalogued: Catalogued) -> None:
    newer = replace(listed(1, "acme/tools"), owner="acme-inc", repository="acme-inc/tools", listed_at=FIRST + DAY)
    catalogued.land([newer, listed(2, "acme/docs")])
    assert catalogued.rows("select owner, repositories from marts.public_owners") == [("acme-inc", 2)]


def test_what_is_no_longer_listed_is_marked_and_stays(catalogued: Catalogued) -> None:
    gone = replace(listed(1, "acme/tools"), missing_since=FIRST, missing_reason="not_found")
    catalogued.land([gone])
    found = catalogued.rows("select state, state_reason, state_since from marts.public_repositories")
    assert found == [("gone", "not_found", FIRST)]


def test_one_that_turned_private_leaves_the_public_tables_and_its_old_snapshots_go(catalogued: Catalogued) -> None:
    catalogued.land([listed(1, "acme/tools"), listed(2, "acme/docs")])
    catalogued.publish()
    catalogued.land([listed(1, "acme/tools"), seen_private(listed(2, "acme/docs"))])
    catalogued.as_of = FIRST + DAY
    assert catalogued.publish() == [True, True]
    folder = PUBLICATION.folder(catalogued.home.published)
    everything = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert b"acme/docs" not in everything
    everything = catalogued.rows("select repository, visibility, state_reason from marts.catalogue_repositories")
    assert ("acme/docs", "private", "private") in everything


def test_what_it_was_called_while_it_was_private_stays_private(catalogued: Catalogued) -> None:
    catalogued.land([], [listed(1, "acme/project-x", visibility="private")])
    catalogued.land([replace(listed(1, "acme/launch"), listed_at=FIRST + DAY)])
    assert catalogued.rows("select repository from marts.public_names") == [("acme/launch",)]
    assert catalogued.rows("select repository from marts.catalogue_names") == [("acme/project-x",), ("acme/launch",)]


def test_the_same_tables_again_are_no_new_snapshot(catalogued: Catalogued) -> None:
    catalogued.land([listed(1, "acme/tools")], [SECRET])
    assert catalogued.publish() == [True, True]
    catalogued.as_of = FIRST + DAY
    catalogued.land([replace(listed(1, "acme/tools"), listed_at=FIRST + DAY)], [replace(SECRET, listed_at=FIRST + DAY)])
    assert catalogued.publish() == [False, False]


def test_only_the_user_can_read_what_is_private(catalogued: Catalogued) -> None:
    catalogued.land([listed(1, "acme/tools")], [SECRET])
    catalogued.publish()
    home = catalogued.home
    for folder in (home.private, home.landing / "catalogue", home.landing / CATALOGUE.pinned):
        assert folder.stat().st_mode & 0o777 == 0o700
    file = current_file(home, PRIVATE_PUBLICATION)
    assert file is not None
    for path in (file, home.root / CATALOGUE.warehouse, *(home.landing / "catalogue").iterdir()):
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_a_list_of_an_earlier_version_is_read(catalogued: Catalogued) -> None:
    """It did not say who may see a repository."""
    catalogued.land([replace(listed(1, "acme/tools"), visibility=None)])
    assert catalogued.rows("select visibility from marts.public_repositories") == [("public",)]


# The rules


@pytest.fixture
def good(catalogued: Catalogued) -> Iterator[duckdb.DuckDBPyConnection]:
    """Good tables, published."""
    catalogued.land([listed(1, "acme/tools")], [SECRET, INNER, ALONE])
    catalogued.publish()
    with open_warehouse(catalogued.home, CATALOGUE) as connection:
        catalogued.tables(connection)
        yield connection


def loud(connection: duckdb.DuckDBPyConnection, private: Path) -> set[str]:
    """The rules that fail."""
    found = {f"{checks.KEYS}:{table.name}" for table in TABLES if checks.one_row_per_key(connection, table).rows}
    rules = [rule for mart in MARTS for rule in mart.rules if rule is not NOTHING_LOST]
    found |= {rule.name for rule in rules if read_violations(connection, rule.name, {})[1]}
    addresses = [mart.table for mart in MARTS if not mart.is_private]
    if any(checks.no_email_is_published(connection, table).rows for table in addresses):
        found.add(checks.NO_EMAIL)
    return found | ({NOTHING_LOST.name} if checks.lost(connection, private).rows else set())


def test_good_tables_pass_every_rule(good: duckdb.DuckDBPyConnection, catalogued: Catalogued) -> None:
    assert loud(good, catalogued.home.private) == set()


@pytest.mark.parametrize(
    ("rule", "damage"),
    [
        ("every_repository_has_its_owner", "delete from marts.catalogue_owners where owner = 'zoe'"),
        ("no_repository_is_lost", "delete from marts.catalogue_repositories where repository_id = 4"),
        (
            "no_private_repository_is_public",
            "insert into marts.public_repositories from marts.catalogue_repositories where repository_id = 2",
        ),
        ("no_email_is_published", "update marts.public_owners set name = 'a@b.invalid'"),
        ("one_row_per_key:public_names", "insert into marts.public_names from marts.public_names"),
        ("one_row_per_key:catalogue_owners", "update marts.catalogue_owners set owner_id = null where owner = 'acme'"),
    ],
)
def test_damage_is_found(good: duckdb.DuckDBPyConnection, catalogued: Catalogued, rule: str, damage: str) -> None:
    good.execute(damage)
    assert rule in loud(good, catalogued.home.private)


def test_every_rule_of_a_table_blocks() -> None:
    """A private row that would be published holds the snapshot back."""
    specs = [spec for one in checks.MART_CHECKS for spec in one.check_specs]
    ours = [spec for spec in specs if spec.asset_key.path[-1] in {table.name for table in TABLES}]
    assert len(ours) == len(TABLES) + 1 + 3  # the keys, the texts of public_owners, and the rules of their own
    assert all(spec.blocking for spec in ours)


def test_nothing_private_is_declared_public() -> None:
    private = {mart.table for mart in MARTS if mart.is_private}
    assert set(PRIVATE_PUBLICATION.tables) == private
    assert not private & set(PUBLICATION.tables)
    names = [table.published_name for table in PUBLICATION.tables]
    assert names == [table.published_name for table in PRIVATE_PUBLICATION.tables]
