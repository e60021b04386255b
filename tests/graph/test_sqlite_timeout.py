"""Dagster's SQLite history: one engine for each file, and a wait for other writers that is long enough."""

from pathlib import Path

import sqlalchemy
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from sqlalchemy.pool import NullPool

from git_contrib_assets.graph.sqlite_timeout import prepare_sqlite


def engine(path: Path, **options: object) -> sqlalchemy.Engine:
    """As Dagster makes one for each statement."""
    return sqlite_event_log.create_engine(f"sqlite:///{path}", poolclass=NullPool, **options)


def test_each_file_has_one_engine(tmp_path: Path) -> None:
    prepare_sqlite()
    prepare_sqlite()  # once more changes nothing
    one = engine(tmp_path / "one.db", connect_args={"timeout": 30})
    assert engine(tmp_path / "one.db", connect_args={"timeout": 30}) is one
    assert engine(tmp_path / "one.db", connect_args={"timeout": 5}) is not one
    assert engine(tmp_path / "two.db", connect_args={"timeout": 30}) is not one


def test_an_engine_that_was_disposed_of_is_as_good_as_new(tmp_path: Path) -> None:
    """Dagster disposes of its engine after each statement."""
    prepare_sqlite()
    for _ in range(2):
        one = engine(tmp_path / "one.db")
        with one.connect() as connection:
            assert connection.execute(sqlalchemy.text("select 1")).scalar() == 1
        one.dispose()


def test_a_connection_waits_for_a_minute_and_syncs_when_it_must(tmp_path: Path) -> None:
    prepare_sqlite()
    with engine(tmp_path / "one.db").connect() as connection:
        waits = connection.execute(sqlalchemy.text("pragma busy_timeout")).scalar()
        synchronous = connection.execute(sqlalchemy.text("pragma synchronous")).scalar()
    assert (waits, synchronous) == (60_000, 1)
