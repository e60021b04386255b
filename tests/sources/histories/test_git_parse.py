"""What is read of a commit, whatever it holds: against commits that git stored."""

from datetime import datetime

import pytest
from git_scene import ANN, BOB, read, shas
from git_server import DAY, FIRST_DAY, Upstream, author_line, committer_line, git


def test_a_history_of_many_chunks_is_whole(server, source):
    """Longer than what is read from git at a time, so that records are cut anywhere."""
    authors = [b"Author number %d <a%d@example.com>" % (number, number) for number in range(3000)]
    upstream = server.create("acme/anvil", *authors)
    _, rows = read(source)
    assert [row["sha"] for row in rows] == upstream.shas()
    assert [row["author_email"] for row in rows] == [f"a{number}@example.com" for number in reversed(range(3000))]


@pytest.mark.parametrize(
    ("author", "name", "email"),
    [
        (b"Zo\xc3\xab <zoe@example.com>", "Zoë", "zoe@example.com"),
        (b"Ren\xe9 <ren\xe9@example.com>", "Ren\ufffd", "ren\ufffd@example.com"),
        (b"\xf0\x9f\xa6\x8a <fox@example.com>", "🦊", "fox@example.com"),
        (b"Blank <>", "Blank", ""),
        (b" <nameless@example.com>", "", "nameless@example.com"),
        (b"None <none>", "None", "none"),
        (b"Tab\tbed <t@example.com>", "Tab\tbed", "t@example.com"),
        (b"Mail < spaced@example.com >", "Mail", " spaced@example.com "),
        (b"x[bot] <4+x[bot]@users.noreply.github.com>", "x[bot]", "4+x[bot]@users.noreply.github.com"),
        (b"Long <" + b"x" * 3000 + b"@example.com>", "Long", "x" * 256),
        (b"\xc3\xab" * 300 + b" <l@example.com>", "ë" * 256, "l@example.com"),
        (b"a\x01\x1b[2J\x1e\x7f <c@example.com>", "a\x01\x1b[2J\x1e\x7f", "c@example.com"),
        (b"Two <t@example.com> <u@example.com>", "Two", "t@example.com"),
    ],
    ids=["utf-8", "latin-1", "emoji", "no address", "no name", "no at", "tab", "spaces", "bot", "long address", "long name",
         "control characters", "two addresses"],
)  # fmt: skip
def test_names_and_addresses_are_as_written(server, source, author, name, email):
    """Only bytes that are no text are replaced, and 256 characters kept. git itself trims what stands around a name."""
    upstream = server.create("acme/anvil", ANN)
    upstream.push_raw(author_line(author), committer_line())
    first, second = read(source)[1]
    assert (first["author_name"], first["author_email"].strip()) == (name, email.strip())
    assert (second["author_name"], second["author_email"]) == ("Ann", "ann@example.com")


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        (b"0 +0000", "1970-01-01T00:00:00"),
        (b"1600000000 +1400", "2020-09-13T12:26:40"),
        (b"1600000000 -0800", "2020-09-13T12:26:40"),
        (b"1600000000 +051800", "2020-09-13T12:26:40"),
        (b"1600000000", "2020-09-13T12:26:40"),
        (b"1600000000 UTC", "1970-01-01T00:00:00"),
        (b"0000000000000000000001600000000 +0000", "2020-09-13T12:26:40"),
        (b"4102444800 +0000", "2100-01-01T00:00:00"),
        (b"9999999999999 +0000", "9999-12-31T23:59:59"),
        (b"18446744073709551615 +0000", "9999-12-31T23:59:59"),
        (b"9" * 5000 + b" +0000", "9999-12-31T23:59:59"),
        (b"-1 +0000", "1970-01-01T00:00:00"),
        (b"soon", "1970-01-01T00:00:00"),
        (b"", "1970-01-01T00:00:00"),
    ],
    ids=lambda value: value[:24].decode() if isinstance(value, bytes) else "",
)
def test_dates_that_git_and_calendars_do_not_know(server, source, written, read_as):
    """A time in UTC whatever the zone; one that makes no sense is 1970; one beyond the calendar is its last second."""
    upstream = server.create("acme/anvil", ANN)
    upstream.push_raw(b"author Odd <odd@example.com> " + written, committer_line(FIRST_DAY + DAY))
    upstream.push_raw(author_line(BOB), b"committer Odd <odd@example.com> " + written)
    second, first, ann = read(source)[1]
    assert first["authored_at"] == second["committed_at"] == datetime.fromisoformat(read_as)
    assert first["committed_at"] == datetime.fromisoformat("2020-09-14T12:26:40")
    assert (first["author_name"], first["author_email"]) == ("Odd", "odd@example.com")
    assert [second["author_name"], ann["author_name"]] == ["Bob", "Ann"]


@pytest.mark.parametrize(
    ("declared", "written", "name"),
    [
        (b"ISO-8859-1", b"Zo\xeb", "Zoë"),
        (b"UTF-8", b"Zo\xc3\xab", "Zoë"),
        (b"utf8", b"Zo\xc3\xab", "Zoë"),
        (b"windows-1252", b"Zo\xeb", "Zoë"),
        (b"EUC-JP", b"\xc1\xb0", "前"),
        (b"ISO-2022-JP", b"\x1b$BA0\x1b(B", "前"),
        (b"UTF-16", b"Zo\xc3\xab", "Zoë"),
        (b"UTF-16LE", b"Zo\xc3\xab", "Zoë"),
        (b"UTF-32", b"Zo\xc3\xab", "Zoë"),
        (b"UTF-7", b"Zo+AAA-", "Zo+AAA-"),
        (b"IBM037", b"Zo\xc3\xab", "Zoë"),
        (b"rot13", b"Zoe", "Zoe"),
        (b"unicode_escape", rb"Zo\u00eb", r"Zo\u00eb"),
        (b"no such encoding", b"Zo\xc3\xab \xff", "Zoë \ufffd"),
        (b"x" * 3000, b"Zo\xc3\xab", "Zoë"),
        (b"\xff\xfe", b"Zo\xc3\xab", "Zoë"),
    ],
    ids=lambda value: value[:16].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_the_declared_encoding_decides_how_a_name_is_read_and_nothing_else(server, source, declared, written, name):
    """What Python does not know, and what leaves no header to be found, counts as UTF-8."""
    upstream = server.create("acme/anvil", ANN)
    author = b"author %s <zo\xc3\xab+1@example.com> %d +0000" % (written, FIRST_DAY)
    upstream.push_raw(
        author, committer_line(FIRST_DAY + DAY), b"encoding " + declared, b"gpgsig x\n author Eve <e@x> 1 +0000"
    )
    upstream.push(BOB)
    bob, zoe, ann = read(source)[1]
    assert (zoe["author_name"], zoe["author_email"].partition("+")[2]) == (name, "1@example.com")
    assert zoe["authored_at"] == datetime.fromisoformat("2020-09-13T12:26:40")
    assert zoe["committed_at"] == datetime.fromisoformat("2020-09-14T12:26:40")
    assert (bob["author_name"], ann["author_name"]) == ("Bob", "Ann")


@pytest.mark.parametrize("message", ["m", "mm", "mmm", "mmmm"])
@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-16BE", "UTF-32LE", "UTF-7"])
def test_a_commit_that_git_made_in_another_encoding(server, source, encoding, message):
    """Whatever its length: git's own re-coding succeeds for some only."""
    upstream = server.create("acme/anvil", ANN)
    options = ["-c", f"i18n.commitEncoding={encoding}", "-c", "user.name=Zoe", "-c", "user.email=zoe+1@example.com"]
    made = git(
        upstream.folder, *options, "commit-tree", "-m", message, "-p", upstream.tip(), f"{upstream.tip()}^{{tree}}"
    )
    git(upstream.folder, "update-ref", "refs/heads/main", made)
    zoe, ann = read(source)[1]
    assert (zoe["author_name"], zoe["author_email"]) == ("Zoe", "zoe+1@example.com")
    assert zoe["authored_at"] == zoe["committed_at"] > ann["committed_at"]


def test_many_commits_of_a_declared_encoding_with_long_messages(server, source):
    """More than fit into a pipe, and each with more text than is kept of it."""
    upstream = server.create("acme/anvil", ANN)
    stream = [b"feature done\n"]
    for number in range(3000):
        text = b"x" * (3 << 20 if number == 1500 else 10)
        stream.append(b"commit refs/heads/main\nauthor \xeb%d <a@x> 1600000000 +0000\n" % number)
        stream.append(b"committer W <w@x> 1600000000 +0000\nencoding latin1\ndata %d\n%s\n" % (len(text), text))
        stream.append(b"from refs/heads/main^0\n\n" if number == 0 else b"\n")
    git(upstream.folder, "fast-import", "--quiet", given=b"".join(stream) + b"done\n")
    _, rows = read(source)
    assert [row["sha"] for row in rows] == upstream.shas()
    assert [row["author_name"] for row in rows] == [*[f"ë{number}" for number in reversed(range(3000))], "Ann"]


@pytest.mark.parametrize("header", [b"author", b"author Nobody", b"encoding ISO-8859-1", b"x-odd \x00\x01"])
def test_a_commit_of_an_odd_shape_is_one_commit(server, source, header):
    upstream = server.create("acme/anvil", ANN)
    upstream.push_raw(header, committer_line())
    assert shas(source) == upstream.shas()


def test_a_commit_with_nul_in_its_author_does_not_shift_the_fields(server, source):
    upstream = server.create("acme/anvil", ANN, BOB)
    upstream.push_raw(author_line(b"Nul\x00l <n@example.com>"), committer_line())
    upstream.push(ANN)
    rows = read(source)[1]
    assert [row["sha"] for row in rows] == upstream.shas()
    assert (rows[1]["author_name"], rows[1]["author_email"]) == ("Nul\x00l", "n@example.com")
    assert rows[1]["authored_at"] == rows[0]["authored_at"]


def test_a_repository_whose_commits_have_long_names(server, source):
    """SHA-256."""
    server.root.joinpath("acme").mkdir(parents=True)
    git(
        server.root / "acme" / "anvil.git",
        "init",
        "--quiet",
        "--bare",
        "--object-format=sha256",
        "--initial-branch=main",
    )
    upstream = Upstream(server.root / "acme" / "anvil.git")
    git(upstream.folder, "config", "uploadpack.allowFilter", "true")
    upstream.push(ANN, BOB)
    upstream.push_raw(author_line("Zoë <z@x>".encode("latin-1")), committer_line(), b"encoding latin1")
    _, rows = read(source)
    assert [row["sha"] for row in rows] == upstream.shas()
    assert {len(row["sha"]) for row in rows} == {64}
    assert rows[0]["author_name"] == "Zoë"
