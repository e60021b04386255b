"""Reading a snapshot for the command line: names, rows, files."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pyarrow.parquet as pq
import pytest
from histories import NOW, MadeHome, at, commit

from git_contrib_assets.errors import NotPublished, SnapshotUnreadable, UsageError
from git_contrib_assets.serving.contract.contributors import (
    CONTRIBUTORS,
    FIRST_COMMITS,
    MONTHLY_NEW_CONTRIBUTORS,
    PUBLICATION,
    REPOSITORIES,
)
from git_contrib_assets.serving.read import Snapshot, open_snapshot
from git_contrib_assets.tables import Table

NASTY = 'Ann "the, comma"\r\nLee 🦆 ; =1+1'


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """Five repositories, two of them of one short name."""
    made = MadeHome(tmp_path_factory.mktemp("read") / "home")
    made.repository(commit(name=NASTY), commit("bob@example.com", "2020-12-31T23:59:59"), name="acme/anvil")
    made.repository(commit(), repository_id=2, name="acme/Bolt", is_fork=True, language=None)
    made.repository(repository_id=3, name="emca/bolt", created="2021-02-01")
    made.repository(repository_id=4, name="bolt/acme", never_read=True)
    made.repository(
        commit("x@example.com", "2020-11-01"), repository_id=5, name="acme/gone", missing_since=at("2021-01-01")
    )
    made.repository(commit("y@example.com", "2021-02-01"), repository_id=6, name="acme/gone", created="2021-02-01")
    made.publish()
    with open_snapshot(made.home) as opened:
        yield opened


def written(snapshot: Snapshot, table: Table, form: str, **options: Any) -> bytes:
    sink = io.BytesIO()
    snapshot.write(table, form, sink, **options)
    return sink.getvalue()


def test_nothing_published_is_told(made: MadeHome) -> None:
    with pytest.raises(NotPublished, match="run `git-contrib run`"), open_snapshot(made.home):
        pass


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "is missing although the link names it"), (b"garbage", "not as it was published")],
)
def test_a_file_that_cannot_be_read_is_not_called_unpublished(made: MadeHome, content: bytes | None, said: str) -> None:
    made.repository(commit())
    file = made.publish().file
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SnapshotUnreadable, match=f"Snapshot {file.stem} .*{said}"), open_snapshot(made.home):
        pass


def test_damage_that_shows_while_it_is_read_has_its_name_too(made: MadeHome) -> None:
    """As in a file of an earlier version, which has no checksum."""
    made.repository(*(commit(f"{number}@example.com", name=f"{number}") for number in range(3000)))
    file = made.publish().file
    (file.parent / "checksums.json").unlink()
    file.chmod(0o644)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(SnapshotUnreadable, match=f"Snapshot {file.stem} is damaged"):
        read_everything(made)


def read_everything(made: MadeHome) -> None:
    with open_snapshot(made.home) as opened:
        for table in PUBLICATION.all_tables:
            opened.rows(table)


def test_rows_of_a_table(snapshot: Snapshot) -> None:
    found = snapshot.rows(MONTHLY_NEW_CONTRIBUTORS)
    assert [(row["repository"], row["date"], row["repository_id"]) for row in found] == sorted(
        (row["repository"], row["date"], row["repository_id"]) for row in found
    )
    assert list(found[0]) == list(MONTHLY_NEW_CONTRIBUTORS.column_names)


def test_rows_of_a_repository(snapshot: Snapshot) -> None:
    found = snapshot.rows(MONTHLY_NEW_CONTRIBUTORS, repository="emca/bolt")
    assert [(row["date"], row["number_of_new_contributors"]) for row in found] == [
        (date(2021, 2, 1), 0),
        (date(2021, 3, 1), 0),
    ]
    assert snapshot.rows(MONTHLY_NEW_CONTRIBUTORS, repository="acme'; --") == []


def test_the_last_months(snapshot: Snapshot) -> None:
    months = snapshot.last_months(4)
    assert months["acme/anvil"] == [1, 0, 0, 0]
    assert months["emca/bolt"] == [0, 0]
    assert "bolt/acme" not in months


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("acme/anvil", "acme/anvil"),
        ("ACME/Anvil", "acme/anvil"),
        ("anvil", "acme/anvil"),
        ("acme/bolt", "acme/Bolt"),
        ("acme", "bolt/acme"),  # an owner's name that is a repository's too
    ],
)
def test_a_name_is_resolved(snapshot: Snapshot, name: str, full: str) -> None:
    assert snapshot.resolve(name) == full


def test_a_short_name_of_several_is_not_resolved(snapshot: Snapshot) -> None:
    with pytest.raises(UsageError, match="say which of acme/Bolt, emca/bolt"):
        snapshot.resolve("bolt")


@pytest.mark.parametrize("name", ["acme/gone", "gone"])
def test_a_name_that_a_vanished_repository_had_too_is_resolved(snapshot: Snapshot, name: str) -> None:
    assert snapshot.resolve(name) == "acme/gone"


def test_an_unknown_name_is_answered_with_near_ones(snapshot: Snapshot) -> None:
    with pytest.raises(UsageError, match=r"No repository 'acme/anvli' is collected: did you mean acme/anvil"):
        snapshot.resolve("acme/anvli")
    with pytest.raises(UsageError):
        snapshot.resolve("%")
    with pytest.raises(UsageError):
        snapshot.resolve("")


def test_an_unknown_name_without_any_repository(made: MadeHome) -> None:
    made.publish()
    with open_snapshot(made.home) as empty, pytest.raises(UsageError, match=r"'anvil' is collected$"):
        empty.resolve("anvil")


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}Z"
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("table", PUBLICATION.all_tables, ids=lambda table: table.name)
@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_json_holds_every_value(snapshot: Snapshot, table: Table, form: str) -> None:
    text = written(snapshot, table, form)
    found = json.loads(text) if form == "json" else [json.loads(line) for line in text.splitlines()]
    assert found == [{name: plain(value) for name, value in row.items()} for row in snapshot.rows(table)]
    assert all(list(row) == list(table.column_names) for row in found)


@pytest.mark.parametrize("table", PUBLICATION.all_tables, ids=lambda table: table.name)
def test_csv_holds_every_value(snapshot: Snapshot, table: Table) -> None:
    header, *lines = csv.reader(io.StringIO(written(snapshot, table, "csv").decode(), newline=""))
    assert header == list(table.column_names)
    expected = []
    for row in snapshot.rows(table):
        values = [str(value).lower() if isinstance(value, bool) else plain(value) for value in row.values()]
        expected.append(["" if value is None else str(value) for value in values])
    assert lines == expected


@pytest.mark.parametrize("table", PUBLICATION.all_tables, ids=lambda table: table.name)
def test_parquet_holds_every_value_with_its_type(snapshot: Snapshot, table: Table) -> None:
    found = pq.read_table(io.BytesIO(written(snapshot, table, "parquet")))
    assert found.to_pylist() == snapshot.rows(table)
    types = {
        "BIGINT": "int64",
        "VARCHAR": "string",
        "DATE": "date32[day]",
        "TIMESTAMP": "timestamp[us]",
        "BOOLEAN": "bool",
    }
    types["INTEGER"] = "int32"
    assert [str(field.type) for field in found.schema] == [types[column.type] for column in table.columns]


def test_dates_and_times_as_they_are_written(snapshot: Snapshot) -> None:
    lines = written(snapshot, MONTHLY_NEW_CONTRIBUTORS, "csv", repository="emca/bolt").decode().splitlines()
    assert lines == [
        ",".join(MONTHLY_NEW_CONTRIBUTORS.column_names),
        "3,emca/bolt,2021-02-01,0,0,0,false",
        "3,emca/bolt,2021-03-01,0,0,0,false",
    ]
    first, second = (
        json.loads(line) for line in written(snapshot, FIRST_COMMITS, "ndjson", repository="acme/anvil").splitlines()
    )
    assert (first["first_commit_at"], first["date"]) == ("2020-05-10T12:00:00Z", "2020-05-01")
    assert (second["first_commit_at"], second["date"]) == ("2020-12-31T23:59:59Z", "2020-12-01")


def test_a_name_with_everything_in_it_survives(snapshot: Snapshot) -> None:
    reader = csv.DictReader(io.StringIO(written(snapshot, CONTRIBUTORS, "csv").decode(), newline=""))
    assert NASTY in {row["name"] for row in reader}
    assert NASTY in {json.loads(line)["name"] for line in written(snapshot, CONTRIBUTORS, "ndjson").splitlines()}


def test_a_table_without_rows_has_its_header(made: MadeHome) -> None:
    made.publish()
    with open_snapshot(made.home) as empty:
        assert written(empty, REPOSITORIES, "csv").decode() == ",".join(REPOSITORIES.column_names) + "\n"
        assert written(empty, REPOSITORIES, "json") == b"[]\n"
        assert written(empty, REPOSITORIES, "ndjson") == b""
        parquet = pq.read_table(io.BytesIO(written(empty, REPOSITORIES, "parquet")))
        assert (parquet.num_rows, parquet.column_names) == (0, list(REPOSITORIES.column_names))


def test_the_time_of_a_check_of_another_snapshot_does_not_count(made: MadeHome) -> None:
    made.publish()
    checked = made.home.published / "checked.json"
    for content in (b"", b"[]", b'{"snapshot_id": "another", "checked_at": "2099-01-01T00:00:00Z"}', b"\xff"):
        checked.write_bytes(content)
        with open_snapshot(made.home) as opened:
            assert opened.about()["checked_at"] == NOW
