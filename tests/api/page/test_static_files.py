"""The files of the page and of the documentation."""

import hashlib
from importlib.resources import files

import pytest

from api.page.static_files import KEPT_FOR_GOOD, LOOKED_AT_AGAIN, version_of


@pytest.mark.parametrize(
    "name", ["page.css", "page.js", "icon.svg", "vendor/d3/d3.min.js", "vendor/plot/plot.umd.min.js"]
)
async def test_files_are_kept_for_good_under_the_address_of_their_content(client, name):
    """The page names that address; any other is looked at again."""
    page = (await client.get("/")).text
    address = f"/static/{name}?v={version_of(name)}"
    assert f'"{address}"' in page
    answer = await client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["cache-control"] == KEPT_FOR_GOOD
    assert answer.headers["etag"]
    if name.endswith(("js", "css")):
        assert answer.headers["content-encoding"] == "gzip"
        assert "charset=utf-8" in answer.headers["content-type"]
    for other in (f"/static/{name}", f"/static/{name}?v=0123456789abcdef"):
        assert (await client.get(other)).headers["cache-control"] == LOOKED_AT_AGAIN
    again = await client.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "name", ["../main.py", "nothing.js", "nothing.js?v=0", "../templates/page.html", "%2e%2e/main.py"]
)
async def test_only_the_files_are_served(client, problem_of, name):
    """Nothing beside the folder, and no error of ours for a file that is not there."""
    problem_of(await client.get(f"/static/{name}"), 404, "not-found")


@pytest.mark.parametrize(
    ("folder", "start"),
    [("d3", b"// https://d3js.org v7.9.2 "), ("plot", b"// @observablehq/plot v0.6.17 ")],
)
def test_vendored_libraries_are_as_they_came(folder, start):
    """Whole, with their licence; the checksums are those of the files."""
    place = files("api.page").joinpath("static", "vendor", folder)
    sums = dict(reversed(line.split()) for line in place.joinpath("SHA256SUMS").read_text().splitlines())
    assert {*sums, "SHA256SUMS", "VERSION"} == {one.name for one in place.iterdir()}
    assert "LICENSE" in sums
    for name, digest in sums.items():
        content = place.joinpath(name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
        assert not name.endswith(".js") or content.startswith(start)
    assert "Permission to use, copy, modify" in place.joinpath("LICENSE").read_text()


def test_vendored_files_are_as_they_came():
    """The checksums are those of the files."""
    folder = files("api.page").joinpath("static", "vendor", "swagger-ui")
    lines = folder.joinpath("SHA256SUMS").read_text().splitlines()
    assert len(lines) == 6
    for line in lines:
        digest, name = line.split()
        assert hashlib.sha256(folder.joinpath(name).read_bytes()).hexdigest() == digest
