"""The warehouse file: a working file that comes back from landing, whatever happens to it."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from histories import MadeHome, commit

from git_contrib_assets.errors import StorageError, WarehouseBusy
from git_contrib_assets.storage.warehouse import build_table, open_warehouse


@pytest.fixture
def built(made: MadeHome) -> MadeHome:
    """A home whose warehouse was built."""
    made.repository(*(commit(f"p{number}@example.com") for number in range(200)))
    made.build()
    return made


def test_the_warehouse_comes_back_after_it_was_deleted(built: MadeHome) -> None:
    before = built.table("first_commits")
    built.home.warehouse.unlink()
    built.build()
    assert built.table("first_commits") == before


@pytest.mark.parametrize("content", [b"", b"garbage", b"\0" * 8192, b"no database at all " * 10_000])
def test_a_file_that_is_no_database_is_built_anew(built: MadeHome, content: bytes) -> None:
    built.home.warehouse.write_bytes(content)
    built.build()
    assert built.newcomers() == {"2020-05": 200}


def test_a_file_damaged_anywhere_is_built_anew(built: MadeHome) -> None:
    good, chance = built.home.warehouse.read_bytes(), random.Random(1)  # noqa: S311 - not a secret
    for position in [4096, 8192, *(chance.randrange(len(good)) for _ in range(8))]:
        damaged = bytearray(good)
        damaged[position : position + 3000] = chance.randbytes(len(damaged[position : position + 3000]))
        built.home.warehouse.write_bytes(damaged)
        built.build()
        assert built.newcomers() == {"2020-05": 200}


def test_a_damaged_log_of_a_killed_writer_is_dropped(built: MadeHome) -> None:
    built.home.warehouse.with_name("warehouse.duckdb.wal").write_bytes(b"garbage" * 1000)
    built.build()
    assert built.newcomers() == {"2020-05": 200}


def test_a_damaged_file_below_a_folder_named_lock_is_built_anew(tmp_path: Path) -> None:
    made = MadeHome(tmp_path / "blockchain")
    made.repository(commit())
    made.home.warehouse.write_bytes(b"garbage" * 10_000)
    made.build()
    assert made.newcomers() == {"2020-05": 1}


@contextmanager
def open_elsewhere(path: Path, *, read_only: bool) -> Iterator[None]:
    """The file is open in another process."""
    code = f"import duckdb, sys; duckdb.connect({str(path)!r}, read_only={read_only}); print('open', flush=True); sys.stdin.read()"
    code = code.replace("duckdb.connect", "held = duckdb.connect")
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield
        process.communicate()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_open_in_another_program_is_told_at_once(built: MadeHome, *, read_only: bool) -> None:
    content = built.home.warehouse.read_bytes()
    with open_elsewhere(built.home.warehouse, read_only=read_only):
        start = time.monotonic()
        with pytest.raises(WarehouseBusy, match=r"warehouse\.duckdb is open in another program"):
            built.build()
        assert time.monotonic() - start < 60  # without a look first, it would take 102 seconds
    assert built.home.warehouse.read_bytes() == content
    built.build()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_open_in_this_program_is_not_taken_away(built: MadeHome, *, read_only: bool) -> None:
    with duckdb.connect(str(built.home.warehouse), read_only=read_only, config={"threads": 1}):
        with pytest.raises(WarehouseBusy):
            built.build()
    assert built.home.warehouse.stat().st_size > 0
    built.build()


def test_the_warehouse_is_let_go_when_the_work_fails(built: MadeHome) -> None:
    with pytest.raises(RuntimeError), open_warehouse(built.home):
        raise RuntimeError
    with open_elsewhere(built.home.warehouse, read_only=False):
        pass


def test_an_error_of_duckdbs_is_told_as_ours(built: MadeHome) -> None:
    with pytest.raises(StorageError, match="CatalogException"), open_warehouse(built.home) as connection:
        connection.execute("select * from marts.nothing")


@pytest.mark.parametrize("name", ["it's", "a[b]c", "a*b", "with space", "ünï", "{folder}", "x=1"])
def test_the_home_may_have_any_name(tmp_path: Path, name: str) -> None:
    made = MadeHome(tmp_path / name)
    other = MadeHome(tmp_path / "a-and-b")  # what a*b would match
    other.repository(commit("zoe@example.com", "2020-01-01"), repository_id=9)
    made.repository(commit())
    assert made.publish().rows["first_commits"] == 1
    assert made.newcomers() == {"2020-05": 1}


def test_an_empty_landing_zone_gives_empty_tables(made: MadeHome) -> None:
    made.build()
    assert made.table("monthly_new_contributors") == made.contributors() == made.repositories() == []
    published = made.publish()
    assert set(published.rows.values()) == {0}


def test_a_table_of_before_is_replaced_whatever_its_columns_were(built: MadeHome) -> None:
    with built.warehouse() as connection:
        connection.execute("create or replace table marts.contributors as select 1 as something_else")
        rows = build_table(connection, "marts", "contributors", {})
    assert rows == 200
