"""The crawl against real git: each repository lands or fails on its own, and what did not change costs nothing."""

import asyncio
import os
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from crawl_scene import LISTED_AT, PUSHED_AT, listed
from git_server import Fault, git

from git_contrib_assets.errors import StorageFull
from git_contrib_assets.landing.crawl import SETTLED, is_unchanged
from git_contrib_assets.progress import Reporter, reporting_to
from git_contrib_assets.records import AttemptState
from git_contrib_assets.storage.landed.commits import LandedHistory

ANN, BOB = b"Ann <ann@example.com>", b"Bob <bob@example.com>"
LANDED, UNCHANGED, EMPTY = AttemptState.LANDED, AttemptState.UNCHANGED, AttemptState.EMPTY
EMPTIED, FAILED = AttemptState.EMPTIED, AttemptState.FAILED


def states(attempts):
    return {name: attempt.state for name, attempt in attempts.items()}


# Landing


async def test_everything_lands_the_first_time(crawling):
    anvil = crawling.add(1, "acme/anvil", ANN, BOB, ANN)
    bolt = crawling.add(2, "acme/bolt", BOB)
    attempts = await crawling.crawl()
    assert states(attempts) == {"acme/anvil": LANDED, "acme/bolt": LANDED}
    assert sorted(crawling.shas(1)) == sorted(anvil.shas())
    assert sorted(crawling.shas(2)) == sorted(bolt.shas())
    first = attempts["acme/anvil"]
    assert (first.run_id, first.tip, first.commits, first.requests, first.source) == ("run-1", anvil.tip(), 3, 3, "git")
    assert (first.reason, first.message, first.failed) == (None, None, False)


async def test_the_footer_says_where_it_comes_from(crawling):
    anvil = crawling.add(1, "acme/anvil", ANN)
    await crawling.crawl()
    landed = crawling.landing.commits.landed(1)
    assert (landed.tip, landed.default_branch, landed.listed_branch) == (anvil.tip(), "main", "main")
    assert (landed.source, landed.pushed_at, landed.listed_at) == ("git", PUSHED_AT, LISTED_AT)
    assert (landed.commits, landed.emptied) == (1, False)


async def test_every_attempt_is_in_the_ledger_before_it_is_handed_out(crawling):
    for number in range(1, 7):
        crawling.add(number, f"acme/r{number}", ANN)
    count = 0
    async for attempt in crawling.attempts():
        count += 1
        assert crawling.landing.crawl_log.attempts()[-1] == attempt
        assert len(crawling.landing.crawl_log.attempts()) == count
    assert count == 6


async def test_a_crawl_of_nothing(crawling):
    assert await crawling.crawl() == {}


# What did not change


async def test_what_was_not_pushed_to_is_not_touched(crawling):
    anvil = crawling.add(1, "acme/anvil", ANN)
    await crawling.crawl()
    before, content = crawling.server.requests("acme/anvil"), crawling.landing.commits.file(1).read_bytes()
    anvil.push(BOB)  # a push that the listing does not know of
    (attempt,) = (await crawling.crawl()).values()
    assert attempt.state is UNCHANGED
    assert attempt.requests == crawling.server.requests("acme/anvil") - before == 0
    assert crawling.landing.commits.file(1).read_bytes() == content


async def test_who_looks_again_sees_a_push_that_the_listing_does_not_know_of(crawling):
    anvil = crawling.add(1, "acme/anvil", ANN)
    await crawling.crawl()
    assert states(await crawling.crawl(unlisted=True)) == {"acme/anvil": UNCHANGED}
    anvil.push(BOB)
    assert states(await crawling.crawl(unlisted=True)) == {"acme/anvil": LANDED}
    assert len(crawling.shas(1)) == 2


async def test_only_what_was_pushed_to_is_fetched(crawling):
    anvil = crawling.add(1, "acme/anvil", ANN)
    for number in (2, 3):
        crawling.add(number, f"acme/r{number}", ANN)
    await crawling.crawl()
    crawling.server.seen.clear()
    anvil.push(BOB)
    crawling.relist(1)
    attempts = await crawling.crawl()
    assert states(attempts) == {"acme/anvil": LANDED, "acme/r2": UNCHANGED, "acme/r3": UNCHANGED}
    assert {one.path.split(".git/")[0] for one in crawling.server.seen} == {"/acme/anvil"}
    assert len(crawling.server.seen) <= 4
    assert sorted(crawling.shas(1)) == sorted(anvil.shas())


async def test_a_push_to_another_branch_is_looked_at_once(crawling):
    """The listing cannot tell which branch was pushed to: it is fetched, found unchanged, and then left alone."""
    anvil = crawling.add(1, "acme/anvil", ANN)
    await crawling.crawl()
    fetched_at = crawling.landing.commits.landed(1).fetched_at
    anvil.push(BOB, branch="topic", onto=anvil.tip())
    crawling.relist(1)
    (attempt,) = (await crawling.crawl()).values()
    assert (attempt.state, attempt.commits) == (UNCHANGED, 1)
    assert crawling.landing.commits.landed(1).pushed_at == crawling.repositories[1].pushed_at
    assert crawling.landing.commits.landed(1).fetched_at == fetched_at
    crawling.server.seen.clear()
    await crawling.crawl()
    assert crawling.server.seen == []


@pytest.mark.parametrize(
    ("changed", "unchanged"),
    [
        ({}, True),
        ({"listed_at": LISTED_AT + timedelta(days=9)}, True),
        ({"stars": 9}, True),
        ({"repository": "acme/renamed"}, False),
        ({"pushed_at": PUSHED_AT + timedelta(seconds=1)}, False),
        ({"pushed_at": PUSHED_AT - timedelta(seconds=1)}, False),
        ({"pushed_at": None}, False),
        ({"default_branch": "next"}, False),
        ({"default_branch": None}, False),
    ],
    ids=str,
)
def test_what_counts_as_unchanged(changed, unchanged):
    landed = LandedHistory(
        1, "1" * 40, "main", "main", "git", LISTED_AT, PUSHED_AT, LISTED_AT, 1, repository="acme/anvil"
    )
    assert is_unchanged(listed(1, "acme/anvil", **changed), landed) is unchanged


def test_a_file_of_an_older_version_does_not_tell_the_name_and_is_believed():
    landed = LandedHistory(1, "1" * 40, "main", "main", "git", LISTED_AT, PUSHED_AT, LISTED_AT, 1)
    assert is_unchanged(listed(1, "acme/renamed"), landed)


@pytest.mark.parametrize(("seconds", "unchanged"), [(0, False), (1, False), (59, False), (60, False), (61, True)])
def test_a_push_younger_than_a_minute_at_the_time_of_its_listing_is_not_believed_to_be_the_last(seconds, unchanged):
    """There may have been another one within the same second, or one that the listing did not know of yet."""
    landed = LandedHistory(
        1, "1" * 40, "main", "main", "git", LISTED_AT, PUSHED_AT, PUSHED_AT + timedelta(seconds=seconds), 1
    )
    assert is_unchanged(listed(1, "acme/anvil"), landed) is unchanged
    assert timedelta(seconds=60) == SETTLED


# Histories that change their shape


async def test_a_forced_push_replaces_the_landed_commits(crawling):
    anvil = crawling.add(1, "acme/anvil", ANN, ANN, ANN)
    await crawling.crawl()
    anvil.push(BOB, onto="")
    crawling.relist(1)
    await crawling.crawl()
    assert [row["author_name"] for row in crawling.rows(1)] == ["Bob"]
    assert crawling.landing.commits.landed(1).tip == anvil.tip()


async def test_a_renamed_default_branch(crawling):
    """No push, another name: it is looked at, and found to be the same."""
    anvil = crawling.add(1, "acme/anvil", ANN)
    await crawling.crawl()
    git(anvil.folder, "branch", "-m", "main", "trunk")
    anvil.make_default("trunk")
    crawling.relist(1, pushed_at=PUSHED_AT, default_branch="trunk")
    attempts = await crawling.crawl()
    assert states(attempts) == {"acme/anvil": UNCHANGED}
    landed = crawling.landing.commits.landed(1)
    assert (landed.default_branch, landed.listed_branch) == ("trunk", "trunk")


async def test_a_renamed_repository_lands_under_its_number(crawling):
    anvil = crawling.add(1, "acme/anvil", ANN)
    await crawling.crawl()
    anvil.folder.rename(anvil.folder.with_name("hammer.git"))
    crawling.relist(1, repository="acme/hammer", name="hammer")
    assert states(await crawling.crawl()) == {"acme/hammer": UNCHANGED}
    assert [path.name for path in crawling.landing.commits.folder.iterdir() if path.stem != "0"] == ["1.parquet"]


async def test_an_empty_repository_is_a_success_without_rows(crawling):
    anvil = crawling.add(1, "acme/anvil")
    attempts = await crawling.crawl()
    assert states(attempts) == {"acme/anvil": EMPTY}
    assert (attempts["acme/anvil"].tip, attempts["acme/anvil"].commits, crawling.rows(1)) == (None, 0, [])
    assert states(await crawling.crawl()) == {"acme/anvil": UNCHANGED}
    anvil.push(ANN)
    crawling.relist(1)
    assert states(await crawling.crawl()) == {"acme/anvil": LANDED}
    assert len(crawling.rows(1)) == 1


async def test_an_emptied_repository_keeps_its_last_good_data(crawling):
    """With its state; and it goes on from there when somebody pushes again."""
    anvil = crawling.add(1, "acme/anvil", ANN, BOB)
    await crawling.crawl()
    before, tip = crawling.rows(1), anvil.tip()
    anvil.delete("main")
    crawling.relist(1)
    (attempt,) = (await crawling.crawl()).values()
    assert (attempt.state, attempt.reason, attempt.commits) == (EMPTIED, "emptied", 2)
    assert not attempt.failed
    assert crawling.rows(1) == before
    landed = crawling.landing.commits.landed(1)
    assert (landed.emptied, landed.tip) == (True, tip)
    anvil.push(BOB)
    crawling.relist(1)
    assert states(await crawling.crawl()) == {"acme/anvil": LANDED}
    assert len(crawling.rows(1)) == 1
    assert not crawling.landing.commits.landed(1).emptied


async def test_an_emptied_repository_that_gets_its_old_commits_back(crawling):
    anvil = crawling.add(1, "acme/anvil", ANN)
    await crawling.crawl()
    tip = anvil.tip()
    anvil.delete("main")
    crawling.relist(1)
    await crawling.crawl()
    git(anvil.folder, "update-ref", "refs/heads/main", tip)
    crawling.relist(1)
    await crawling.crawl()
    assert not crawling.landing.commits.landed(1).emptied
    assert len(crawling.rows(1)) == 1


async def test_odd_bytes_land_as_text(crawling):
    crawling.add(1, "acme/anvil", b"Ren\xe9 <ren\xe9@example.com>", b"Blank <>", "Zoë <zoë@example.com>".encode())
    await crawling.crawl()
    assert {row["author_email"] for row in crawling.rows(1)} == {"ren\ufffd@example.com", "", "zoë@example.com"}


# Failures


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(404), "not_found"),
        (Fault(401), "not_found"),
        (Fault(403), "blocked"),
        (Fault(451), "blocked"),
        (Fault(502), "unavailable"),
        (Fault(429), "unavailable"),
        (Fault(spoil="flipped"), "corrupt"),
    ],
    ids=["404", "401", "403", "451", "502", "429", "flipped"],
)
async def test_one_failure_is_one_repositorys_failure(crawling, fault, reason):
    """The others land; what it had stays; the next crawl has it."""
    bad = crawling.add(1, "acme/bad", ANN)
    await crawling.crawl()
    bad.push(BOB)
    crawling.relist(1)
    for number in (2, 3, 4):
        crawling.add(number, f"acme/r{number}", BOB)
    crawling.server.faults["acme/bad"] = fault
    attempts = await crawling.crawl()
    assert len(attempts) == 4
    failed = attempts.pop("acme/bad")
    assert {attempt.state for attempt in attempts.values()} == {LANDED}
    assert (failed.state, failed.reason, failed.commits) == (FAILED, reason, 1)
    assert "acme/bad" in failed.message
    assert failed.failed
    assert len(crawling.rows(1)) == 1
    crawling.server.faults.clear()
    assert states(await crawling.crawl())["acme/bad"] is LANDED
    assert len(crawling.rows(1)) == 2


async def test_one_that_never_could_be_read_has_no_file(crawling):
    crawling.add(1, "acme/bad", ANN)
    crawling.server.faults["acme/bad"] = Fault(404)
    (attempt,) = (await crawling.crawl()).values()
    assert (attempt.state, attempt.tip, attempt.commits) == (FAILED, None, 0)
    assert crawling.landing.commits.landed(1) is None


async def test_a_clone_that_lost_commits_is_made_anew(crawling):
    """git finds out only while it lists them: the clone is thrown away, and the attempt succeeds."""
    anvil = crawling.add(1, "acme/anvil", ANN)
    await crawling.crawl()
    anvil.push(BOB, BOB)
    crawling.relist(1)
    clone = crawling.home.git / "1.git"
    git(clone, "fetch", "-q", "--filter=tree:0", "origin", "+refs/heads/main:refs/heads/main")
    packs = sorted((clone / "objects" / "pack").glob("*.pack"), key=lambda path: path.stat().st_size)
    for path in (clone / "objects" / "pack").glob(f"{packs[0].stem}.*"):
        path.unlink()
    for path in (clone / "objects").glob("[0-9a-f][0-9a-f]/*"):
        path.unlink()
    (attempt,) = (await crawling.crawl()).values()
    assert attempt.state is LANDED
    assert sorted(crawling.shas(1)) == sorted(anvil.shas())


async def test_a_damaged_landing_file_is_fetched_again(crawling):
    anvil = crawling.add(1, "acme/anvil", ANN, BOB)
    await crawling.crawl()
    crawling.landing.commits.file(1).write_bytes(b"garbage")
    assert states(await crawling.crawl()) == {"acme/anvil": LANDED}
    assert sorted(crawling.shas(1)) == sorted(anvil.shas())
    assert (crawling.landing.folder / "set_aside" / "1.parquet").exists()


async def test_a_cache_that_is_gone_comes_back(crawling):
    anvil = crawling.add(1, "acme/anvil", ANN)
    await crawling.crawl()
    for path in sorted(crawling.home.git.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    anvil.push(BOB)
    crawling.relist(1)
    assert states(await crawling.crawl()) == {"acme/anvil": LANDED}
    assert len(crawling.shas(1)) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
async def test_a_full_disk_ends_the_crawl(crawling):
    """To go on would only fail the others too. What is landed is kept, and so is the line in the ledger."""
    crawling.source.concurrency = 1
    for number in range(1, 8):
        crawling.add(number, f"acme/r{number}", ANN)
        path = crawling.landing.commits.file(number)
        path.with_name(f"{path.name}.{os.getpid()}.tmp").symlink_to("/dev/full")
    with pytest.raises(StorageFull):
        await crawling.crawl()
    ledger = crawling.landing.crawl_log.attempts()
    assert ledger
    assert {attempt.reason for attempt in ledger} == {"disk_full"}
    assert len(ledger) < 7


async def test_a_defect_met_in_one_repository_does_not_end_the_others(crawling):
    """A name that no address can be made of: nothing foresaw it."""
    crawling.add(1, "acme/anvil", ANN)
    crawling.repositories[2] = replace(listed(2, "acme/bolt"), repository="acme/nul\x00")
    attempts = await crawling.crawl()
    assert states(attempts) == {"acme/anvil": LANDED, "acme/nul\x00": FAILED}
    assert "report" in attempts["acme/nul\x00"].message


# At the same time, and being stopped


async def test_no_more_are_read_at_a_time_than_the_source_allows(crawling):
    class Watching(Reporter):
        now = most = 0
        lock = threading.Lock()  # one method is called in the threads that read, the other in that of the crawl

        def repository_started(self, repository):
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)

        def repository_finished(self, attempt):
            with self.lock:
                self.now -= 1

    for number in range(1, 9):
        crawling.add(number, f"acme/r{number}", ANN)
    crawling.source.concurrency = 1
    watching = Watching()
    with reporting_to(watching):
        attempts = await crawling.crawl()
    assert set(states(attempts).values()) == {LANDED}
    assert watching.most <= 2  # one is read while the one before it is written into the ledger


async def test_who_stops_the_crawl_keeps_what_is_finished(crawling):
    """One repository's server never answers: the others are there, nothing half made is left, git is gone."""
    crawling.add(1, "acme/slow", ANN)
    crawling.add(2, "acme/quick", ANN)
    crawling.server.faults["acme/slow"] = Fault(stall=True)
    running = crawling.attempts()
    attempt = await anext(running)
    assert (attempt.repository, attempt.state) == ("acme/quick", LANDED)
    assert await asyncio.to_thread(crawling.server.stalled.wait, 60)
    await asyncio.wait_for(running.aclose(), 60)
    assert [one.repository for one in crawling.landing.crawl_log.attempts()] == ["acme/quick"]
    assert crawling.landing.commits.landed(2).commits == 1
    assert crawling.landing.commits.landed(1) is None


async def test_a_cancelled_crawl_ends(crawling):
    crawling.add(1, "acme/slow", ANN)
    crawling.server.faults["acme/slow"] = Fault(stall=True)
    task = asyncio.create_task(crawling.crawl())
    assert await asyncio.to_thread(crawling.server.stalled.wait, 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 60)
    assert crawling.landing.crawl_log.attempts() == []
