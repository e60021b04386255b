"""Publications: each has its own files and pointer; a home of the first layout is taken over without a gap."""

import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from histories import NOW, MadeHome, at, commit
from references import in_the_file, orphans

from git_contrib_assets.serving.contract import (
    CHECKED_FILE,
    CURRENT_LINK,
    PRIVATE_PUBLICATIONS,
    PUBLICATIONS,
    Publication,
)
from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.publish import current_file, current_snapshot
from git_contrib_assets.serving.read import open_snapshot

EVERY = (*PUBLICATIONS, *PRIVATE_PUBLICATIONS)
OTHER = replace(PUBLICATION, name="other", version=7, tables=PUBLICATION.tables[:1], top_link=False)


@pytest.fixture
def made(made: MadeHome) -> MadeHome:
    """A home with one repository."""
    made.repository(commit())
    return made


def files(folder: Path) -> dict[str, bytes | str]:
    """What is in a folder: contents of files, targets of links."""
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_names_are_unique() -> None:
    assert len({one.name for one in EVERY}) == len(EVERY)


def test_one_publication_never_touches_another(made: MadeHome) -> None:
    made.publish()
    ours, top = files(made.folder_of_snapshots), made.home.published / CURRENT_LINK
    other = made.publish(publication=OTHER)
    assert files(made.folder_of_snapshots) == ours
    assert top.resolve() == current_file(made.home, PUBLICATION)
    assert other.file.parent == made.home.published / "other"
    with duckdb.connect(str(other.file), read_only=True) as connection:
        tables = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
        version = connection.execute("select contract_version from snapshot").fetchall()
    assert (tables, version) == ({"monthly_new_contributors", "snapshot"}, [(7,)])


def first_layout(made: MadeHome) -> str:
    """Lay the home out as before there were publications; the snapshot's id."""
    snapshot_id = made.publish().snapshot_id
    published, folder = made.home.published, made.folder_of_snapshots
    for name in (f"{snapshot_id}.duckdb", CHECKED_FILE):
        (folder / name).rename(published / name)
    shutil.rmtree(folder)
    (published / CURRENT_LINK).unlink()
    (published / CURRENT_LINK).symlink_to(f"{snapshot_id}.duckdb")
    return snapshot_id


def test_a_home_of_the_first_layout_is_read_before_a_run(made: MadeHome) -> None:
    snapshot_id = first_layout(made)
    assert current_snapshot(made.home, PUBLICATION)[0] == snapshot_id
    with open_snapshot(made.home) as snapshot:
        assert snapshot.about()["snapshot_id"] == snapshot_id


@pytest.mark.parametrize("killed_after", ["nothing", "links", "pointer"])
def test_the_next_run_takes_the_snapshots_of_the_first_layout_over(made: MadeHome, killed_after: str) -> None:
    """The same tables are no new snapshot; a kill in between leaves what the next run finishes."""
    snapshot_id = first_layout(made)
    published, folder = made.home.published, made.folder_of_snapshots
    if killed_after != "nothing":
        folder.mkdir()
        (folder / f"{snapshot_id}.duckdb").hardlink_to(published / f"{snapshot_id}.duckdb")
    if killed_after == "pointer":
        (folder / CURRENT_LINK).symlink_to(f"{snapshot_id}.duckdb")
    assert current_snapshot(made.home, PUBLICATION)[0] == snapshot_id
    again = made.publish(NOW)
    assert (again.changed, again.snapshot_id) == (False, snapshot_id)
    assert sorted(files(published)) == [
        f"contributors/{snapshot_id}.duckdb",
        "contributors/checked.json",
        "contributors/current.duckdb",
        "current.duckdb",
    ]
    assert str((published / CURRENT_LINK).readlink()) == f"contributors/{CURRENT_LINK}"


@pytest.mark.parametrize("publication", EVERY, ids=lambda one: one.name)
def test_references_lead_to_keys_of_the_same_publication(publication: Publication) -> None:
    by_name = {table.published_name: table for table in publication.all_tables}
    for table in publication.all_tables:
        types = {column.name: column.type for column in table.columns}
        for reference in table.references:
            target = by_name[reference.table]
            key_types = {column.name: column.type for column in target.columns}
            assert [types[name] for name in reference.columns] == [key_types[name] for name in target.key]


def test_published_rows_refer_to_rows_that_are_there(made: MadeHome) -> None:
    """Of repositories that were never read, are empty, are gone, or belong to an owner of whom nothing else is."""
    made.repository(commit("bob@example.com"), repository_id=2, missing_since=at("2021-01-01"))
    made.repository(commit("cleo@example.com"), repository_id=3, owner_id=2, name="globex/gears", created=None)
    made.repository(repository_id=4, never_read=True, owner_id=3, name="initech/tps")
    made.repository(repository_id=5, name="acme/empty")
    made.answer("bob@example.com", 11, "bob")
    snapshot = made.publish()
    with duckdb.connect(str(snapshot.file), read_only=True) as connection:
        assert orphans(connection, PUBLICATION, in_the_file) == {}
        assert snapshot.rows["owners"] == 3
    copy = made.root / "copy.duckdb"
    shutil.copyfile(snapshot.file, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("delete from owners where owner_id = 2")
        connection.execute("delete from repositories where repository_id = 2")
        found = orphans(connection, PUBLICATION, in_the_file)
    assert set(found) == {
        "repositories.('owner_id',)",
        "monthly_new_contributors.('repository_id',)",
        "first_commits.('repository_id',)",
    }
