"""Parts of answers, as readers of remote files ask for them."""

import io

import httpx
import pyarrow.parquet
import pytest

from api.kit.ranges import NotSatisfiableError, is_range, part_of
from api.kit.settings import Settings
from api.main import create_app

PATIENCE = 120.0


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=2-4", range(2, 5)),
        ("bytes=7-", range(7, 10)),
        ("bytes=5-99", range(5, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-99", range(10)),
        ("bytes= 2-4", range(2, 5)),
    ],
)
def test_which_bytes_are_meant(header: str, found: range) -> None:
    assert is_range(header)
    assert part_of(header, 10) == found


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=4-2", "bytes=-0", "bytes=99-100"])
def test_no_byte_of_it(header: str) -> None:
    assert is_range(header)
    with pytest.raises(NotSatisfiableError):
        part_of(header, 10)


@pytest.mark.parametrize(
    "header", [None, "", "bytes=", "bytes=-", "items=0-1", "bytes=0-1,3-4", "bytes=a-b", "bytes=٣-٤"]
)
def test_what_is_no_range_is_answered_with_the_whole(header: str | None) -> None:
    assert not is_range(header)


@pytest.mark.parametrize("path", ["/v1/new-contributors.parquet", "/v1/new-contributors.csv", "/v1/repositories.json"])
async def test_parts_make_up_the_whole(client, path):
    whole = await client.get(path, headers={"accept-encoding": "gzip"})
    head = await client.head(path, headers={"accept-encoding": "identity"})
    assert (head.headers["accept-ranges"], head.headers["content-length"]) == ("bytes", str(len(whole.content)))
    parts, size = [], len(whole.content) // 3
    for first in range(0, len(whole.content), size):
        part = await client.get(path, headers={"range": f"bytes={first}-{first + size - 1}"})
        last = min(first + size, len(whole.content)) - 1
        assert part.status_code == 206
        assert part.headers["content-range"] == f"bytes {first}-{last}/{len(whole.content)}"
        assert part.headers["content-length"] == str(last - first + 1)
        assert "content-encoding" not in part.headers
        parts.append(part.content)
    assert b"".join(parts) == whole.content
    again = await client.get(path)
    assert (again.status_code, again.content) == (200, whole.content)


async def test_beyond_the_end(client, problem_of):
    answer = await client.get("/v1/repositories.csv", headers={"range": "bytes=99999999-"})
    problem_of(answer, 416, "request-refused")
    length = len((await client.get("/v1/repositories.csv")).content)
    assert answer.headers["content-range"] == f"bytes */{length}"


async def test_a_part_of_another_version_is_not_mixed_in(client):
    """If-Range names a version: ours cannot be named, because the ETag is weak, so the whole comes."""
    tag = (await client.get("/v1/repositories.csv")).headers["etag"]
    answer = await client.get("/v1/repositories.csv", headers={"range": "bytes=0-9", "if-range": tag})
    assert answer.status_code == 200


@pytest.mark.parametrize("suffix", ["parquet", "ndjson"])
async def test_a_large_answer_in_parts(large, many, suffix):
    """The length is told before anything is read, and the end is read before the rest, as readers of Parquet do."""
    app = create_app(Settings(published=large, query_seconds=PATIENCE))
    path = f"/v1/new-contributors.{suffix}"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        head = await http.head(path, headers={"accept-encoding": "identity"})
        length = int(head.headers["content-length"])
        final = await http.get(path, headers={"range": "bytes=-1000"})
        rest = await http.get(path, headers={"range": f"bytes=0-{length - 1001}"})
    app.state.store.close()
    assert final.headers["content-range"] == f"bytes {length - 1000}-{length - 1}/{length}"
    content = rest.content + final.content
    if suffix == "parquet":
        assert pyarrow.parquet.read_table(io.BytesIO(content)).num_rows == many
    else:
        assert content.count(b"\n") == many
