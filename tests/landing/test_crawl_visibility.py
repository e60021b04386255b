"""Nothing is read that was not seen to be public, and nothing lands that is no longer public after it was read."""

import asyncio
from itertools import chain

import pytest
from git_server import Fault
from waiting import until

from git_contrib_assets.errors import LimitReached, RepositoryPrivate, RepositoryRenamed, TokenRefused
from git_contrib_assets.landing.crawl import Crawl
from git_contrib_assets.records import AttemptState

ANN, BOB = b"Ann <ann@example.com>", b"Bob <bob@example.com>"
LANDED, FAILED = AttemptState.LANDED, AttemptState.FAILED
PRIVATE, RENAMED = RepositoryPrivate("acme/bolt is private"), RepositoryRenamed("acme/bolt is another")


@pytest.fixture
def three(crawling):
    """Repositories of one commit each; the second one is named bolt."""
    crawling.upstreams = {}
    for number, name in enumerate(("anvil", "bolt", "crate"), 1):
        crawling.upstreams[number] = crawling.add(number, f"acme/{name}", ANN)
    crawling.landing.repositories.write(crawling.repositories.values())
    return crawling


def outcome(attempts):
    return {name.partition("/")[2]: attempt.reason or attempt.state.value for name, attempt in attempts.items()}


def files(crawling):
    return sorted(path.name for path in crawling.landing.commits.folder.iterdir() if path.stem != "0")


# Before


async def test_without_a_listing_all_are_asked_about_first(three):
    three.seen.refused = {2: PRIVATE}
    assert outcome(await three.crawl(unlisted=True)) == {"anvil": "landed", "bolt": "private", "crate": "landed"}
    assert three.seen.asked[0] == ["acme/anvil", "acme/bolt", "acme/crate"]
    assert three.server.requests("acme/bolt") == 0
    assert files(three) == ["1.parquet", "3.parquet"]


async def test_what_this_run_has_listed_is_asked_about_only_when_it_was_read(three):
    await three.crawl()
    assert sorted(chain(*three.seen.asked)) == ["acme/anvil", "acme/bolt", "acme/crate"]
    three.seen.asked.clear()
    await three.crawl()  # nothing changed, nothing is read
    assert three.seen.asked == []


@pytest.mark.parametrize("unlisted", [True, False], ids=["before", "after"])
async def test_one_that_was_seen_private_is_marked_in_the_catalogue(three, unlisted):
    three.seen.refused = {1: RENAMED, 2: PRIVATE}
    await three.crawl(unlisted=unlisted)
    marked = [(one.is_private, one.missing_reason) for one in three.landing.repositories.all()]
    assert marked == [(False, None), (True, "private"), (False, None)]


async def test_those_of_a_target_that_could_not_be_listed_are_left_out(three):
    await three.crawl()
    crawl = Crawl(three.landing, three.source, three.seen, "run-2")
    (attempt,) = crawl.leave_out([three.repositories[2]])
    assert (attempt.state, attempt.reason, attempt.commits) == (AttemptState.NOT_REACHED, "target_failed", 1)
    assert attempt.message == (
        "acme/bolt was not read: its target acme could not be listed; its last good data are kept"
    )
    assert three.landing.crawl_log.attempts()[-1] == attempt


# After


@pytest.mark.parametrize("refusal", [PRIVATE, RENAMED], ids=["private", "renamed"])
async def test_what_was_read_of_one_that_is_no_longer_the_same_does_not_land(three, refusal):
    """Nothing is kept of it, not even in the cache. What it had stays, and the next run reads it again."""
    await three.crawl()
    before = three.landing.commits.file(2).read_bytes()
    three.upstreams[2].push(BOB)
    three.relist(2)
    three.seen.refused = {2: refusal}
    attempts = await three.crawl()
    assert outcome(attempts) == {"anvil": "unchanged", "bolt": refusal.reason, "crate": "unchanged"}
    failed = attempts["acme/bolt"]
    assert (failed.state, failed.message, failed.commits, failed.requests) == (FAILED, str(refusal), 1, 3)
    assert three.landing.commits.file(2).read_bytes() == before
    assert not (three.home.git / "2.git").exists()
    assert files(three) == ["1.parquet", "2.parquet", "3.parquet"]
    three.seen.refused = {}
    assert outcome(await three.crawl())["bolt"] == "landed"
    assert len(three.shas(2)) == 2


@pytest.mark.parametrize("change", ["nothing", "emptied", "empty"])
async def test_no_footer_is_stamped_either(three, change):
    """A tip that is the same may be another repository's, and so may a repository without commits."""
    if change != "empty":
        await three.crawl()
    if change != "nothing":
        three.upstreams[2].delete("main")
    before = three.landing.commits.landed(2)
    three.relist(2)
    three.seen.refused = {2: RENAMED}
    assert outcome(await three.crawl())["bolt"] == "renamed"
    assert three.landing.commits.landed(2) == before


async def test_one_that_failed_is_not_asked_about(three):
    three.server.faults["acme/bolt"] = Fault(404)
    assert outcome(await three.crawl())["bolt"] == "not_found"
    assert "acme/bolt" not in chain(*three.seen.asked)


async def test_many_are_asked_about_at_once(three):
    three.seen.seconds = 3600.0
    await three.crawl()
    assert three.seen.asked == [["acme/anvil", "acme/bolt", "acme/crate"]]


async def test_what_was_read_does_not_wait_for_one_that_takes_longer(three):
    three.server.faults["acme/bolt"] = Fault(stall=True)
    running = three.attempts()
    assert {(await anext(running)).repository, (await anext(running)).repository} == {"acme/anvil", "acme/crate"}
    await asyncio.wait_for(running.aclose(), 60)


async def test_what_waits_when_the_crawl_is_stopped_does_not_land(three):
    three.seen.seconds = 3600.0
    three.server.faults["acme/bolt"] = Fault(stall=True)
    task = asyncio.create_task(three.crawl())
    folder = three.landing.commits.folder
    await asyncio.to_thread(
        until, lambda: sorted(path.name.split(".par")[0] for path in folder.glob("*.tmp")) == ["1", "3"]
    )
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 60)
    assert files(three) == []
    assert three.landing.crawl_log.attempts() == []


@pytest.mark.parametrize(
    "error", [TokenRefused("refused"), LimitReached("too long", seconds=9.0)], ids=["refused", "limit"]
)
@pytest.mark.parametrize("unlisted", [True, False], ids=["before", "after"])
async def test_what_stops_the_asking_stops_the_crawl(three, error, unlisted):
    async def stopped(repositories):
        raise error

    three.seen.refusals = stopped
    three.seen.seconds = 3600.0
    with pytest.raises(type(error)):
        await three.crawl(unlisted=unlisted)
    assert files(three) == []
    assert {one.state for one in three.landing.crawl_log.attempts()} == {AttemptState.NOT_REACHED}
    assert len(three.landing.crawl_log.attempts()) == 3


# Public again


async def test_one_that_is_public_again_is_read_whole(three):
    """Although its tip is as landed, and its push is as old: whatever is landed or cached is not built upon."""
    await three.crawl()
    (three.home.git / "2.git" / "of-the-old-clone").touch()
    listed_at = three.repositories[2].listed_at
    three.relist(2, pushed_at=three.repositories[2].pushed_at)
    three.relist(2, pushed_at=three.repositories[2].pushed_at, first_seen_at=three.repositories[2].listed_at)
    assert three.repositories[2].first_seen_at > listed_at
    assert outcome(await three.crawl()) == {"anvil": "unchanged", "bolt": "landed", "crate": "unchanged"}
    assert not (three.home.git / "2.git" / "of-the-old-clone").exists()
    assert outcome(await three.crawl())["bolt"] == "unchanged"
