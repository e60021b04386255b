"""Addresses stay in the landing zone: neither the warehouse file nor a snapshot holds one; what stands for them is keyed."""

from pathlib import Path

import duckdb
import pytest
from histories import MadeHome, commit

from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.publish import current_file

ADDRESSES = [
    "planted.alpha@secret-one.example",
    "Planted.Beta@Secret-Two.example",
    "4711+planted-gamma@users.noreply.github.com",
    "planted.delta@secret-three.example",
    "planted.epsilon@secret-four.example",
]
DOMAINS = ["secret-one", "secret-two", "secret-three", "secret-four", "users.noreply"]


@pytest.fixture
def planted(made: MadeHome) -> MadeHome:
    """A home with addresses in every place where one can be."""
    commits = [commit(address, name=f"Person {number}") for number, address in enumerate(ADDRESSES)]
    commits.append(commit("", name="Person planted.delta@secret-three.example"))
    commits.append(commit("bare-word", name="planted.epsilon@secret-four.example"))
    made.repository(*commits, *(commit(f"filler{n}@secret-one.example", name=f"Filler {n}") for n in range(3000)))
    made.answer(ADDRESSES[0].lower(), 99, "alpha")
    made.answer(ADDRESSES[3].lower(), None)
    made.publish()
    return made


def published(made: MadeHome) -> Path:
    path = current_file(made.home, PUBLICATION)
    assert path is not None
    return path


def texts_with_an_at_sign(path: Path) -> list[str]:
    """Columns of stored tables that hold an @ anywhere."""
    found = []
    with duckdb.connect(str(path), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() where data_type like 'VARCHAR%'"
            " and not internal and (schema_name, table_name) in (select (schema_name, table_name) from duckdb_tables())"
        ).fetchall()
        assert columns
        for schema, table, column in columns:
            query = f'select count(*) from "{schema}"."{table}" where contains("{column}", \'@\')'  # noqa: S608
            if connection.execute(query).fetchall()[0][0]:
                found.append(f"{table}.{column}")
    return found


def test_no_stored_text_holds_an_at_sign_but_the_addresses_of_programs(planted: MadeHome) -> None:
    assert texts_with_an_at_sign(published(planted)) == []
    assert texts_with_an_at_sign(planted.home.warehouse) == ["known_bots.value"]  # the package brings them


def test_no_byte_of_the_files_is_of_an_address(planted: MadeHome) -> None:
    files = [path for path in planted.root.rglob("*") if path.is_file() and planted.home.landing not in path.parents]
    assert {published(planted), planted.home.warehouse} <= set(files)
    for path in files:
        content = path.read_bytes().lower()
        for word in [*ADDRESSES, *DOMAINS]:
            assert word.lower().encode() not in content, f"{word} in {path.name}"
    landed = planted.landing.folder.rglob("*.parquet")
    assert any(b"secret-one" in path.read_bytes() for path in landed)  # where they belong


def test_a_name_with_an_at_sign_is_null(planted: MadeHome) -> None:
    names = {row["name"] for row in planted.contributors() if row["identity"] == "name"}
    assert names == {None}


@pytest.mark.parametrize("name", ["", "  "])
def test_a_blank_name_is_null(made: MadeHome, name: str) -> None:
    made.repository(commit(name=name))
    assert [row["name"] for row in made.contributors()] == [None]


def test_contributor_ids_are_the_same_after_a_rebuild(planted: MadeHome) -> None:
    before = planted.contributors()
    planted.home.warehouse.unlink()
    planted.build()
    assert planted.contributors() == before


def test_contributor_ids_of_addresses_and_names_differ_with_another_key(planted: MadeHome) -> None:
    before = planted.contributors()
    (planted.landing.folder / "key").write_text("0" * 64)
    planted.build()
    hashed = [
        {row["contributor_id"] for row in rows if row["identity"] in {"email", "name"}}
        for rows in (before, planted.contributors())
    ]
    assert len(hashed[0]) == len(hashed[1]) > 3000
    assert not hashed[0] & hashed[1]
    public = [
        {row["contributor_id"] for row in rows if row["identity"] == "account"}
        for rows in (before, planted.contributors())
    ]
    assert public[0] == public[1] == {"github:99", "github:4711"}


def test_the_key_is_in_no_file_but_its_own(planted: MadeHome) -> None:
    key = planted.landing.key()
    holders = [path for path in planted.root.rglob("*") if path.is_file() and key in path.read_bytes()]
    assert holders == [planted.landing.folder / "key"]
    assert holders[0].stat().st_mode & 0o777 == 0o600
