"""Everything in the landing zone beside commits: repositories, answers, the ledger, the key, what was rejected."""

import random
import subprocess
import sys
from datetime import datetime, timedelta

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crawl_scene import LISTED_AT, listed
from hypothesis import given, settings
from hypothesis import strategies as st

from git_contrib_assets.errors import HomeNotWritable, LandingFileCorrupt
from git_contrib_assets.records import AccountAnswer, Attempt, AttemptState
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone

NOON = datetime.fromisoformat("2023-11-14T12:00:00")


def again(landing):
    """The landing zone as the next run finds it."""
    landing.prepare()
    return landing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Repositories


def test_repositories_come_back_as_they_were_written(landing):
    plain = listed(2, "acme/bolt", created_at=None, pushed_at=None, default_branch=None, stars=None, language=None)
    gone = listed(
        1, "acme/ünïcode", missing_since=LISTED_AT, missing_reason="not_found", is_fork=True, is_archived=True
    )
    landing.repositories.write([plain, gone])
    assert landing.repositories.all() == [gone, plain]


def test_before_the_first_listing_there_is_none(tmp_path):
    home = Home(tmp_path / "home")
    home.prepare()
    assert LandingZone(home).repositories.all() == []


def test_a_listing_that_cannot_be_written_keeps_the_old_one(landing):
    landing.repositories.write([listed(1, "acme/anvil")])
    with pytest.raises(pa.ArrowInvalid):
        landing.repositories.write([listed(2, "acme/bolt"), listed(3, "acme/crate", is_fork=object())])
    assert [one.repository_id for one in landing.repositories.all()] == [1]
    assert not list(landing.folder.glob("*.tmp"))


@pytest.mark.parametrize("content", [b"", b"garbage", b"PAR1xxxxPAR1"])
def test_a_damaged_listing_is_set_aside_and_the_next_run_begins_anew(landing, content):
    landing.repositories.file.write_bytes(content)
    with pytest.raises(LandingFileCorrupt) as caught:
        landing.repositories.all()
    assert caught.value.path == landing.repositories.file
    assert "run again" in str(caught.value)
    assert (landing.folder / "set_aside" / "repositories.parquet").read_bytes() == content
    assert again(landing).repositories.all() == []


# Answers


def answer(email, account_id=None, *, days=0, login=None):
    return AccountAnswer(email, account_id, login, NOON + timedelta(days=days), "graphql")


def known(landing):
    return {row["email"]: row["account_id"] for row in landing.accounts.answers().to_pylist()}


def test_the_newest_answer_about_an_address_wins(landing):
    """Whichever file it is in, and "nobody" is an answer."""
    landing.accounts.add([answer("ann@x", 1, days=5), answer("bob@x", 2, days=1), answer("cleo@x", None)])
    landing.accounts.add([answer("ann@x", 9, days=3), answer("bob@x", None, days=2), answer("cleo@x", 3, days=1)])
    assert known(landing) == {"ann@x": 1, "bob@x": None, "cleo@x": 3}


def test_of_two_answers_of_one_moment_the_later_one_wins(landing):
    landing.accounts.add([answer("ann@x", 1)])
    landing.accounts.add([answer("ann@x", 2), answer("ann@x", 3)])
    assert known(landing) == {"ann@x": 3}


def test_no_answers_are_no_file(landing):
    before = names(landing.accounts.folder)
    landing.accounts.add([])
    assert names(landing.accounts.folder) == before


def test_many_files_become_one_with_the_same_answers(landing):
    for day in range(6):
        landing.accounts.add([answer(f"p{number}@x", 10 * day + number, days=day) for number in range(day, 8)])
    before = sorted(landing.accounts.answers().to_pylist(), key=str)
    again(landing)
    assert len(names(landing.accounts.folder)) == 1
    assert sorted(landing.accounts.answers().to_pylist(), key=str) == before


def test_a_kill_between_writing_and_removing_changes_no_answer(landing):
    """The new file is there beside all old ones, or beside some of them."""
    for day in range(4):
        landing.accounts.add([answer("ann@x", day, days=day), answer(f"p{day}@x", None)])
    old = {path.name: path.read_bytes() for path in landing.accounts.folder.iterdir()}
    before = known(landing)
    again(landing)
    for kept in ([*old], [*old][2:], [*old][:1]):
        for name in kept:
            (landing.accounts.folder / name).write_bytes(old[name])
        assert known(landing) == before
        again(landing)
        assert len(names(landing.accounts.folder)) == 1
        assert known(landing) == before


def test_a_kill_while_writing_leaves_nothing_that_counts(landing):
    landing.accounts.add([answer("ann@x", 1)])
    (landing.accounts.folder / "99999999999999999999.parquet.77.tmp").write_bytes(b"half")
    assert known(again(landing)) == {"ann@x": 1}
    assert not list(landing.accounts.folder.glob("*.tmp"))


def test_a_damaged_file_of_answers_is_set_aside_and_the_others_stay(landing):
    landing.accounts.add([answer("ann@x", 1)])
    landing.accounts.add([answer("bob@x", 2)])
    (landing.accounts.folder / "00000000000000000007.parquet").write_bytes(b"garbage")
    with pytest.raises(LandingFileCorrupt):
        landing.accounts.answers()
    assert known(landing) == {"ann@x": 1, "bob@x": 2}
    (landing.accounts.folder / "00000000000000000007.parquet").write_bytes(b"garbage")
    assert known(again(landing)) == {"ann@x": 1, "bob@x": 2}
    assert (landing.folder / "set_aside" / "00000000000000000007.parquet").exists()


said = st.lists(
    st.tuples(st.sampled_from(["a@x", "b@x", "c@x"]), st.none() | st.integers(1, 9), st.integers(0, 99)), max_size=12
)


@settings(max_examples=15, deadline=None)
@given(st.lists(said, max_size=4))
def test_answers_are_what_a_dictionary_would_hold(tmp_path_factory, files):
    """However they are spread over files, before and after they are put together."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.prepare()
    landing = again(LandingZone(home))
    newest = {}
    for file in files:
        landing.accounts.add([answer(email, account_id, days=day) for email, account_id, day in file])
        for email, account_id, day in file:
            if email not in newest or newest[email][0] <= day:
                newest[email] = (day, account_id)
    expected = {email: account_id for email, (_, account_id) in newest.items()}
    assert known(landing) == expected
    assert known(again(landing)) == expected


# The ledger


def attempt(repository_id=1, *, minutes=0, state=AttemptState.LANDED, message=None):
    return Attempt(
        run_id="run-1",
        repository_id=repository_id,
        repository="acme/ünïcode",
        state=state,
        started_at=NOON + timedelta(minutes=minutes),
        seconds=1.5,
        source="git",
        tip=None,
        commits=3,
        requests=3,
        reason="unavailable" if message else None,
        message=message,
    )


def test_attempts_come_back_in_their_order(landing):
    written = [attempt(1), attempt(2, minutes=1, state=AttemptState.FAILED, message='two\nlines and "quotes"')]
    for one in written:
        landing.crawl_log.append(one)
    assert landing.crawl_log.attempts() == written
    assert again(landing).crawl_log.attempts() == written


@pytest.mark.parametrize("torn", [b'{"run_id":"run-1","repos', b"\x00\x00\x00\x00", b"{", b"\xff"])
def test_a_line_that_a_kill_cut_short_is_left_out_and_the_next_is_whole(landing, torn):
    landing.crawl_log.append(attempt(1))
    with landing.crawl_log.file.open("ab") as file:
        file.write(torn)
    assert landing.crawl_log.attempts() == [attempt(1)]
    landing.crawl_log.append(attempt(2))
    landing.crawl_log.append(attempt(3))
    assert landing.crawl_log.attempts() == [attempt(1), attempt(2), attempt(3)]
    assert again(landing).crawl_log.attempts() == [attempt(1), attempt(2), attempt(3)]


def test_a_whole_line_without_its_end_counts(landing):
    landing.crawl_log.append(attempt(1))
    content = landing.crawl_log.file.read_bytes()
    landing.crawl_log.file.write_bytes(content.rstrip(b"\n"))
    landing.crawl_log.append(attempt(2))
    assert landing.crawl_log.attempts() == [attempt(1), attempt(2)]


def test_a_ledger_that_grew_large_keeps_the_last_attempts_of_each_repository(landing):
    """A repository that failed long ago keeps its attempts, however often the others were read since."""
    rare = attempt(7, state=AttemptState.FAILED, message="x")
    line = orjson.dumps(rare, option=orjson.OPT_NAIVE_UTC) + b"\n"
    often = [attempt(1 + number % 3, minutes=number, message="y" * 300) for number in range(9000)]
    lines = b"".join(orjson.dumps(one, option=orjson.OPT_NAIVE_UTC) + b"\n" for one in often)
    landing.crawl_log.file.write_bytes(line + lines + b'{"torn')
    again(landing)
    kept = landing.crawl_log.attempts()
    assert kept[0] == rare
    assert kept[1:] == often[-90:]
    assert landing.crawl_log.file.stat().st_size < 100_000


def test_a_small_ledger_is_left_as_it_is(landing):
    landing.crawl_log.append(attempt(1))
    before = landing.crawl_log.file.stat().st_ino
    again(landing)
    assert landing.crawl_log.file.stat().st_ino == before


# The key


def test_the_key_is_made_once_and_is_for_its_owner_alone(landing):
    key = landing.key()
    assert len(key) == 64
    assert again(landing).key() == key
    path = landing.folder / "key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [name for name in names(landing.folder) if name.startswith("key")] == ["key"]


def test_a_key_that_is_there_is_never_replaced(landing):
    (landing.folder / "key").write_bytes(b"an old key\n")
    assert landing.key() == b"an old key"
    assert again(landing).key() == b"an old key"


def test_no_two_homes_have_one_key(landing, tmp_path):
    random.seed(1)
    other = Home(tmp_path / "other")
    other.prepare()
    assert LandingZone(other).key() != landing.key()


def test_processes_that_make_the_key_at_once_agree(tmp_path):
    """Whoever is first, all read the same."""
    home = Home(tmp_path / "home")
    home.prepare()
    code = (
        "import sys; from pathlib import Path\n"
        "from git_contrib_assets.storage.home import Home\n"
        "from git_contrib_assets.storage.landing_zone import LandingZone\n"
        "zone = LandingZone(Home(Path(sys.argv[1])))\n"
        "print('ready', flush=True); sys.stdin.readline(); print(zone.key().decode())\n"
    )
    command = [sys.executable, "-c", code, str(home.root)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        process.stdin.write(b"\n")
        process.stdin.flush()
    keys = {process.communicate()[0] for process in processes}
    assert len(keys) == 1
    assert keys.pop().strip() == LandingZone(home).key()


# Preparing


def test_preparing_again_changes_nothing(landing):
    landing.repositories.write([listed(1, "acme/anvil")])
    landing.accounts.add([answer("ann@x", 1)])
    again(landing)
    files = {path: path.read_bytes() for path in landing.folder.rglob("*") if path.is_file()}
    again(landing)
    assert {path: path.read_bytes() for path in landing.folder.rglob("*") if path.is_file()} == files


def test_a_fresh_landing_zone_can_be_read_by_the_tables(landing):
    """Every file that they read is there from the first day, with its columns."""
    assert pq.read_table(landing.commits.folder / "0.parquet").num_rows == 0
    assert landing.accounts.answers().num_rows == 0
    assert landing.crawl_log.attempts() == []
    assert len(names(landing.accounts.folder)) == 1


def test_a_landing_folder_that_cannot_be_had(tmp_path):
    (tmp_path / "landing").write_text("a file")
    with pytest.raises(HomeNotWritable):
        LandingZone(Home(tmp_path)).prepare()


# What made no sense


def test_rejected_records_are_kept_with_their_reason(landing):
    landing.files.reject("repository", [(b'{"id":null}', "id is none"), (b"\xff\xfe", "no text")])
    landing.files.reject("event", [(b"[]", "x")])
    landing.files.reject("event", [])
    lines = [orjson.loads(line) for line in (landing.folder / "rejected.ndjson").read_bytes().splitlines()]
    assert [(line["subject"], line["reason"], line["record"]) for line in lines] == [
        ("repository", "id is none", '{"id":null}'),
        ("repository", "no text", "\ufffd\ufffd"),
        ("event", "x", "[]"),
    ]
    assert all(line["at"] for line in lines)
