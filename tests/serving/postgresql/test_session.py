"""What the driver and the server say, as errors of ours: one sentence each."""

import sys
import tomllib
from pathlib import Path

import pytest
from postgresql_scene import Database, address_of

from git_contrib_assets.errors import CopyFailed, DatabaseRefused, DatabaseUnreachable, GitContribError, UsageError
from git_contrib_assets.serving.postgresql.session import DRIVER, connected

ROOT = Path(__file__).parents[3]


def failure(url: str) -> GitContribError:
    """What connecting raises."""
    with pytest.raises(GitContribError) as raised, connected(address_of(url)):
        pass
    return raised.value


def test_a_wrong_password(database: Database) -> None:
    error = failure(database.server.url(database.name, password="open-sesame"))
    assert isinstance(error, DatabaseRefused)
    assert str(error).startswith(f"PostgreSQL at {database.place} refuses the user or the password (")
    assert str(error).endswith("correct GIT_CONTRIB_POSTGRES_URL, PGPASSWORD or ~/.pgpass")
    assert "sesame" not in str(error)


def test_a_wrong_password_that_is_a_word_of_the_complaint(database: Database) -> None:
    """Short as it is, it is not shown."""
    error = failure(database.server.url(database.name, user="nobody", password="user"))
    assert isinstance(error, DatabaseRefused)
    assert 'for user "' not in str(error)


def test_no_password(database: Database) -> None:
    assert isinstance(failure(database.url_without_password), DatabaseRefused)


def test_no_such_user(database: Database) -> None:
    assert isinstance(failure(database.server.url(database.name, user="nobody", password="x")), DatabaseRefused)


def test_no_such_database(database: Database) -> None:
    error = failure(database.server.url("no_such_database"))
    assert isinstance(error, DatabaseUnreachable)
    assert "has no such database" in str(error)
    assert str(error).endswith("create it, or correct the name")


def test_no_server() -> None:
    error = failure("postgresql://ann:open-sesame@127.0.0.1:1/stats")
    assert isinstance(error, DatabaseUnreachable)
    assert str(error).startswith("PostgreSQL at 127.0.0.1:1/stats cannot be reached (")
    assert "Connection refused" in str(error)
    assert "\n" not in str(error)


def test_no_such_service() -> None:
    assert "cannot be reached" in str(failure("postgresql:///?service=no_such_service"))


def test_an_error_shows_neither_statement_nor_row(database: Database) -> None:
    with connected(database.address) as session:
        session.run("create table secrets (word text primary key)")
        session.run("insert into secrets values ('a word of a row')")
        with pytest.raises(CopyFailed, match="duplicate key value") as raised:
            session.run("insert into secrets values ('a word of a row')")
    assert "a word of a row" not in str(raised.value)
    assert "insert into" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_transaction_that_fails_is_undone_and_the_next_one_works(database: Database) -> None:
    with connected(database.address) as session:
        with session.transaction():
            session.run("create table numbers (number integer)")
        with pytest.raises(ZeroDivisionError), session.transaction():
            assert 1 / (session.run("insert into numbers values (1)") - 1)
        with session.transaction():
            assert session.run("insert into numbers select generate_series(1, 3)") == 3
    assert database.query("select sum(number) from numbers") == "6"


def test_without_the_driver_the_sentence_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the very requirement that is the extra."""
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    with (
        pytest.raises(UsageError, match=r"python -m pip install '([^']+)'") as raised,
        connected(address_of("postgresql://db.example")),
    ):
        pass
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["optional-dependencies"] == {"postgresql": [DRIVER]}
    assert f"'{DRIVER}'" in str(raised.value)
    assert not [one for one in project["dependencies"] if one.startswith("adbc")]
