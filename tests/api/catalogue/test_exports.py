"""repositories.csv: the columns that were asked for, in every reader the same, and nothing in it runs."""

import csv
import io
from datetime import datetime
from pathlib import Path

import catalogue_rows
import duckdb
import pandas
import pytest
from catalogue_rows import BEARER, HOSTILE, PLANTED

from git_contrib_assets.serving.contract import catalogue

PATH = "/v1/exports/repositories.csv"
HEADER = "Owner ID,Owner Name,Owner Email,Repo ID,Repo Name,Status,Stars Count"
GOLDEN = Path(__file__).with_name("hostile.csv")


def hostile_repositories() -> list[dict]:
    """A repository of each hostile name, and an owner of one, too."""
    return [
        catalogue_rows.repository(number, f"acme/{name}", stars=None if number == 1 else number)
        for number, name in enumerate(HOSTILE, 1)
    ]


@pytest.fixture
def hostile(published) -> None:
    """A catalogue of hostile names in both publications."""
    rows = hostile_repositories()
    public, private = catalogue_rows.public_tables(rows), catalogue_rows.private_tables(rows)
    for tables in (public, private):
        tables["owners"][0]["owner"] = '=1+1,"owner"'
    private["owners"][0]["email"] = "+ann@acme.example"
    published.other(catalogue.PUBLICATION).publish("hostile", public)
    published.other(catalogue.PRIVATE_PUBLICATION).publish("hostile", private)


async def test_public_rows(client):
    """Listed ones, without addresses, by owner and name."""
    answer = await client.get(PATH)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="repositories-2017-07-04.csv"'
    assert answer.text.split("\r\n") == [
        HEADER,
        "1,acme,,1,anvil,Public,10",
        "1,acme,,3,empty,Public,30",
        "1,acme,,2,fork,Public,20",
        "1,acme,,9,listed-only,Public,90",
        "1,acme,,4,pending,Public,40",
        "2,umbrella,,7,anvil,Public,",
        "",
    ]


async def test_private_rows(client):
    """With the token: internal ones are private, the one that is gone is left out, addresses where there are some."""
    lines = (await client.get(PATH, headers=BEARER)).text.split("\r\n")
    assert lines[0] == HEADER
    assert f"1,acme,acme@{PLANTED}.example,1,anvil,Public,10" in lines
    assert f"1,acme,acme@{PLANTED}.example,777000111,{PLANTED},Private,918273" in lines
    assert f"2,umbrella,,777000112,internal-{PLANTED},Private,7770001120" in lines
    assert len(lines) == 11
    assert not [line for line in lines if "gone-" in line]


async def test_the_golden_file(own_client, hostile):
    """Byte for byte: quotes, line breaks, formulas, tabs, an emoji, text from right to left."""
    answer = await own_client.get(PATH, headers=BEARER)
    assert answer.content == GOLDEN.read_bytes()
    assert (await own_client.get(PATH)).content == GOLDEN.read_bytes().replace(b"'+ann@acme.example", b"")


async def test_every_reader_reads_the_same(own_client, hostile, tmp_path):
    """Python's csv, pandas and DuckDB; without the guard it is what GitHub said."""
    content = (await own_client.get(PATH, headers=BEARER)).content
    file = tmp_path / "repositories.csv"
    file.write_bytes(content)
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    frame = pandas.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    by_duckdb = duckdb.sql(f"from read_csv('{file}', all_varchar = true, header = true)")
    as_texts = [["" if value is None else value for value in row] for row in by_duckdb.fetchall()]
    assert rows[0] == list(frame.columns) == by_duckdb.columns == HEADER.split(",")
    assert rows[1:] == frame.to_numpy().tolist() == as_texts
    names = [row[4].removeprefix("'") for row in rows[1:]]
    assert sorted(names) == sorted(HOSTILE)
    for row in rows[1:]:
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


async def test_as_other_downloads(client):
    """HEAD, parts and compression, for both."""
    for headers in ({}, BEARER):
        plain = {"accept-encoding": "identity", **headers}
        whole = await client.get(PATH, headers=plain)
        head = await client.head(PATH, headers=plain)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.content))
        part = await client.get(PATH, headers={**plain, "range": "bytes=5-24"})
        assert (part.status_code, part.content) == (206, whole.content[5:25])
        past = await client.get(PATH, headers={**plain, "range": "bytes=99999-"})
        assert past.status_code == 416
    assert (
        await client.get(PATH, headers={"if-none-match": (await client.get(PATH)).headers["etag"]})
    ).status_code == 304
    assert (await client.get(f"{PATH}?page=1")).status_code == 400


@pytest.mark.parametrize("headers", [{}, BEARER], ids=["without", "with"])
async def test_a_large_one_is_streamed(own_client, published, headers):
    """More rows than are held at a time: all of them come, also compressed."""
    many = 200_017
    for publication, tables in (
        (catalogue.PUBLICATION, catalogue_rows.public_tables()),
        (catalogue.PRIVATE_PUBLICATION, catalogue_rows.private_tables()),
    ):
        path = published.other(publication).write("large", tables)
        with duckdb.connect(str(path)) as connection:
            connection.execute(
                "insert into repositories by name select one.* replace (1000000 + i as repository_id, 'n' || i as name)"
                " from repositories as one, range($many) as made(i) where one.repository_id = 1",
                {"many": many},
            )
        published.other(publication).switch("large")
    answer = await own_client.get(PATH, headers={"accept-encoding": "gzip", **headers})
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-length" not in answer.headers
    assert len(answer.text.split("\r\n")) == many + (11 if headers else 8)


async def test_the_day_in_the_name_is_that_of_the_listing(own_client, published):
    """Of the snapshot's time, or of a later check."""
    public = published.other(catalogue.PUBLICATION)
    public.publish("one", catalogue_rows.public_tables(), as_of=datetime(2026, 11, 28, 9, 0))  # noqa: DTZ001
    assert "repositories-2026-11-28.csv" in (await own_client.get(PATH)).headers["content-disposition"]
    public.checked("one", "2026-11-29T09:00:00Z", as_of="2026-11-29T08:59:00Z")
    assert "repositories-2026-11-29.csv" in (await own_client.get(PATH)).headers["content-disposition"]
