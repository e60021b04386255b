"""Publishing: immutable files, a link that always leads somewhere, nothing new where nothing changed."""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from histories import NOW, MadeHome, Row, commit, rows

from git_contrib_assets.errors import StorageError
from git_contrib_assets.serving.contract import CHECKED_FILE, CURRENT_LINK
from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.publish import _switch, current_file, current_snapshot, publish
from git_contrib_assets.serving.read import open_snapshot

HOUR = timedelta(hours=1)


@pytest.fixture
def published(made: MadeHome) -> MadeHome:
    """A home with a snapshot."""
    made.repository(commit(), commit("bob@example.com", "2020-07-01"), commit("7+c@users.noreply.github.com", name="C"))
    made.publish()
    return made


def snapshots(made: MadeHome) -> list[str]:
    """The names of the snapshot files, oldest first."""
    return sorted(path.stem for path in made.folder_of_snapshots.glob("*.duckdb") if not path.is_symlink())


def checked(made: MadeHome) -> Row:
    content: Row = json.loads((made.folder_of_snapshots / CHECKED_FILE).read_bytes())
    return content


def in_snapshot(path: Path, query: str) -> list[Row]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return rows(connection, query)


def test_unchanged_tables_publish_nothing_new(published: MadeHome) -> None:
    path = current_file(published.home, PUBLICATION)
    assert path is not None
    before, content = checked(published), path.read_bytes()
    again = published.publish(NOW + HOUR)
    assert (again.changed, again.snapshot_id) == (False, before["snapshot_id"])
    assert snapshots(published) == [again.snapshot_id]
    assert path.read_bytes() == content
    assert before["checked_at"] == "2021-03-15T12:00:00Z"
    assert checked(published) == {**before, "checked_at": "2021-03-15T13:00:00Z"}


def test_the_time_of_the_newest_check_is_told(published: MadeHome) -> None:
    published.publish(NOW + HOUR)
    with open_snapshot(published.home) as snapshot:
        about = snapshot.about()
    assert (about["built_at"], about["checked_at"]) == (NOW, NOW + HOUR)


@pytest.mark.parametrize("change", ["a commit", "a month", "an answer", "a star", "a repository"])
def test_changed_tables_publish_a_new_snapshot(published: MadeHome, change: str) -> None:
    before = current_snapshot(published.home, PUBLICATION)
    if change == "a commit":
        published.land(1, [commit(), commit("bob@example.com", "2020-07-01"), commit("zoe@example.com")])
    elif change == "a month":
        published.as_of = NOW + timedelta(days=20)
    elif change == "an answer":
        published.answer("ann@example.com", None)
    elif change == "a star":
        published.repository(never_read=True, stars=8)
    else:
        published.repository(repository_id=2, never_read=True)
    after = published.publish()
    assert after.changed
    assert after.snapshot_id != before[0]
    assert current_snapshot(published.home, PUBLICATION)[0] == after.snapshot_id == checked(published)["snapshot_id"]
    assert len(snapshots(published)) == 2


def test_tables_that_are_as_they_once_were_get_a_new_name(published: MadeHome) -> None:
    first = current_snapshot(published.home, PUBLICATION)
    published.repository(repository_id=2, never_read=True)
    published.publish(NOW + HOUR)
    published.listed.pop(2)
    published.landing.repositories.write(published.listed.values())
    third = published.publish(NOW + 2 * HOUR)
    assert third.snapshot_id != first[0]
    assert current_snapshot(published.home, PUBLICATION) == (third.snapshot_id, first[1])


def publish_changed(made: MadeHome, times: int) -> list[str]:
    """Publish tables that change each time; the ids."""
    ids = []
    with made.warehouse() as connection:
        for number in range(1, times + 1):
            connection.execute("update typed.owners set repositories = repositories + 1")
            ids.append(publish(connection, made.home, PUBLICATION, as_of=NOW + number * HOUR).snapshot_id)
    return ids


def test_the_last_three_are_kept(published: MadeHome) -> None:
    ids = publish_changed(published, 4)
    assert snapshots(published) == ids[-3:]
    assert current_snapshot(published.home, PUBLICATION)[0] == ids[-1]


def test_who_has_an_old_one_open_goes_on_reading_it(published: MadeHome) -> None:
    with open_snapshot(published.home) as snapshot:
        before = snapshot.about()["snapshot_id"]
        publish_changed(published, 4)
        assert before not in snapshots(published)
        assert snapshot.connection.execute("select count(*) from contributors").fetchall() == [(3,)]


def test_the_current_one_stays_even_if_the_clock_goes_back(published: MadeHome) -> None:
    publish_changed(published, 3)
    published.repository(repository_id=2, never_read=True)
    back = published.publish(NOW - 1000 * HOUR)
    assert current_snapshot(published.home, PUBLICATION)[0] == back.snapshot_id
    assert back.snapshot_id in snapshots(published)
    assert len(snapshots(published)) == 3


def test_a_published_file_cannot_be_written(published: MadeHome) -> None:
    """Its mode says so to everybody; a plain connect by anyone but root fails, and one that only reads does not."""
    path = current_file(published.home, PUBLICATION)
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o444
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        copy = shutil.copy(path, folder)
        program = (
            "import duckdb, os, sys; os.getuid() or (os.setgroups([]), os.setgid(65534), os.setuid(65534)); "
            "duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'r').execute('from snapshot')"
        )
        done = {
            mode: subprocess.run([sys.executable, "-c", program, copy, mode], capture_output=True, text=True, cwd="/")
            for mode in "rw"
        }
    assert done["r"].returncode == 0, done["r"].stderr
    assert "Permission denied" in done["w"].stderr


def flip_middle(path: Path, *, keep_times: bool) -> None:
    found, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    if keep_times:
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def update(path: Path) -> None:
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update repositories set stars = 99")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: flip_middle(path, keep_times=False), "damaged"),
        (lambda path: flip_middle(path, keep_times=True), "damaged"),
        (update, "another program has changed it"),
        (lambda path: os.truncate(path, 20_000), "damaged"),
        (lambda path: path.unlink(), "missing"),
    ],
    ids=["a flipped byte", "a flipped byte that no time tells of", "an update", "cut", "gone"],
)
def test_a_file_that_is_not_as_it_was_published_is_replaced(
    published: MadeHome, damage: Callable[[Path], None], said: str
) -> None:
    path = current_file(published.home, PUBLICATION)
    assert path is not None
    damage(path)
    again = published.publish(NOW + HOUR)
    assert again.changed
    assert again.replaced is not None
    assert path.stem in again.replaced
    assert said in again.replaced
    assert snapshots(published) == [again.snapshot_id]
    assert in_snapshot(again.file, "select distinct stars from repositories") == [{"stars": 7}]
    last = published.publish(NOW + 2 * HOUR)
    assert (last.changed, last.replaced) == (False, None)


def test_a_file_that_was_only_touched_is_current(published: MadeHome) -> None:
    path = current_file(published.home, PUBLICATION)
    assert path is not None
    os.utime(path)
    shutil.copy(path, published.root / "copy")
    (published.root / "copy").replace(path)
    again = published.publish(NOW + HOUR)
    assert (again.changed, again.replaced) == (False, None)


def test_older_files_that_hold_what_was_withdrawn_are_deleted(published: MadeHome) -> None:
    """A repository that went private must not be served again from them; one that vanished stays."""
    first = snapshots(published)
    published.repository(commit("eve@example.com"), repository_id=2)
    second = published.publish(NOW + HOUR).snapshot_id
    published.repository(repository_id=1, never_read=True, missing_since=NOW, missing_reason="not_found")
    published.repository(repository_id=2, never_read=True, is_private=True)
    third = published.publish(NOW + 2 * HOUR).snapshot_id
    assert second not in snapshots(published)
    assert snapshots(published) == [*first, third]


def test_the_link_is_relative(published: MadeHome, tmp_path: Path) -> None:
    moved = published.root.rename(tmp_path / "moved")
    assert (moved / "published" / CURRENT_LINK).resolve(strict=True).parent == moved / "published" / "contributors"


def test_the_link_always_leads_to_a_file(published: MadeHome) -> None:
    ids = publish_changed(published, 2)
    link, done, looks, lost = published.folder_of_snapshots / CURRENT_LINK, threading.Event(), 0, []

    def look() -> None:
        nonlocal looks
        while not done.is_set():
            try:
                link.resolve(strict=True).stat()
            except OSError as error:  # pragma: no cover - what must not happen
                lost.append(error)
            looks += 1

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(400):
        _switch(published.folder_of_snapshots / CURRENT_LINK, f"{ids[number % 2]}.duckdb")
    while not looks:
        pass
    done.set()
    reader.join()
    assert lost == []


@pytest.mark.parametrize("damage", [b"", b"garbage" * 5000])
def test_a_current_snapshot_that_cannot_be_read_is_replaced(published: MadeHome, damage: bytes) -> None:
    path = current_file(published.home, PUBLICATION)
    assert path is not None
    path.write_bytes(damage)
    assert published.publish(NOW + HOUR).changed
    with open_snapshot(published.home) as snapshot:
        assert snapshot.about()["built_at"] == NOW + HOUR


def test_a_link_that_leads_nowhere_is_replaced(published: MadeHome) -> None:
    path = current_file(published.home, PUBLICATION)
    assert path is not None
    path.unlink()
    assert published.publish(NOW + HOUR).changed
    with open_snapshot(published.home) as snapshot:
        assert snapshot.about()["built_at"] == NOW + HOUR


def test_what_killed_publishers_left_is_swept(published: MadeHome) -> None:
    folder = published.folder_of_snapshots
    leftovers = ["x.duckdb.1.tmp", "x.duckdb.1.tmp.wal", "checked.json.1.tmp"]
    for name in leftovers:
        (folder / name).write_bytes(b"half a file")
    (folder / f"{CURRENT_LINK}.1.tmp").symlink_to(os.readlink(folder / CURRENT_LINK))  # noqa: PTH115
    published.publish(NOW + HOUR)
    assert not list(folder.glob("*.tmp*"))


def test_a_kill_never_leaves_an_unreadable_snapshot_and_leftovers_do_not_grow(published: MadeHome) -> None:
    program = Path(__file__).with_name("publish_until_killed.py")
    command = [sys.executable, str(program), str(published.root), NOW.isoformat()]
    moments = random.Random(4)  # noqa: S311 - not a secret
    last, left = 0, []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(10):
            print(moments.uniform(0, 0.15), file=process.stdin, flush=True)
            assert process.stdout.readline() == "killed\n"
            with open_snapshot(published.home) as snapshot:
                for table in PUBLICATION.all_tables:
                    assert snapshot.rows(table), table.name
                (owner,) = snapshot.connection.execute("select repositories from owners").fetchall()
            assert owner[0] >= last, "the snapshot went back"
            last = owner[0]
            left.append(len(list(published.folder_of_snapshots.glob("*.tmp*"))))
            assert len(snapshots(published)) <= 5
        process.stdin.close()
    assert last > 10
    assert max(left) <= 3, "one killed publisher leaves a file, its log and a link at most"
    published.publish(NOW + 10**6 * HOUR)
    assert not list(published.folder_of_snapshots.glob("*.tmp*"))
    assert len(snapshots(published)) == 3


def test_a_failed_publication_leaves_the_last_one(published: MadeHome) -> None:
    before = current_snapshot(published.home, PUBLICATION)
    published.repository(repository_id=2, never_read=True)
    *good, last = PUBLICATION.tables
    broken = replace(PUBLICATION, tables=(*good, replace(last, order=("no_such_column",))))
    with pytest.raises(StorageError):
        published.publish(NOW + HOUR, broken)
    assert current_snapshot(published.home, PUBLICATION) == before
    assert not list(published.folder_of_snapshots.glob("*.tmp*"))
    assert published.publish(NOW + HOUR).changed


# What is in the file


def test_columns_and_types_are_those_of_the_contract(published: MadeHome) -> None:
    path = current_file(published.home, PUBLICATION)
    assert path is not None
    query = "select table_name, column_name, data_type from duckdb_columns() where not internal order by table_name, column_index"
    found: dict[str, list[tuple[str, str]]] = {}
    for row in in_snapshot(path, query):
        found.setdefault(row["table_name"], []).append((row["column_name"], row["data_type"]))
    assert found == {
        table.name: [(column.name, column.type) for column in table.columns] for table in PUBLICATION.all_tables
    }
    assert in_snapshot(path, "from duckdb_views() where not internal") == []


def test_tables_and_columns_bear_their_descriptions(published: MadeHome) -> None:
    path = current_file(published.home, PUBLICATION)
    assert path is not None
    tables = in_snapshot(path, "select table_name, comment from duckdb_tables()")
    assert {row["table_name"]: row["comment"] for row in tables} == {
        table.name: table.grain for table in PUBLICATION.all_tables
    }
    columns = in_snapshot(path, "select table_name, column_name, comment from duckdb_columns() where not internal")
    assert {(row["table_name"], row["column_name"]): row["comment"] for row in columns} == {
        (table.name, column.name): column.description for table in PUBLICATION.all_tables for column in table.columns
    }


def test_rows_are_stored_in_their_published_order(published: MadeHome) -> None:
    published.repository(*(commit(f"p{n}@example.com", sha=f"{99 - n:040x}") for n in range(40)), repository_id=2)
    published.publish(NOW + HOUR)
    path = current_file(published.home, PUBLICATION)
    assert path is not None
    for table in PUBLICATION.all_tables:
        order = ", ".join(table.order)
        stored = in_snapshot(path, f"from {table.name}")
        assert stored
        assert stored == in_snapshot(path, f"from {table.name} order by {order}")


def test_the_snapshot_tells_of_itself(published: MadeHome) -> None:
    with open_snapshot(published.home) as snapshot:
        about = snapshot.about()
    path = current_file(published.home, PUBLICATION)
    assert path is not None
    assert about["snapshot_id"] == path.stem
    assert about["complete_through"].isoformat() == "2021-02-28"
    assert (about["as_of"], about["identity"], about["emails"], about["emails_not_asked"]) == (NOW, "email", 3, 3)


def test_as_of_is_the_oldest_listing_of_those_that_are_there(published: MadeHome) -> None:
    published.repository(repository_id=2, never_read=True, listed_at=NOW - 40 * HOUR)
    published.repository(repository_id=3, never_read=True, listed_at=NOW - 9000 * HOUR, missing_since=NOW - 9000 * HOUR)
    published.publish(NOW + HOUR)
    with open_snapshot(published.home) as snapshot:
        assert snapshot.about()["as_of"] == NOW - 40 * HOUR


def test_the_file_has_the_storage_version_of_old_readers(published: MadeHome) -> None:
    """A file of DuckDB 2's own version is refused by 1.1 to 1.5."""
    file = current_file(published.home, PUBLICATION)
    assert file is not None
    with duckdb.connect(str(file), read_only=True) as connection:
        query = "select tags['storage_version'] from duckdb_databases() where database_name = $name"
        assert connection.execute(query, {"name": file.stem}).fetchall() == [("v1.0.0+",)]
