"""Commits are read as GitHub reads them, whatever their makers put in."""

import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from stand_in_helpers import ask, follow, people, raw_commit

from github_stand_in.git_objects import GitStore, git_environment, parse_commit, parse_signature, run_git
from github_stand_in.server import NewCommit, StandIn


def by_graphql(stand_in: StandIn, sha: str, field: str) -> object:
    """A field of a commit of acme/tools."""
    query = 'query($sha:GitObjectID!){repository(owner:"acme",name:"tools"){object(oid:$sha){... on Commit{FIELD}}}}'
    reply = ask(stand_in, query.replace("FIELD", field), sha=sha)
    return reply["data"]["repository"]["object"][field.partition("{")[0]]


def named(author: bytes, encoding: bytes) -> str:
    content = b"tree 0\nauthor " + author + b" <a@b.invalid> 1 +0000\nencoding " + encoding + b"\n\nmessage\n"
    return parse_commit("0", content).author.name


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [("ISO-8859-1", "latin-1"), ("CP1252", "cp1252"), ("koi8-r", "koi8-r"), ("Shift_JIS", "shift_jis"), ("GBK", "gbk")],
)
def test_a_declared_encoding_is_used(encoding: str, codec: str) -> None:
    """Both APIs of GitHub answer decoded text."""
    name = {"koi8-r": "Жора", "shift_jis": "表ソ", "gbk": "王芳"}.get(codec, "Zoë")
    assert named(name.encode(codec), encoding.encode()) == name


@pytest.mark.parametrize(
    "encoding",
    [b"UTF-16", b"UTF-32", b"utf-7", b"cp037", b"rot13", b"idna", b"undefined", b"unicode_escape", b"x\xff", b""],
)
def test_an_encoding_that_cannot_be_is_read_as_utf_8(encoding: bytes) -> None:
    """Git reads the lines of a commit as ASCII: what changes ASCII cannot be what they are written in."""
    assert named("Zoë + \\u0041".encode(), encoding) == "Zoë + \\u0041"


def test_bytes_that_do_not_fit_are_replaced() -> None:
    """Whatever is declared, an answer is valid text."""
    assert named(b"Zo\xeb", b"UTF-8") == named(b"Zo\xeb", b"nonsense") == "Zo\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("time", "date"),
    [
        (b"1700000000 +0000", "2023-11-14T22:13:20Z"),
        (b"0 +0000", "1970-01-01T00:00:00Z"),
        (b"-5 +0000", "1970-01-01T00:00:00Z"),
        (b"", "1970-01-01T00:00:00Z"),
        (b"99999999999999999999 +0000", "9999-12-31T23:59:59Z"),
        (b"9" * 5_000 + b" +0000", "9999-12-31T23:59:59Z"),
        (b"0" * 5_000 + b"1 +0000", "1970-01-01T00:00:01Z"),
    ],
)
def test_a_date_that_no_calendar_holds_is_the_nearest_that_it_can(time: bytes, date: str) -> None:
    """However many digits it has, a date is an answer and no error."""
    assert parse_signature(b"Ann <ann@example.invalid> " + time).date == date


def test_the_first_of_two_authors_counts_as_in_git() -> None:
    """A second author line changes nothing."""
    assert parse_commit("0", b"tree 0\nauthor Ann <a@x> 1 +0000\nauthor Bob <b@x> 1 +0000\n\n").author.name == "Ann"


def test_a_history_with_senseless_dates_is_served(api: httpx.Client, small: StandIn) -> None:
    """By every endpoint that reads dates."""
    directory = small.root / "acme" / "tools.git"
    shas = [
        raw_commit(directory, b"Far <far@example.invalid> " + time) for time in (b"9" * 20 + b" +0000", b"0 +0000", b"")
    ]
    small.reload()
    commits = follow(api, "/repos/acme/tools/commits?per_page=2")
    assert {entry["sha"] for entry in commits} >= set(shas)
    assert len(commits) == 7
    for path in ("/contributors?anon=1", "/stats/contributors", "/stats/contributors"):
        assert api.get(f"/repos/acme/tools{path}").status_code in (200, 202)
    assert by_graphql(small, shas[0], "committedDate") == "9999-12-31T23:59:59Z"


def test_a_name_in_two_encodings_is_one_by_both_apis_and_raw_by_git(api: httpx.Client, small: StandIn) -> None:
    """REST and GraphQL decode, git hands out what is stored."""
    moment = people("zoe")[0].date
    commits = [NewCommit("Zoë", "zoe@example.invalid", moment, encoding=encoding) for encoding in ("ISO-8859-1", None)]
    shas = small.push("acme/tools", [*commits, NewCommit("Zoë", "zoe@example.invalid", moment, encoding="UTF-16")])
    found = api.get("/repos/acme/tools/commits", params={"per_page": 3}).json()
    assert {entry["commit"]["author"]["name"] for entry in found} == {"Zoë"}
    assert by_graphql(small, shas[0], "author{name}") == {"name": "Zoë"}
    command = ["git", "--git-dir", str(small.root / "acme" / "tools.git"), "cat-file", "commit"]
    stored = [subprocess.run([*command, sha], capture_output=True, check=True).stdout for sha in shas]
    assert [b"author Zo\xeb <" in one for one in stored] == [True, False, False]
    assert b"\nencoding UTF-16\n" in stored[2]
    listed = {entry.get("name"): entry for entry in api.get("/repos/acme/tools/contributors?anon=1").json()}
    assert listed["Zoë"]["contributions"] == 3


@pytest.mark.parametrize(
    "branch", ["fix#1", "100%", "a%41", "o'clock", 'say"hi"', "a&b", "ünïcode", "a/b+c=d,e;f", "-x", "@x"]
)
def test_a_branch_may_have_any_name_that_git_allows(api: httpx.Client, small: StandIn, branch: str) -> None:
    """As the default branch, as `sha`, and as an expression."""
    small.create("acme/odd", default_branch=branch)
    shas = small.push("acme/odd", people("ann", "bob", "cleo"))
    assert [entry["sha"] for entry in follow(api, "/repos/acme/odd/commits?per_page=1")] == shas[::-1]
    asked = api.get("/repos/acme/odd/commits", params={"sha": branch, "per_page": 2})
    assert len(follow(api, asked.links["next"]["url"])) == 1
    query = (
        'query($name:String){repository(owner:"acme",name:"odd"){defaultBranchRef{name} object(expression:$name){oid}}}'
    )
    assert ask(small, query, name=branch)["data"]["repository"] == {
        "defaultBranchRef": {"name": branch},
        "object": {"oid": shas[-1]},
    }


@pytest.mark.parametrize(
    "name", ["main~1", "main^", "main:README", "main@{0}", "a b", "ma\nin", "mai*", "..", "nothing"]
)
def test_what_is_no_name_of_a_branch_is_not_found(api: httpx.Client, name: str) -> None:
    """Revisions that only git's command line knows are not resolved."""
    assert api.get("/repos/acme/tools/commits", params={"sha": name}).status_code == 404


def test_replaced_objects_are_served_as_they_were(api: httpx.Client, small: StandIn, tmp_path: Path) -> None:
    """As GitHub does: refs/replace counts in the repository of the one who made it, not for others."""
    directory = small.root / "acme" / "tools.git"
    tip, other = run_git(directory, "rev-parse", "main", "main~2").split()
    subprocess.run(["git", "--git-dir", str(directory), "replace", tip, other], env=git_environment(), check=True)
    small.reload()
    assert len(api.get("/repos/acme/tools/commits").json()) == 4
    assert api.get(f"/repos/acme/tools/commits/{tip}").json()["sha"] == tip
    url = f"{small.server_url}/acme/tools.git"
    subprocess.run(["git", "clone", "-q", "--bare", url, str(tmp_path / "copy")], env=git_environment(), check=True)
    assert run_git(tmp_path / "copy", "rev-list", "--count", "main").strip() == "4"


def test_ids_of_sha_256_are_whole(api: httpx.Client, small: StandIn) -> None:
    """They have 64 digits everywhere."""
    directory = small.root / "acme" / "tools.git"
    shutil.rmtree(directory)
    command = ["git", "init", "-q", "--bare", "--initial-branch=main", "--object-format=sha256", str(directory)]
    subprocess.run(command, env=git_environment(), check=True)
    shas = small.push("acme/tools", people("ann", "bob"))
    assert {len(sha) for sha in shas} == {64}
    assert [entry["sha"] for entry in follow(api, "/repos/acme/tools/commits?per_page=1")] == shas[::-1]
    assert api.get(f"/repos/acme/tools/compare/{shas[0]}...{shas[1]}").json()["ahead_by"] == 1
    assert by_graphql(small, shas[0], "oid") == shas[0]


def test_a_reader_of_a_directory_that_was_replaced_is_not_used_again(small: StandIn) -> None:
    """A reload while git reads: what it reads from may be another repository by now."""
    store, directory = GitStore(), small.root / "acme" / "tools.git"
    with store._reader(directory):
        store.close()
    assert store._idle == []
