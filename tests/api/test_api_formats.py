"""The same rows as CSV, JSON lines and Parquet."""

import csv
import io
import json

import pyarrow.parquet
import pytest

LISTS = ["/v1/new-contributors", "/v1/repositories"]
TEXTS = ["/v1/new-contributors/summary", "/v1/repositories/acme/anvil/new-contributors"]


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("path", LISTS)
async def test_all_formats_hold_the_same_rows(client, path):
    """All rows, not a page of them; the same columns in the same order."""
    items = (await client.get(f"{path}?page_size=1000")).json()["items"]
    items = [{name: value for name, value in item.items() if name != "links"} for item in items]
    lines = (await client.get(f"{path}.ndjson")).text.splitlines()
    assert [json.loads(line) for line in lines] == items
    rows = csv_rows((await client.get(f"{path}.csv")).text)
    assert [*rows[0]] == [*items[0]]
    assert len(rows) == len(items)
    table = pyarrow.parquet.read_table(io.BytesIO((await client.get(f"{path}.parquet")).content))
    assert table.column_names == [*items[0]]
    assert table.num_rows == len(items)


@pytest.mark.parametrize("path", TEXTS)
async def test_unpaged_answers_as_csv(client, path):
    """The columns of the items."""
    items = (await client.get(path)).json()["items"]
    answer = await client.get(f"{path}.csv")
    assert [[*row] for row in csv_rows(answer.text)[:1]] == [[*items[0]]]
    assert len(csv_rows(answer.text)) == len(items)
    assert answer.headers["content-disposition"].endswith('-2017-06-30.csv"')
    assert answer.headers["x-complete-through"] == "2017-06-30"


async def test_csv_is_exact(client):
    """Dates as dates, times in UTC, nothing for null; a cell that a spreadsheet would run is held back."""
    text = (await client.get("/v1/new-contributors.csv?repository=fork")).text
    assert text == (
        "repository,date,number_of_new_contributors,number_of_new_bots,cumulative_contributors\r\n"
        "acme/fork,2017-05-01,4,0,4\r\nacme/fork,2017-06-01,0,0,4\r\nacme/fork,2017-07-01,0,0,4\r\n"
    )
    row = csv_rows((await client.get("/v1/repositories.csv?q=fork")).text)[0]
    assert row["default_branch"] == "'=cmd()"
    assert (row["language"], row["fork"], row["collected_at"]) == ("", "true", "2017-07-04T05:06:07Z")


async def test_a_page_of_a_file(client):
    """A link that names a page keeps its meaning when the suffix is changed."""
    assert len(csv_rows((await client.get("/v1/new-contributors.csv?page=2&page_size=5")).text)) == 5


@pytest.mark.parametrize(
    ("suffix", "accept", "media_type"),
    [
        ("", "text/csv", "text/csv; charset=utf-8"),
        ("", "application/json;q=0.5, text/csv", "text/csv; charset=utf-8"),
        ("", "text/csv;q=0, */*", "application/json"),
        ("", "text/csv;q=0, text/*", "application/json"),
        ("", "text/*, text/csv;q=0", "application/json"),
        ("", "text/*;q=0, text/csv", "text/csv; charset=utf-8"),
        ("", "application/json;q=0, text/csv;q=0.1, */*", "text/csv; charset=utf-8"),
        ("", "text/csv, application/x-ndjson", "text/csv; charset=utf-8"),
        ("", "application/x-ndjson;q=0.5, text/csv;q=0.5", "application/jsonl"),
        ("", "text/html,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("", "image/png", "application/json"),
        ("", "application/x-ndjson", "application/jsonl"),
        ("", "application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        (".json", "text/csv", "application/json"),
        (".csv", "application/json", "text/csv; charset=utf-8"),
    ],
)
async def test_format_is_chosen(client, suffix, accept, media_type):
    """The suffix beats Accept; JSON if neither says otherwise."""
    answer = await client.get(f"/v1/new-contributors{suffix}", headers={"accept": accept})
    assert answer.headers["content-type"] == media_type
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


async def test_formats_do_not_share_an_etag(client):
    """A cache must not give one for the other."""
    tags = {
        (await client.get("/v1/new-contributors", headers={"accept": accept})).headers["etag"]
        for accept in ("text/csv", "application/json", "application/jsonl", "application/vnd.apache.parquet")
    }
    assert len(tags) == 4


@pytest.mark.parametrize(
    "path", ["/v1/new-contributors.xml", "/v1/repositories.", "/v1/new-contributors/summary.parquet"]
)
async def test_a_suffix_that_is_no_format(client, problem_of, path):
    """It is an address that does not exist."""
    problem_of(await client.get(path), 404, "not-found")
