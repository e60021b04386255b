"""A published file opens in DuckDB 1.1 and later: in these versions themselves, installed for this test."""

import subprocess
import sys
from pathlib import Path

import pytest
from histories import MadeHome, commit

from git_contrib_assets.serving.contract import PRIVATE_PUBLICATIONS, PUBLICATIONS
from git_contrib_assets.serving.contract.contributors import PUBLICATION

OF_DUCKDB_1_1 = {"VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP"}
"""Types that 1.1 has. A column of a newer one would shut the whole file there."""
READ = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
tables = [row[0] for row in connection.execute("select table_name from duckdb_tables() order by 1").fetchall()]
for table in tables:
    connection.execute(f"select max(hash(t)) from {table} t").fetchall()
print(duckdb.__version__, connection.execute("select sum(number_of_new_contributors) from monthly_new_contributors").fetchone()[0],
      connection.execute("select comment from duckdb_tables() where table_name = 'contributors'").fetchone()[0], *tables, sep="|")
"""


def test_no_column_has_a_type_that_older_versions_do_not_know() -> None:
    types = {
        column.type
        for one in (*PUBLICATIONS, *PRIVATE_PUBLICATIONS)
        for table in one.all_tables
        for column in table.columns
    }
    assert types <= OF_DUCKDB_1_1


@pytest.mark.parametrize("version", ["1.1.3", "1.4.4"])
def test_older_versions_open_the_file(made: MadeHome, tmp_path: Path, version: str) -> None:
    wanted = ["--target", str(tmp_path / "older"), "--no-deps", "--only-binary", ":all:", f"duckdb=={version}"]
    installed = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *wanted], capture_output=True, text=True, timeout=240
    )
    if installed.returncode:
        pytest.skip(f"DuckDB {version} cannot be installed here: {installed.stderr.splitlines()[-1:]}")
    made.repository(commit(), commit("bob@example.com", "2020-07-01"))
    file = made.publish().file
    read = subprocess.run(
        [sys.executable, "-c", READ, str(file)],
        env={"PYTHONPATH": str(tmp_path / "older")},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert read.returncode == 0, read.stderr
    found, newcomers, comment, *tables = read.stdout.strip().split("|")
    assert (found, newcomers) == (version, "2")
    assert comment
    assert set(tables) == {table.name for table in PUBLICATION.all_tables}
