"""What is read from published files for PostgreSQL."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from histories import MadeHome

from git_contrib_assets.errors import SnapshotUnreadable
from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.postgresql.source import files_of, fingerprint, open_source
from git_contrib_assets.tables import Column, Table

TABLE = Table(
    name="things",
    grain="One row per thing",
    key=("number",),
    order=("number",),
    columns=(
        Column("number", "BIGINT", "A number"),
        Column("name", "VARCHAR", "A name"),
        Column("made_at", "TIMESTAMP", "A time (UTC)"),
        Column("day", "DATE", "A day"),
    ),
)


def written(file: Path, rows: str) -> Path:
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table things (number bigint, name varchar, made_at timestamp, day date)")
        connection.execute(f"insert into things {rows}")
    return file


def read(*files: Path) -> list[dict[str, Any]]:
    with open_source(files) as source:
        return sorted(source.batches(TABLE).read_all().to_pylist(), key=lambda row: row["number"])


def test_times_get_their_zone_and_texts_lose_their_nul(tmp_path: Path) -> None:
    file = written(
        tmp_path / "it's one.duckdb",
        r"values (1, 'a' || chr(0) || 'b', '2020-01-02 03:04:05.000006', '2020-01-02'), (2, null, null, null)",
    )
    assert read(file) == [
        {"number": 1, "name": "a\ufffdb", "made_at": datetime(2020, 1, 2, 3, 4, 5, 6, UTC), "day": date(2020, 1, 2)},
        {"number": 2, "name": None, "made_at": None, "day": None},
    ]


def test_several_files_are_one_source(tmp_path: Path) -> None:
    """As public and private rows of one publication will be."""
    files = [written(tmp_path / f"{number}.duckdb", f"values ({number}, 'x', null, null)") for number in (1, 2)]
    assert [row["number"] for row in read(*files)] == [1, 2]
    assert len({fingerprint(files), fingerprint(files[:1]), fingerprint(files[1:])}) == 3


def test_rows_come_in_batches(tmp_path: Path) -> None:
    """However many there are, a batch is of bounded size."""
    file = written(tmp_path / "many.duckdb", "select range, 'name', null, null from range(100_000)")
    with open_source([file]) as source:
        sizes = [batch.num_rows for batch in source.batches(TABLE)]
    assert sum(sizes) == 100_000
    assert max(sizes) <= 20_000


def test_the_files_of_a_publication_are_its_current_snapshot(made: MadeHome) -> None:
    assert files_of(made.home, PUBLICATION) == ()
    made.repository()
    snapshot = made.publish()
    assert files_of(made.home, PUBLICATION) == (snapshot.file,)
    before = fingerprint([snapshot.file])
    assert fingerprint([snapshot.file]) == before


def test_a_file_that_is_gone_or_no_database_is_told(tmp_path: Path) -> None:
    missing, garbage = tmp_path / "missing.duckdb", tmp_path / "garbage.duckdb"
    garbage.write_bytes(b"garbage" * 1000)
    with pytest.raises(SnapshotUnreadable, match="missing"):
        fingerprint([missing])
    for file in (missing, garbage):
        with pytest.raises(SnapshotUnreadable), open_source([file]):
            pass
