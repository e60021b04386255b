"""Landing files that cannot be read are set aside, so that the next run fetches them again."""

import random

import pyarrow.parquet as pq
import pytest
from histories import MadeHome, commit

from git_contrib_assets.errors import LandingFileCorrupt


@pytest.fixture
def landed(made: MadeHome) -> MadeHome:
    """Two repositories, the first with enough commits to damage."""
    chance = random.Random(3)  # noqa: S311 - not a secret
    people = [f"person{chance.randrange(300)}@example{chance.randrange(50)}.com" for _ in range(1500)]
    made.repository(*(commit(person, name=f"Name {chance.random()}") for person in people))
    made.repository(commit(when="2020-06-01"), repository_id=2)
    return made


def damage(made: MadeHome, column: str, length: int) -> None:
    """Write garbage over the beginning of a column, its footer untouched."""
    path = made.landing.commits.file(1)
    with pq.ParquetFile(path) as file:
        index = file.schema_arrow.get_field_index(column)
        chunk = file.metadata.row_group(0).column(index)
        start = chunk.dictionary_page_offset or chunk.data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + length] = random.Random(length).randbytes(length)  # noqa: S311 - not a secret
    path.write_bytes(content)
    pq.read_metadata(path)  # what tells of the file is whole: only reading it shows the damage


@pytest.mark.parametrize(
    ("column", "length"), [("sha", 16), ("sha", 700), ("author_email", 16), ("author_email", 100), ("authored_at", 16)]
)
def test_garbage_in_a_commit_file_sets_it_aside(landed: MadeHome, column: str, length: int) -> None:
    damage(landed, column, length)
    with pytest.raises(LandingFileCorrupt, match=r"1\.parquet"):
        landed.build()
    assert not landed.landing.commits.file(1).exists()
    assert landed.landing.commits.landed(1) is None  # so it is fetched, however unchanged the repository is
    assert (landed.landing.folder / "set_aside" / "1.parquet").exists()
    assert b"1.parquet" in (landed.landing.folder / "set_aside" / "reasons.ndjson").read_bytes()


def test_the_others_are_left_alone_and_the_next_build_goes_on_without(landed: MadeHome) -> None:
    damage(landed, "author_email", 100)
    with pytest.raises(LandingFileCorrupt):
        landed.build()
    assert landed.newcomers(1) == {}
    assert landed.newcomers(2) == {"2020-06": 1}
    assert [row["state"] for row in landed.repositories()] == ["pending", "complete"]
    landed.land(1, [commit()])
    assert landed.newcomers(1) == {"2020-05": 1}


def test_a_file_cut_short_is_set_aside(landed: MadeHome) -> None:
    path = landed.landing.commits.file(1)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(LandingFileCorrupt):
        landed.build()
    assert landed.newcomers(2) == {"2020-06": 1}


def test_lines_of_the_crawl_log_that_make_no_sense_are_left_out(landed: MadeHome) -> None:
    with landed.landing.crawl_log.file.open("ab") as log:
        log.write(b'{"run_id": "x", "repository_id": 1, "state": "fai\n\xff\xfe garbage\n\n{}\n')
    assert [row["state"] for row in landed.repositories()] == ["complete", "complete"]


def test_what_a_killed_writer_left_is_not_read(landed: MadeHome) -> None:
    (landed.landing.commits.folder / "3.parquet.4711.tmp").write_bytes(b"half a file")
    (landed.landing.accounts.folder / "1.parquet.4711.tmp").write_bytes(b"half a file")
    assert landed.newcomers(2) == {"2020-06": 1}


def test_damage_that_still_reads_as_values_is_found_by_the_next_crawl(landed: MadeHome) -> None:
    """DuckDB does not look at the checksums of the pages: the crawl does."""
    path = landed.landing.commits.file(1)
    content = bytearray(path.read_bytes())
    with pq.ParquetFile(path) as file:
        start = file.metadata.row_group(0).column(file.schema_arrow.get_field_index("sha")).data_page_offset
    content[start + 20_000] ^= 1
    path.write_bytes(content)
    assert landed.landing.commits.landed(1) is None
    assert (landed.landing.folder / "set_aside" / path.name).exists()


def test_a_file_whose_columns_are_not_ours_is_set_aside(landed: MadeHome) -> None:
    path = landed.landing.commits.file(1)
    path.write_bytes(path.read_bytes().replace(b"author_name", b"autxor_name"))
    with pytest.raises(LandingFileCorrupt):
        landed.build()
