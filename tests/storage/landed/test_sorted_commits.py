"""The order of landing files: the same whatever comes in, with bounded memory, nothing lost and nothing left behind."""

import random
from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from git_contrib_assets.sources.histories.protocol import COMMIT_SCHEMA
from git_contrib_assets.storage.landed.sorted_commits import in_order

SMALL = {"rows_per_run": 50, "rows_per_read": 7}
START = datetime.fromisoformat("2020-01-01T00:00:00")


def made(number, seed):
    """Commits in no order at all, many of them in the same second."""
    chance = random.Random(seed)  # noqa: S311
    return [
        {
            "sha": f"{chance.getrandbits(160):040x}",
            "parent_count": 1,
            "author_name": "Ann",
            "author_email": f"person{one}@example.com",
            "authored_at": START,
            "committed_at": START + timedelta(seconds=chance.randrange(number // 2 + 1)),
        }
        for one in range(number)
    ]


def batches(rows, size):
    for start in range(0, len(rows), size):
        yield pa.RecordBatch.from_pylist(rows[start : start + size], COMMIT_SCHEMA)


def tables(rows, size):
    return (pa.Table.from_batches([batch]) for batch in batches(rows, size))


def expected(rows):
    by_sha = sorted(rows, key=lambda row: row["sha"])
    return sorted(by_sha, key=lambda row: row["committed_at"], reverse=True)


def ordered(tmp_path, incoming, landed=None):
    with in_order(incoming, tmp_path / "file.tmp", landed=landed, **SMALL) as found:
        rows = [row for table in found for row in table.to_pylist()]
    assert list(tmp_path.iterdir()) == []
    return rows


@pytest.mark.parametrize("number", [0, 1, 49, 50, 51, 320])
@pytest.mark.parametrize("size", [1, 13, 60])
def test_what_comes_in_any_order_comes_out_in_one(tmp_path, number, size):
    rows = made(number, seed=number)
    assert ordered(tmp_path, batches(rows, size)) == expected(rows)


@pytest.mark.parametrize("number", [0, 3, 120])
def test_what_is_landed_is_merged_in(tmp_path, number):
    old, new = made(200, seed=1), made(number, seed=2)
    assert ordered(tmp_path, batches(new, 10), tables(expected(old), 32)) == expected(old + new)


def test_a_landed_file_without_order_loses_nothing(tmp_path):
    old, new = made(200, seed=3), made(90, seed=4)
    found = ordered(tmp_path, batches(new, 10), tables(old, 32))
    assert expected(found) == expected(old + new)


def test_no_more_than_a_run_is_held_while_it_comes_in(tmp_path):
    """What is read lies on disk before more is asked for."""
    on_disk = []

    def watched():
        for batch in batches(made(300, seed=5), 25):
            on_disk.append(len(list(tmp_path.iterdir())))
            yield batch

    with in_order(watched(), tmp_path / "file.tmp", **SMALL) as found:
        assert sum(table.num_rows for table in found) == 300
    assert on_disk == [number // 2 for number in range(12)]


def test_a_source_that_fails_leaves_nothing_behind(tmp_path):
    def failing():
        yield from batches(made(120, seed=6), 20)
        raise ConnectionError

    with pytest.raises(ConnectionError), in_order(failing(), tmp_path / "file.tmp", **SMALL):
        pass
    assert list(tmp_path.iterdir()) == []
