"""A forced crawl: what is landed and what is cached make no difference, and stay until the new has landed."""

import asyncio

import pytest
from git_server import Fault
from histories import commit, history, land_history

from git_contrib_assets.records import AttemptState

ANN, BOB = b"Ann <ann@example.com>", b"Bob <bob@example.com>"


@pytest.fixture
async def anvil(crawling):
    """A repository whose landing file holds what never was, under the right tip."""
    upstream = crawling.add(1, "acme/anvil", ANN, BOB)
    await crawling.crawl()
    landed = crawling.landing.commits.landed(1)
    land_history(crawling.landing, landed, history([commit("never@example.com"), commit("was@example.com")]))
    return upstream


async def test_an_ordinary_crawl_believes_what_is_landed(crawling, anvil):
    (attempt,) = (await crawling.crawl(unlisted=True)).values()
    assert attempt.state is AttemptState.UNCHANGED
    assert set(crawling.shas(1)) != set(anvil.shas())


async def test_everything_again_replaces_it(crawling, anvil):
    clone = crawling.home.git / "1.git"
    (clone / "of-the-old-clone").touch()
    (attempt,) = (await crawling.crawl(everything_again=True)).values()
    assert (attempt.state, attempt.commits, attempt.tip) == (AttemptState.LANDED, 2, anvil.tip())
    assert set(crawling.shas(1)) == set(anvil.shas())
    assert clone.exists()
    assert not (clone / "of-the-old-clone").exists()


async def test_the_old_stays_where_the_new_does_not_come(crawling, anvil):
    before = crawling.landing.commits.file(1).read_bytes()
    crawling.server.faults["acme/anvil"] = Fault(404)
    (attempt,) = (await crawling.crawl(everything_again=True)).values()
    assert attempt.failed
    assert crawling.landing.commits.file(1).read_bytes() == before
    crawling.server.faults.clear()
    (attempt,) = (await crawling.crawl(everything_again=True)).values()
    assert attempt.state is AttemptState.LANDED


async def test_one_that_lost_its_commits_keeps_them_here(crawling, anvil):
    before = crawling.rows(1)
    anvil.delete("main")
    (attempt,) = (await crawling.crawl(everything_again=True)).values()
    assert attempt.state is AttemptState.EMPTIED
    assert crawling.rows(1) == before


async def test_an_end_in_the_middle_keeps_what_has_landed(crawling):
    for number in range(1, 7):
        crawling.add(number, f"acme/r{number}", ANN)
    await crawling.crawl()
    attempts = crawling.attempts(everything_again=True)
    first = await anext(attempts)
    await attempts.aclose()
    assert first.state is AttemptState.LANDED
    landed = [crawling.landing.commits.landed(number) for number in range(1, 7)]
    assert {(one.commits, one.emptied) for one in landed} == {(1, False)}
    await asyncio.sleep(0)
    again = await crawling.crawl()
    assert {attempt.state for attempt in again.values()} == {AttemptState.UNCHANGED}
