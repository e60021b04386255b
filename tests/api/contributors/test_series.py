"""One repository's months from memory: the same rows as by the select, whatever lies where."""

from datetime import date

import duckdb
import pytest

from api.contributors.opened import Opened, months_of
from api.kit.settings import Settings
from api.kit.snapshot import Snapshot
from git_contrib_assets.serving.contract.contributors import PUBLICATION

MONTHS = [date(year, month, 1) for year in (2015, 2016, 2017) for month in range(1, 13)]
BETWEEN = [(date.min, date.max), (date(2016, 2, 1), date(2016, 5, 1)), (date(2040, 1, 1), date.max)]


def both(snapshot: Snapshot, name: str, first: date, last: date) -> tuple[list[dict], list[dict]]:
    """From memory, and by the select."""
    opened = snapshot.opened(Opened)
    (found,) = opened.named(name)
    from_memory = months_of(snapshot, found, first, last)
    opened.series = None
    return from_memory, months_of(snapshot, found, first, last)


@pytest.fixture
def opened(snapshots_in, tmp_path):
    """Opens a snapshot after changing how its months are stored."""
    snapshots = []

    def make(*statements: str) -> Snapshot:
        published = snapshots_in(tmp_path / "published")
        path = published.write(f"s{len(snapshots)}", {})
        with duckdb.connect(str(path)) as connection:
            connection.execute(
                "insert into repositories by name select i as repository_id, 'acme/r' || i as repository,"
                " 1 as owner_id, 'acme' as owner, 'r' || i as name, 'complete' as state, false as is_fork,"
                " false as is_archived from range(1, 5) as made(i)"
            )
            connection.execute(
                "insert into monthly_new_contributors select i, 'acme/r' || i, month, (i * 7 + epoch(month)) % 5,"
                " i % 2, i * 1000 + epoch(month) % 997, false from range(1, 4) as made(i), unnest($months) as m(month)"
                " order by i, month",
                {"months": MONTHS},
            )
            for statement in statements:
                connection.execute(statement)
        snapshots.append(Snapshot(path, Settings(published=path.parent), PUBLICATION, [Opened]))
        return snapshots[-1]

    yield make
    for snapshot in snapshots:
        snapshot.close()


@pytest.mark.parametrize(("first", "last"), BETWEEN)
@pytest.mark.parametrize("name", ["acme/r1", "r2", "acme/r3", "acme/r4"])
def test_the_rows_are_those_of_the_select(opened, name, first, last):
    snapshot = opened()
    assert snapshot.opened(Opened).series is not None
    from_memory, by_select = both(snapshot, name, first, last)
    assert from_memory == by_select
    assert len(from_memory) == (0 if name == "acme/r4" else sum(first <= month <= last for month in MONTHS))


@pytest.mark.parametrize(
    "statement",
    [
        "insert into monthly_new_contributors values (1, 'acme/r1', '2018-01-01', 1, 0, 9, false)",  # away from its others
        "delete from monthly_new_contributors where repository_id = 1 and year(date) = 2016",
        "delete from monthly_new_contributors where repository_id = 1",
        "update monthly_new_contributors set cumulative_contributors = 5000000000 where repository_id = 3",
        "update monthly_new_contributors set number_of_new_bots = null where repository_id = 3",
    ],
)
def test_a_file_that_lies_otherwise_is_answered_all_the_same(opened, statement):
    snapshot = opened(statement)
    for name in ("acme/r1", "acme/r2", "acme/r3"):
        (found,) = snapshot.opened(Opened).named(name)
        expected = snapshot.run(
            "select date, number_of_new_bots, cumulative_contributors from monthly_new_contributors"
            " where repository = $name order by date",
            {"name": name},
        )
        rows = months_of(snapshot, found, date.min, date.max)
        assert [{column: row[column] for column in one} for row, one in zip(rows, expected, strict=True)] == expected
