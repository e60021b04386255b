"""A snapshot too large to be answered from memory."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from api.kit.snapshot import BATCH_ROWS


@pytest.fixture(scope="session")
def many() -> int:
    """More rows than are held in memory at a time."""
    return 2 * BATCH_ROWS + 17


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, snapshots_in, many) -> Path:
    """A folder with a snapshot of that many months."""
    published = snapshots_in(tmp_path_factory.mktemp("large") / "published")
    path = published.write("large", {}, complete_through=date(2017, 6, 30))
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into monthly_new_contributors select i // 300, 'acme/a-name-as-long-as-they-sometimes-are-' || i // 300,"
            " (date '2000-01-01' + to_months((i % 300)::integer))::date, i % 7, 0, i, false from range($rows) as made(i)",
            {"rows": many},
        )
    published.switch("large")
    return published.folder
