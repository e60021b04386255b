"""What PostgreSQL holds after a copy, whatever it held before and however the copy ended."""

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from histories import DAY, NOW, MadeHome, commit
from installations import signals_heard
from postgresql_scene import Database, address_of
from waiting import until

from git_contrib_assets.errors import (
    CopyFailed,
    DatabaseMismatch,
    DatabaseRefused,
    LockBusy,
    NotPublished,
    SnapshotUnreadable,
)
from git_contrib_assets.serving.contract import Publication
from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.postgresql.copying import ADVISORY_LOCK, Copied, copy
from git_contrib_assets.tables import Column

TOMORROW = NOW + DAY


@pytest.fixture
def published(made: MadeHome) -> MadeHome:
    """Three repositories of two owners, published. A name has a NUL in it, which no text of PostgreSQL's can hold."""
    made.repository(commit(), commit("bob@example.com", "2020-07-01", name="Bo\x00b"))
    made.repository(commit("cleo@example.com", "2020-09-01", name="Cléo 'Quote' \\ 🦆"), repository_id=2)
    made.repository(
        *(commit("dora@example.com", "2020-03-01", name="Dora"), commit(when="2020-02-01")),
        repository_id=3,
        name="globex/gears",
        owner_id=2,
        created=None,
        language=None,
    )
    made.answer("ann@example.com", 11, "ann")
    made.publish()
    return made


def change(made: MadeHome) -> None:
    """The next day: renamed, starred, pushed to, gone for good, new; and an account that is known now."""
    made.repository(
        *(commit(), commit("bob@example.com", "2020-07-01", name="Bob"), commit("eve@example.com", "2021-01-05")),
        name="acme/renamed",
        stars=8,
    )
    del made.listed[3]
    made.repository(commit("fay@example.com", "2020-11-01", name="Fay"), repository_id=4)
    made.answer("cleo@example.com", 12, "cleo")
    made.publish(TOMORROW)


def current(made: MadeHome) -> Path:
    return (made.folder_of_snapshots / "current.duckdb").resolve()


def copied(made: MadeHome, database: Database, **options: Any) -> Copied:
    (one,) = copy(made.home, database.address, **options)
    return one


def totals(one: Copied) -> tuple[int, int, int]:
    changes = one.changes.values()
    return tuple(sum(getattr(each, name) for each in changes) for name in ("inserted", "updated", "deleted"))


def without_nul(made: MadeHome, database: Database) -> dict[str, list[Any]]:
    """The difference, but for the name that has a NUL and the one that was written for it."""
    found = database.difference(current(made))
    names = [row for row in found.pop("contributors", []) if row[2] not in {"Bo\x00b", "Bo\ufffdb"}]
    return found | ({"contributors": names} if names else {})


# One after the other


def test_the_first_copy_holds_all_rows(published: MadeHome, database: Database) -> None:
    one = copied(published, database)
    assert without_nul(published, database) == {}
    assert "Bo\ufffdb" in database.query("select name from git_contrib.contributors")
    assert (one.changed, one.snapshot_id) == (True, current(published).stem)
    assert totals(one) == (one.rows, 0, 0)
    with duckdb.connect(str(current(published)), read_only=True) as snapshot:
        counts = {name: snapshot.sql(f"from {name}").shape[0] for name in one.changes}
    assert counts == {name: changes.inserted for name, changes in one.changes.items()}
    assert min(counts.values()) > 0


def test_the_second_copy_writes_nothing(published: MadeHome, database: Database) -> None:
    copied(published, database)
    before, next_before = database.rows_as_written(), database.next_transaction()
    assert database.next_transaction() == next_before  # looking writes nothing
    one = copied(published, database)
    assert (one.changed, one.rows, one.changes) == (False, 0, {})
    assert (database.rows_as_written(), database.next_transaction()) == (before, next_before)
    assert one.snapshot_id in one.sentence(database.place)


def test_a_copy_after_changes_touches_the_rows_that_differ(published: MadeHome, database: Database) -> None:
    copied(published, database)
    change(published)
    one = copied(published, database)
    assert database.difference(current(published)) == {}
    assert all(number > 0 for number in totals(one))
    untouched = one.rows - one.changes["monthly_new_contributors"].updated - totals(one)[0]
    assert untouched > 0
    assert one.changes["repositories"] == type(one.changes["repositories"])(inserted=1, updated=1, deleted=1)
    assert one.changes["owners"].deleted == 1
    assert copied(published, database).changed is False


def test_rows_that_did_not_change_are_not_written(published: MadeHome, database: Database) -> None:
    """Else every reader's index and every backup would take each copy for new rows."""
    copied(published, database)
    unchanged = "select xmin, ctid from git_contrib.first_commits where repository_id = 2 order by 2"
    before = database.query(unchanged)
    published.repository(commit(), commit("gus@example.com", "2021-02-01"))
    published.publish(TOMORROW)
    copied(published, database)
    assert database.query(unchanged) == before


def test_what_somebody_else_changed_comes_right_with_the_next_snapshot(published: MadeHome, database: Database) -> None:
    copied(published, database)
    database.query("update git_contrib.repositories set stars = 99; delete from git_contrib.first_commits")
    change(published)
    copied(published, database)
    assert database.difference(current(published)) == {}


@pytest.mark.parametrize("statement", ["delete from git_contrib.copies", "drop table git_contrib.contributors cascade"])
def test_the_same_snapshot_is_copied_again_where_it_is_asked_for(
    published: MadeHome, database: Database, statement: str
) -> None:
    """By whoever deletes the note about it, or a table."""
    copied(published, database)
    keys = "select conname from pg_constraint where contype = 'f' order by 1"
    before = database.query(keys)
    database.query("update git_contrib.repositories set stars = 99")
    database.query(statement)
    assert copied(published, database).changed
    assert without_nul(published, database) == {}
    assert database.query(keys) == before


# What lies beside it


def test_each_publication_has_its_own_tables(published: MadeHome, database: Database, tmp_path: Path) -> None:
    """One that is published beside, with a table of the same name; and one that is not published at all."""
    second = replace(PUBLICATION, name="catalogue", tables=(PUBLICATION.tables[-1],), prefix=None, top_link=False)
    absent = replace(second, name="absent")
    with published.building() as connection:
        from git_contrib_assets.serving.publish import publish

        publish(connection, published.home, second, as_of=TOMORROW)
    both = copy(published.home, database.address, publications=(PUBLICATION, second, absent))
    assert [one.publication for one in both] == ["contributors", "catalogue"]
    assert database.tables() > {"owners", "snapshot", "copies", "catalogue_owners", "catalogue_snapshot"}
    file = (second.folder(published.home.published) / "current.duckdb").resolve()
    assert database.difference(file, second) == {}
    change(published)
    changes = copy(published.home, database.address, publications=(PUBLICATION, second, absent))
    assert [one.changed for one in changes] == [True, False]


def test_a_column_that_is_new_in_the_contract_is_added(published: MadeHome, database: Database) -> None:
    copied(published, database)
    database.query("alter table git_contrib.repositories drop column stars")
    database.query("comment on column git_contrib.repositories.name is 'as an earlier version had it'")
    change(published)
    copied(published, database)
    assert database.difference(current(published)) == {}
    description = (
        "select col_description('git_contrib.repositories'::regclass, attnum) from pg_attribute where attname = '{}'"
    )
    assert "Stars when last listed" in database.query(description.format("stars"))
    assert "as an earlier version had it" not in database.query(description.format("name"))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("alter table git_contrib.repositories alter stars type text", "repositories.stars is text"),
        ("alter table git_contrib.repositories add column extra int", "repositories.extra is integer"),
    ],
)
def test_a_column_of_another_type_stops_the_copy(
    published: MadeHome, database: Database, statement: str, said: str
) -> None:
    copied(published, database)
    database.query(statement)
    change(published)
    before = database.rows_as_written()
    with pytest.raises(DatabaseMismatch, match=said) as raised:
        copied(published, database)
    assert database.rows_as_written() == before
    advice = str(raised.value).partition("drop the table (")[2].partition(")")[0]
    database.query(advice)
    copied(published, database)
    assert database.difference(current(published)) == {}


@pytest.mark.parametrize("kind", ["table {} (number integer)", "view {} as select 1 as number"])
@pytest.mark.parametrize("name", ["repositories", "copies"])
def test_a_table_of_somebody_elses_is_left_alone(published: MadeHome, database: Database, kind: str, name: str) -> None:
    database.query("create schema git_contrib")
    database.query(f"create {kind.format(f'git_contrib.{name}')}")
    with pytest.raises(DatabaseMismatch, match=rf"^git_contrib\.{name} is there, and was not made by git-contrib: "):
        copied(published, database)
    assert database.query("select count(*) from pg_class where relnamespace = 'git_contrib'::regnamespace") == "1"


def test_a_database_in_another_encoding_is_refused(published: MadeHome, database: Database) -> None:
    with database.server.database("encoding 'LATIN1' template template0") as name:
        latin = Database(database.server, name)
        with pytest.raises(DatabaseMismatch, match="keeps texts as LATIN1"):
            copied(published, latin)
        assert latin.tables() == set()


# Rights


@contextmanager
def user(database: Database, *grants: str) -> Iterator[str]:
    """The URL of a user who may do no more than is granted."""
    name = f"user_of_{database.name}"
    database.query(f"create role {name} login password 'a password'")
    try:
        for grant in grants:
            database.query(f"{grant} to {name}")
        yield database.server.url(database.name, name, "a password")
    finally:
        database.query(f"drop owned by {name}")
        database.query(f"drop role {name}")


def test_a_user_who_may_only_read_is_told_what_is_missing(published: MadeHome, database: Database) -> None:
    with user(database) as url:
        with pytest.raises(DatabaseRefused, match=r"permission denied for database .* grant it CREATE on the database"):
            copy(published.home, address_of(url))
    copied(published, database)
    grants = ("grant usage on schema git_contrib", "grant select on all tables in schema git_contrib")
    with user(database, *grants) as url:
        assert [one.changed for one in copy(published.home, address_of(url))] == [False]
        change(published)
        before = database.rows_as_written()
        with pytest.raises(DatabaseRefused, match="permission denied for table"):
            copy(published.home, address_of(url))
        assert database.rows_as_written() == before


def test_a_user_needs_no_more_than_a_schema_of_its_own(published: MadeHome, database: Database) -> None:
    with user(database) as url:
        database.query(f"create schema git_contrib authorization user_of_{database.name}")
        copy(published.home, address_of(url))
        assert without_nul(published, database) == {}


# At the same time, and killed


@contextmanager
def locked(database: Database, statement: str) -> Iterator[Callable[[], None]]:
    """A transaction of somebody else's that has run a statement; what ends it."""
    with database.connection() as cursor:
        cursor.execute(statement)
        yield lambda: cursor.connection.rollback()


def waits(database: Database) -> bool:
    """Whether a statement waits for a lock."""
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    return database.query(waiting) != "0"


def nobody_else(database: Database) -> bool:
    """Whether no session but the one that asks is in the database."""
    others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    return database.query(others) == "0"


def test_one_copy_waits_for_another_and_then_copies_what_is_current(published: MadeHome, database: Database) -> None:
    """Or it could put an older snapshot in place of a newer one."""
    waiting, said = threading.Event(), list[str]()

    def note(message: str) -> None:
        said.append(message)
        waiting.set()

    with locked(database, f"select pg_advisory_xact_lock({ADVISORY_LOCK})") as release, ThreadPoolExecutor() as pool:
        late = pool.submit(copied, published, database, on_wait=note)
        assert waiting.wait(300)
        change(published)
        release()
        assert late.result(300).snapshot_id == current(published).stem
    assert database.place in said[0]
    assert database.difference(current(published)) == {}


def test_two_at_once_copy_once(published: MadeHome, database: Database) -> None:
    with ThreadPoolExecutor() as pool:
        done = [one.result(300) for one in [pool.submit(copied, published, database) for _ in range(2)]]
    assert sorted(one.changed for one in done) == [False, True]
    assert without_nul(published, database) == {}


@pytest.mark.parametrize("of", ["another copy", "a reader"])
def test_a_lock_is_waited_for_no_longer_than_allowed(published: MadeHome, database: Database, of: str) -> None:
    copied(published, database)
    change(published)
    before = database.rows_as_written()
    statements = {
        "another copy": f"select pg_advisory_xact_lock({ADVISORY_LOCK})",
        "a reader": "lock table git_contrib.first_commits in share mode",
    }
    with locked(database, statements[of]):
        with pytest.raises(LockBusy, match="longer than we may wait"):
            copied(published, database, max_wait=0.2)
    assert database.rows_as_written() == before


def command(made: MadeHome, database: Database) -> subprocess.Popen[str]:
    """The command, started."""
    arguments = [sys.executable, "-m", "git_contrib_assets", "--home", str(made.home.root), "copy-to"]
    environment = {"PATH": "/usr/bin:/bin", "GIT_CONTRIB_POSTGRES_URL": database.url}
    with signals_heard():
        return subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("held", ["owners", "first_commits", "copies"])
def test_killed_in_the_middle_it_leaves_what_was_there(published: MadeHome, database: Database, held: str) -> None:
    """Where it is held up, all before that table in the order is merged already, and nothing of it stays."""
    copied(published, database)
    before, old = database.rows_as_written(), published.root / "old.duckdb"
    shutil.copyfile(current(published), old)
    change(published)
    with locked(database, f"lock table git_contrib.{held} in share mode") as release:
        with command(published, database) as process:
            until(lambda: waits(database) or process.poll() is not None)
            process.kill()
        assert process.returncode == -signal.SIGKILL
        release()
    until(lambda: nobody_else(database))
    assert database.rows_as_written() == before
    assert {*database.difference(old)} <= {"contributors"}
    assert copied(published, database).changed
    assert database.difference(current(published)) == {}


def test_ctrl_c_ends_it_as_any_command(published: MadeHome, database: Database) -> None:
    """In the middle of a statement: without a word, with 130, and at once."""
    copied(published, database)
    before = database.rows_as_written()
    change(published)
    with locked(database, "lock table git_contrib.first_commits in share mode"):
        with command(published, database) as process:
            until(lambda: waits(database) or process.poll() is not None)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=240)
        assert (process.returncode, said) == (130, "")
        until(lambda: not waits(database))
        assert database.rows_as_written() == before
    assert copied(published, database).changed


def test_a_server_that_ends_the_connection_is_told_in_one_line(published: MadeHome, database: Database) -> None:
    copied(published, database)
    before = database.rows_as_written()
    change(published)
    with locked(database, "lock table git_contrib.first_commits in share mode"), ThreadPoolExecutor() as pool:
        late = pool.submit(copied, published, database)
        until(lambda: waits(database) or late.done())
        database.query("select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'")
        with pytest.raises(CopyFailed, match="It holds what it held before; copy again") as raised:
            late.result(300)
    assert "\n" not in str(raised.value)
    assert database.rows_as_written() == before


# What is published


def test_without_a_snapshot_nothing_is_asked_of_the_database(made: MadeHome) -> None:
    nowhere = address_of("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(NotPublished, match="run `git-contrib run` first"):
        copy(made.home, nowhere)


def test_a_damaged_snapshot_is_not_copied(published: MadeHome, database: Database) -> None:
    copied(published, database)
    before = database.rows_as_written()
    file = current(published)
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(SnapshotUnreadable, match="not as it was published"):
        copied(published, database)
    assert database.rows_as_written() == before


def test_rows_that_refer_to_nothing_are_refused(published: MadeHome, database: Database) -> None:
    """By the database itself, whatever our own checks have missed."""
    orphans = Publication(
        name="orphans",
        version=1,
        tables=PUBLICATION.tables,
        snapshot=PUBLICATION.snapshot,
        snapshot_select="snapshot",
    )
    folder = orphans.folder(published.home.published)
    folder.mkdir()
    (folder / "orphans.duckdb").write_bytes(current(published).read_bytes())
    with duckdb.connect(str(folder / "orphans.duckdb")) as connection:
        connection.execute("delete from owners where owner_id = 2")
    (folder / "current.duckdb").symlink_to("orphans.duckdb")
    with pytest.raises(CopyFailed, match=r"violates foreign key constraint .*orphans_repositories_of_owners"):
        copy(published.home, database.address, publications=(orphans,))
    assert database.tables() == set()


def test_a_publication_without_a_prefix_takes_its_name() -> None:
    column = Column("number", "BIGINT", "A number")
    one = replace(PUBLICATION, name="other", prefix=None, snapshot=replace(PUBLICATION.snapshot, columns=(column,)))
    assert (one.name_among_all("owners"), PUBLICATION.name_among_all("owners")) == ("other_owners", "owners")
