"""Commit files: all at once or not at all, and a damaged one is never believed."""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from histories import land_history
from hypothesis import given, settings
from hypothesis import strategies as st

from git_contrib_assets.errors import LandingFileCorrupt, StorageFull
from git_contrib_assets.sources.histories.protocol import COMMIT_SCHEMA, History
from git_contrib_assets.storage.landed.commits import LANDED_COMMIT_SCHEMA, LandedHistory
from git_contrib_assets.storage.landing_zone import LandingZone
from git_contrib_assets.storage.warehouse import define_macros

NOON = datetime.fromisoformat("2023-11-14T12:00:00")


def batch(*rows):
    """Rows of (sha, email)."""
    columns = [
        [sha for sha, _ in rows],
        [1] * len(rows),
        ["Ann"] * len(rows),
        [email for _, email in rows],
        [NOON] * len(rows),
        [NOON] * len(rows),
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, COMMIT_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=COMMIT_SCHEMA)


def sha(number):
    return f"{number:040x}"


def footer(repository_id=1, **more):
    landed = LandedHistory(
        repository_id=repository_id,
        tip=sha(9),
        default_branch="main",
        listed_branch="main",
        source="git",
        fetched_at=NOON,
        pushed_at=NOON - timedelta(days=1),
        listed_at=NOON - timedelta(hours=1),
        commits=0,
    )
    return replace(landed, **more)


def write(landing, *batches, repository_id=1, **more):
    history = History(tip=sha(9), default_branch="main", requests=3, batches=iter(batches))
    return land_history(landing, footer(repository_id, **more), history)


def rows(landing, repository_id=1):
    return pq.ParquetFile(landing.commits.file(repository_id)).read().to_pylist()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Writing


def test_what_is_written_is_read_again(landing):
    done = write(landing, batch((sha(3), "a@x"), (sha(2), "b@x")), batch((sha(1), "a@x")))
    assert done.commits == 3
    assert landing.commits.landed(1) == done
    assert sorted(row["sha"] for row in rows(landing)) == [sha(1), sha(2), sha(3)]
    assert {row["repository_id"] for row in rows(landing)} == {1}
    assert pq.ParquetFile(landing.commits.file(1)).schema_arrow.equals(LANDED_COMMIT_SCHEMA)


def test_every_word_of_the_footer_comes_back(landing):
    done = write(
        landing, tip=None, default_branch=None, listed_branch=None, pushed_at=None, emptied=True, source="rest"
    )
    assert landing.commits.landed(1) == done
    assert done.definition_version >= 1


def test_no_commits_are_a_file_too(landing):
    assert write(landing, tip=None).commits == 0
    assert landing.commits.landed(1).tip is None
    assert landing.commits.first_shas(1) == {}


def test_more_commits_than_fit_into_a_group(landing):
    batches = [
        batch(*((sha(start + number), f"p{number % 7}@x") for number in range(9000)))
        for start in range(0, 90_000, 9000)
    ]
    write(landing, *batches)
    assert landing.commits.landed(1).commits == 90_000
    assert len({row["sha"] for row in rows(landing)}) == 90_000
    assert len(landing.commits.first_shas(1)) == 7


def test_a_history_that_breaks_off_leaves_the_old_file_and_nothing_else(landing):
    before = write(landing, batch((sha(1), "a@x")))

    def breaks_off():
        yield batch(*((sha(number), "b@x") for number in range(40_000)))
        raise LookupError

    with pytest.raises(LookupError):
        land_history(landing, footer(), History(sha(2), "main", 1, breaks_off()))
    assert landing.commits.landed(1) == before
    assert len(rows(landing)) == 1
    assert names(landing.commits.folder) == ["0.parquet", "1.parquet"]


def test_a_first_history_that_breaks_off_leaves_nothing(landing):
    def breaks_off():
        yield batch((sha(1), "a@x"))
        raise LookupError

    with pytest.raises(LookupError):
        land_history(landing, footer(), History(sha(2), "main", 1, breaks_off()))
    assert landing.commits.landed(1) is None
    assert names(landing.commits.folder) == ["0.parquet"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("how", ["write", "stamp"])
def test_a_full_disk_keeps_the_old_file(landing, how):
    before = write(landing, batch((sha(1), "a@x")))
    path = landing.commits.file(1)
    path.with_name(f"{path.name}.{os.getpid()}.tmp").symlink_to("/dev/full")
    many = batch(*((sha(number), f"{number}@x") for number in range(70_000)))
    work = {
        "write": lambda: write(landing, many),
        "stamp": lambda: landing.commits.stamp(footer(tip=sha(5), commits=1)),
    }
    with pytest.raises(StorageFull):
        work[how]()
    assert landing.commits.landed(1) == before
    assert names(landing.commits.folder) == ["0.parquet", "1.parquet"]


def test_a_stamp_changes_the_footer_and_keeps_every_row(landing):
    batches = [batch(*((sha(start + number), f"p{number % 9}@x") for number in range(20_000))) for start in (0, 20_000)]
    done = write(landing, *batches)
    before = rows(landing)
    stamped = replace(done, tip=sha(7), listed_at=NOON + timedelta(days=3), emptied=True)
    landing.commits.stamp(stamped)
    assert landing.commits.landed(1) == stamped
    assert rows(landing) == before
    assert names(landing.commits.folder) == ["0.parquet", "1.parquet"]


def test_a_stamp_on_no_commits(landing):
    done = write(landing, tip=None)
    landing.commits.stamp(replace(done, listed_at=NOON + timedelta(days=3)))
    assert landing.commits.landed(1).listed_at == NOON + timedelta(days=3)


# Damage


def damaged(content, how):
    match how:
        case "nothing":
            return b""
        case "garbage":
            return b"PAR1 no parquet at all PAR1"
        case "truncated":
            return content[: len(content) // 2]
        case "footer cut":
            return content[:-3]
        case "data flipped":
            middle = content.index(b"\x28\xb5\x2f\xfd") + 12  # inside the first compressed page
            return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]
    raise ValueError(how)


DAMAGES = ["nothing", "garbage", "truncated", "footer cut", "data flipped"]


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_file_is_set_aside_with_its_reason(landing, how):
    """It counts as never landed, so that it is fetched again; what was in it can still be looked at."""
    write(landing, batch(*((sha(number), f"p{number}@x") for number in range(300))))
    path = landing.commits.file(1)
    content = damaged(path.read_bytes(), how)
    path.write_bytes(content)
    assert landing.commits.landed(1) is None
    assert not path.exists()
    folder = landing.folder / "set_aside"
    assert (folder / "1.parquet").read_bytes() == content
    line = orjson.loads((folder / "reasons.ndjson").read_bytes())
    assert line["file"] == "1.parquet"
    assert line["reason"]


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b'{"commits": 1}', b'{"commits": "1"}'],
)
def test_a_footer_that_is_none_of_ours_is_damage(landing, text):
    table = pa.Table.from_batches([batch((sha(1), "a@x"))]).add_column(0, LANDED_COMMIT_SCHEMA.field(0), pa.array([1]))
    pq.write_table(
        table.cast(LANDED_COMMIT_SCHEMA).replace_schema_metadata({"git_contrib": text}), landing.commits.file(1)
    )
    assert landing.commits.landed(1) is None
    assert names(landing.folder / "set_aside") == ["1.parquet", "reasons.ndjson"]


def test_a_file_without_our_footer_is_damage(landing):
    pq.write_table(pa.table({"sha": ["a"]}), landing.commits.file(1))
    assert landing.commits.landed(1) is None


def test_rows_that_are_not_as_many_as_the_footer_says_are_damage(landing):
    done = write(landing, batch((sha(1), "a@x"), (sha(2), "b@x")))
    landing.commits.stamp(replace(done, commits=3))
    assert landing.commits.landed(1) is None


def test_the_newest_of_a_name_is_kept_aside(landing):
    for content in (b"first", b"second"):
        landing.commits.file(1).write_bytes(content)
        landing.commits.landed(1)
    folder = landing.folder / "set_aside"
    assert (folder / "1.parquet").read_bytes() == b"second"
    assert len((folder / "reasons.ndjson").read_bytes().splitlines()) == 2


@pytest.mark.parametrize("how", DAMAGES)
def test_all_files_are_verified_and_only_the_damaged_ones_go(landing, how):
    for repository_id in (1, 2, 3):
        write(landing, batch(*((sha(number), f"p{number}@x") for number in range(300))), repository_id=repository_id)
    path = landing.commits.file(2)
    path.write_bytes(damaged(path.read_bytes(), how))
    (error,) = landing.commits.verify()
    assert isinstance(error, LandingFileCorrupt)
    assert error.path == path
    assert "2.parquet" in str(error)
    assert names(landing.commits.folder) == ["0.parquet", "1.parquet", "3.parquet"]
    assert landing.commits.verify() == []


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_anywhere_is_damage_or_harmless(tmp_path_factory, data):
    """Whatever byte is wrong: the file is set aside, or its rows are what they were."""
    landing = _shared_landing(tmp_path_factory)
    path = landing.commits.file(1)
    write(landing, batch(*((sha(number), f"p{number}@x") for number in range(20))))
    whole, content = rows(landing), bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    if landing.commits.landed(1) is not None:
        assert rows(landing) == whole


_landings = []


def _shared_landing(factory):
    if not _landings:
        from git_contrib_assets.storage.home import Home

        home = Home(factory.mktemp("shared") / "home")
        home.prepare()
        landing = LandingZone(home)
        landing.prepare()
        _landings.append(landing)
    return _landings[0]


# Addresses


def test_one_sha_per_address_and_it_is_the_smallest(landing):
    write(
        landing,
        batch((sha(5), "ann@x"), (sha(3), " Ann@X\t"), (sha(4), "bob@x")),
        batch((sha(1), "ANN@x\n"), (sha(2), "")),
    )
    assert landing.commits.first_shas(1) == {"ann@x": sha(1), "bob@x": sha(4), "": sha(2)}


@pytest.fixture(scope="module")
def macro():
    """The macro as the tables use it."""
    with duckdb.connect() as connection:
        connection.execute("create schema typed")
        define_macros(connection)
        yield connection


odd = st.sampled_from(
    list(
        "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u2003\ufeff\0\x7f\u0130\u0131\u1e9e\u017f\u212a\u03a3\u03c2\u01c5\ufb00aA@."
    )
)
written = st.lists(st.text(max_size=12) | st.text(odd, max_size=12), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(emails=written)
def test_addresses_are_normalised_as_the_tables_do_it(macro, tmp_path_factory, emails):
    """Else an answer would not be found again for the address that was asked about."""
    landing = _shared_landing(tmp_path_factory)
    write(landing, batch(*((sha(number), email) for number, email in enumerate(emails))))
    in_sql = macro.execute("select distinct typed.normalised(unnest(?::varchar[]))", [emails]).fetchall()
    assert set(landing.commits.first_shas(1)) == {email for (email,) in in_sql}
