"""What is made in PostgreSQL follows from the contract."""

import re
from itertools import chain

import pytest
from postgresql_scene import Database

from git_contrib_assets.serving.contract import PRIVATE_PUBLICATIONS, PUBLICATIONS
from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.postgresql.schema import (
    COPIES,
    LOOK,
    TYPES,
    Present,
    check_fits,
    key_statements,
    named_tables,
    statements,
)
from git_contrib_assets.serving.postgresql.session import connected

EVERY = (*PUBLICATIONS, *PRIVATE_PUBLICATIONS)
LONGEST_NAME = 63  # PostgreSQL cuts what is longer


def test_no_two_published_tables_have_one_name_there() -> None:
    names = [*chain.from_iterable(named_tables(one) for one in EVERY), COPIES.name]
    assert len(names) == len(set(names))


def test_every_published_type_has_its_own() -> None:
    columns = [column for one in EVERY for table in one.all_tables for column in table.columns]
    assert {column.type for column in columns} <= set(TYPES)


def test_names_are_not_cut() -> None:
    made = [
        text
        for one in EVERY
        for text in (*statements(Present(), named_tables(one)), *key_statements(Present(), named_tables(one), one))
    ]
    names = set(re.findall(r'"(\w+)"', "\n".join(made)))
    assert names
    assert max(map(len, names)) <= LONGEST_NAME


@pytest.mark.parametrize("publication", EVERY, ids=lambda one: one.name)
def test_tables_come_after_those_they_refer_to(publication) -> None:
    order = list(named_tables(publication))
    for name, table in named_tables(publication).items():
        for reference in table.references:
            assert order.index(publication.name_among_all(reference.table)) < order.index(name)


def test_what_is_made_is_recognised_and_not_made_again(database: Database) -> None:
    """All tables, keys, foreign keys, their indexes and comments."""
    tables = {COPIES.name: COPIES, **named_tables(PUBLICATION)}
    with connected(database.address) as session:
        before = Present.parse(session.rows(LOOK)[0][0])
        assert before == Present()
        for statement in (*statements(before, tables), *key_statements(before, tables, PUBLICATION)):
            session.run(statement)
        after = Present.parse(session.rows(LOOK)[0][0])
        keys = session.rows(
            "select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint "
            "where connamespace = 'git_contrib'::regnamespace"
        )
        comments = session.rows("select obj_description('git_contrib.repositories'::regclass, 'pg_class')")
    assert list(statements(after, tables)) == []
    assert list(key_statements(after, tables, PUBLICATION)) == []
    check_fits(after, tables)
    assert set(after.tables) == set(tables)
    for name, table in tables.items():
        assert (f"git_contrib.{name}", f"PRIMARY KEY ({', '.join(table.key)})") in keys
    assert {
        (
            "git_contrib.first_commits",
            "FOREIGN KEY (contributor_id) REFERENCES git_contrib.contributors(contributor_id)",
        ),
        ("git_contrib.first_commits", "FOREIGN KEY (repository_id) REFERENCES git_contrib.repositories(repository_id)"),
        (
            "git_contrib.monthly_new_contributors",
            "FOREIGN KEY (repository_id) REFERENCES git_contrib.repositories(repository_id)",
        ),
        ("git_contrib.repositories", "FOREIGN KEY (owner_id) REFERENCES git_contrib.owners(owner_id)"),
    } == {(table, key) for table, key in keys if key.startswith("FOREIGN")}
    assert comments == [("One row per public repository ever listed (copied by git-contrib)",)]
