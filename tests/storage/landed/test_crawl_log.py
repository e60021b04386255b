"""The crawl log."""

from datetime import datetime, timedelta

import orjson
import pytest

from git_contrib_assets.records import Attempt, AttemptState

NOON = datetime.fromisoformat("2023-11-14T12:00:00")


def again(landing):
    """The landing zone as the next run finds it."""
    landing.prepare()
    return landing


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
