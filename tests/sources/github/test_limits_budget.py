"""The one budget of the process: who waits, how long, and who hears of it. Time is faked; nobody sleeps."""

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from fake_time import START, FakeTime
from hypothesis import given, settings
from hypothesis import strategies as st

from git_contrib_assets.errors import LimitReached
from git_contrib_assets.sources.github.limits import (
    GRAPHQL_POINTS_PER_MINUTE,
    REST_POINTS_PER_MINUTE,
    Budget,
    Meaning,
    Verdict,
)

PRIMARY, SECONDARY = Meaning.PRIMARY_LIMIT, Meaning.SECONDARY_LIMIT


class Scene:
    """A budget in fake time, with every line that it says."""

    def __init__(self, max_wait: float = 100_000.0) -> None:
        self.time = FakeTime()
        self.said: list[str] = []
        self.sent: list[float] = []
        self.budget = Budget(max_wait=max_wait, on_wait=self.said.append, clock=self.time, sleep=self.time.sleep)

    async def send(self, resource: str = "core", headers: dict[str, str] | None = None) -> None:
        """One request that is answered at once."""
        await self.budget.acquire(resource)
        self.sent.append(self.time.elapsed)
        self.budget.release(resource, headers)

    async def one(self, resource: str = "core", headers: dict[str, str] | None = None) -> None:
        """The same, with the time moved on when it has to wait."""
        (error,) = await self.run(self.send(resource, headers))
        assert error is None

    async def run(self, *work):
        return await self.time.run(*work)


def left(remaining: object, reset: float = 1800, limit: object = 5000, **more: str) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(int(START + reset)),
        **more,
    }


def date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(START + seconds, UTC), usegmt=True)


@pytest.fixture
def scene():
    return Scene()


# What is left


async def test_what_is_in_flight_is_taken_off(scene):
    """Three are left and two on their way: one more may go, the next waits for the reset."""
    await scene.one(headers=left(3))
    for _ in range(3):
        await scene.budget.acquire("core")
    assert scene.time.slept == []
    await scene.run(scene.send())
    assert scene.sent[-1] == pytest.approx(1801)


async def test_a_request_that_failed_is_in_flight_no_more(scene):
    await scene.one(headers=left(1))
    for _ in range(3):
        await scene.budget.acquire("core")
        scene.budget.release("core", None)
    assert scene.time.slept == []


async def test_after_the_reset_requests_go_again_before_github_said_how_many(scene):
    await scene.one(headers=left(0))
    await scene.run(scene.send(), scene.send(), scene.send())
    assert scene.sent[1:] == pytest.approx([1801] * 3)


async def test_rest_and_graphql_are_counted_apart(scene):
    await scene.one("core", left(0, **{"x-ratelimit-resource": "core"}))
    await scene.one("graphql", left(4000, **{"x-ratelimit-resource": "graphql"}))
    await scene.one("graphql")
    assert scene.time.slept == []
    assert scene.budget.remaining() == {"core": 0, "graphql": 4000}
    assert scene.budget.left("graphql") == {"budget_left": 4000}
    assert scene.budget.left("search") == {}


async def test_a_reply_about_another_budget_says_nothing_of_ours(scene):
    """Some resources are counted on their own, and GitHub names them in the reply."""
    await scene.one("core", left(0, limit=10, **{"x-ratelimit-resource": "code_scanning_autofix"}))
    await scene.one("core")
    assert scene.time.slept == []
    assert "core" not in scene.budget.remaining()


async def test_replies_overtake_each_other(scene):
    """Within a window the smallest number counts, whichever comes last."""
    for remaining in (10, 0, 9):
        await scene.one(headers=left(remaining))
    await scene.run(scene.send())
    assert scene.sent[-1] == pytest.approx(1801)


async def test_a_reply_that_was_long_on_its_way_is_of_the_window_in_which_it_was_sent(scene):
    """On a slow machine its reset seems later by as much: it brings nothing back, and does not outdo what comes next."""
    await scene.one(headers=left(10, date=date(0)))
    scene.time.now += 30
    await scene.one(headers=left(12, date=date(0)))
    assert scene.budget.remaining() == {"core": 10}
    await scene.one(headers=left(0, date=date(30)))
    await scene.run(scene.send())
    assert scene.sent[-1] >= 1801


async def test_a_late_reply_of_the_window_before_is_not_believed(scene):
    """It was sent before the reset and comes after the first reply of the new window."""
    await scene.one(headers=left(4999, reset=3600))
    await scene.one(headers=left(0, reset=1))
    await scene.one()
    assert scene.time.slept == []


async def test_a_new_window_is_believed(scene):
    await scene.one(headers=left(0, reset=100))
    await scene.run(scene.send(headers=left(4999, reset=3700)), scene.send(), scene.send())
    assert scene.sent == pytest.approx([0, 101, 101, 101])
    assert scene.budget.remaining() == {"core": 4999}


@pytest.mark.parametrize("ahead", [-5000, 5000])
async def test_the_wait_is_by_the_servers_own_clock(scene, ahead):
    """Its reset is 1800 s from its now, whatever our clock says."""
    await scene.one(headers=left(0, reset=1800 + ahead, date=date(ahead)))
    await scene.run(scene.send())
    assert scene.sent[-1] == pytest.approx(1801)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        left(0, limit=0, reset=-START),
        left(0, limit=0, reset=10**9),
        left(0, reset=-START),
        left(0, reset=10**12),
        {**left(0), "x-ratelimit-reset": ""},
        {**left(0), "x-ratelimit-reset": "inf"},
        {**left(0), "x-ratelimit-limit": "none"},
        {**left(0), "x-ratelimit-remaining": "nan"},
        {**left(0), "x-ratelimit-remaining": "inf"},
    ],
    ids=str,
)
async def test_senseless_headers_hold_nobody_back(scene, headers):
    """Enterprise Server without limits says nothing, or zero of zero."""
    await scene.one(headers=headers)
    await scene.one()
    assert scene.time.slept == []


async def test_a_senseless_reset_does_not_stay(scene):
    """One reply names a year that no calendar knows; the next one's word counts."""
    await scene.one(headers=left(4000, reset=10**12))
    await scene.one(headers=left(0, reset=50))
    await scene.run(scene.send())
    assert scene.sent[-1] == pytest.approx(51)


# Pauses


async def test_when_one_is_limited_all_wait_and_none_sends(scene):
    scene.budget.limited(Verdict(SECONDARY, 90.0))
    await scene.run(*(scene.send(resource) for resource in ("core", "graphql") * 5))
    assert scene.sent == pytest.approx([90] * 10)


async def test_a_wait_is_said_once_with_its_cause_and_its_end(scene):
    scene.budget.limited(Verdict(SECONDARY, 90.0))
    await scene.run(*(scene.send() for _ in range(8)))
    (line,) = scene.said
    end = datetime.fromtimestamp(START + 90).astimezone().strftime("%H:%M:%S")
    assert "secondary limit" in line
    assert end in line
    assert "90 s" in line
    assert scene.budget.seconds_waited == pytest.approx(90)


async def test_a_pause_that_grows_is_waited_out_to_its_new_end(scene):
    scene.budget.limited(Verdict(SECONDARY, 10.0))

    async def more():
        await scene.time.sleep(5)
        scene.budget.limited(Verdict(PRIMARY, 100.0))

    await scene.run(more(), *(scene.send() for _ in range(3)))
    assert scene.sent == pytest.approx([105] * 3)
    assert len(scene.said) == 2
    assert "primary limit" in scene.said[1]


async def test_a_shorter_pause_does_not_end_a_longer_one(scene):
    scene.budget.limited(Verdict(PRIMARY, 100.0))
    scene.budget.limited(Verdict(SECONDARY, 10.0))
    scene.budget.limited(Verdict(SECONDARY))
    await scene.run(scene.send())
    assert scene.sent == pytest.approx([100])


async def test_without_a_header_the_waits_double(scene):
    """At least a minute, and exponentially longer, as GitHub asks; a bit more so that clients do not come in step."""
    waits = []
    for _ in range(5):
        scene.budget.limited(Verdict(SECONDARY))
        before = scene.time.elapsed
        await scene.run(scene.send())
        waits.append(scene.sent[-1] - before)
    for number, wait in enumerate(waits):
        assert 60 * 2**number <= wait <= 66.1 * 2**number


async def test_all_that_were_in_flight_count_as_one(scene):
    for _ in range(8):
        scene.budget.limited(Verdict(SECONDARY))
    await scene.run(scene.send())
    assert 60 <= scene.sent[-1] <= 66.1


async def test_after_a_success_the_waits_start_small_again(scene):
    for _ in range(3):
        scene.budget.limited(Verdict(SECONDARY))
        await scene.run(scene.send())
    scene.budget.succeeded()
    before = scene.time.elapsed
    scene.budget.limited(Verdict(SECONDARY))
    await scene.run(scene.send())
    assert 60 <= scene.sent[-1] - before <= 66.1


async def test_a_reply_to_what_was_sent_before_the_pause_is_no_success(scene):
    """Of eight in flight one is limited and the others come back well: the limit is still there."""
    waits = []
    for _ in range(2):
        scene.budget.limited(Verdict(SECONDARY))
        scene.budget.succeeded()
        before = scene.time.elapsed
        await scene.run(scene.send())
        waits.append(scene.sent[-1] - before)
    assert waits[1] >= 120


# The bound


@pytest.mark.parametrize("seconds", [101.0, 5000.0, 1e9, 1e13])
async def test_a_wait_beyond_the_bound_is_not_begun(seconds):
    scene = Scene(max_wait=100.0)
    scene.budget.limited(Verdict(PRIMARY, seconds))
    with pytest.raises(LimitReached, match="primary limit") as caught:
        await scene.budget.acquire("core")
    assert caught.value.seconds == pytest.approx(seconds)
    assert scene.time.slept == []
    assert scene.budget.requests == 0


async def test_the_bound_holds_for_a_budget_that_is_used_up():
    scene = Scene(max_wait=100.0)
    await scene.one(headers=left(0))
    with pytest.raises(LimitReached, match="core") as caught:
        await scene.budget.acquire("core")
    assert caught.value.seconds == pytest.approx(1801)


async def test_everybody_who_waits_hears_of_the_bound():
    scene = Scene(max_wait=100.0)
    scene.budget.limited(Verdict(SECONDARY, 200.0))
    results = await scene.run(*(scene.send() for _ in range(5)))
    assert [type(result) for result in results] == [LimitReached] * 5
    assert scene.sent == []


# Pacing


def test_what_github_allows_in_a_minute_is_not_used_up():
    """At exactly 900 points other programs of the same person, and endpoints that cost more, lead to a refusal."""
    assert REST_POINTS_PER_MINUTE <= 0.9 * 900
    assert GRAPHQL_POINTS_PER_MINUTE <= 0.9 * 2000


@pytest.mark.parametrize(
    ("resource", "per_minute"), [("core", REST_POINTS_PER_MINUTE), ("graphql", GRAPHQL_POINTS_PER_MINUTE)]
)
async def test_a_burst_goes_at_once_and_the_rest_is_paced(scene, resource, per_minute):
    await scene.run(*(scene.send(resource) for _ in range(per_minute + 50)))
    assert scene.sent[:per_minute] == [0.0] * per_minute
    assert scene.sent[per_minute:] == pytest.approx([60.0] * 50)
    assert "in the last minute" in scene.said[0]
    assert len(scene.said) == 1


async def test_the_window_slides(scene):
    """In no 60 s more than the limit, wherever they begin."""

    async def steadily():
        for _ in range(1000):
            await scene.send()
            await scene.time.sleep(0.01)

    await scene.run(steadily(), steadily())
    for start, end in zip(scene.sent, scene.sent[REST_POINTS_PER_MINUTE:], strict=False):
        assert end - start >= 60.0 - 1e-6


@pytest.mark.parametrize("seconds", [0.1, 0.5])
async def test_a_minute_is_one_by_githubs_clock(scene, seconds):
    """Requests arrive between their sending and their reply: no 60 s hold more than the limit there.

    The first ones are long on their way, those after the pause arrive at once.
    """
    arrived = []

    async def eighth():
        for _ in range(REST_POINTS_PER_MINUTE // 4):
            await scene.budget.acquire("core")
            arrived.append(scene.time.elapsed + (seconds if scene.time.elapsed < 60 else 0.0))
            await scene.time.sleep(seconds)
            scene.budget.release("core", None)

    await scene.run(*(eighth() for _ in range(8)))
    arrived.sort()
    assert len(arrived) == 2 * REST_POINTS_PER_MINUTE
    for start, end in zip(arrived, arrived[REST_POINTS_PER_MINUTE:], strict=False):
        assert end - start >= 60.0 - 1e-6


async def test_a_clock_that_is_set_back_makes_nobody_wait_for_years(scene):
    await scene.run(*(scene.send() for _ in range(REST_POINTS_PER_MINUTE)))
    scene.time.now -= 10 * 365 * 86400
    await scene.run(scene.send())
    assert max(scene.time.slept, default=0.0) <= 60


async def test_requests_are_counted(scene):
    await scene.run(*(scene.send() for _ in range(3)))
    await scene.one("graphql")
    assert scene.budget.requests == 4


# GitHub's clock


async def test_the_time_is_githubs_once_a_reply_told_it(scene):
    """Ours may be years ahead; it goes on from there, and the newest reply counts."""
    assert scene.budget.github_time() == START
    await scene.one(headers={"date": date(-1000)})
    scene.time.now += 7
    await scene.one()
    assert scene.budget.github_time() == START - 1000 + 7
    await scene.one(headers={"date": date(500)})
    assert scene.budget.github_time() == START + 500


@pytest.mark.parametrize("text", ["", "yesterday", "Thu, 01 Jan 99999 00:00:00 GMT"])
async def test_a_date_that_is_none_changes_nothing(scene, text):
    await scene.one(headers={"date": date(-1000)})
    await scene.one(headers={"date": text})
    assert scene.budget.github_time() == START - 1000


# Whatever GitHub says


replies = st.fixed_dictionaries(
    {},
    optional={
        "x-ratelimit-limit": st.integers(-1, 5000).map(str) | st.text(max_size=5),
        "x-ratelimit-remaining": st.integers(-5, 5000).map(str) | st.text(max_size=5),
        "x-ratelimit-reset": st.integers(0, 2**70).map(str) | st.floats().map(str) | st.text(max_size=5),
        "x-ratelimit-resource": st.sampled_from(["core", "graphql", "search", ""]),
        "date": st.datetimes().map(format_datetime) | st.text(max_size=9),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(replies, max_size=6), st.none() | st.floats(0, 1e300))
def test_no_reply_makes_anybody_wait_for_ever(headers, seconds):
    """Every request is sent in the end, or refused with the bound."""

    async def scenario():
        scene = Scene(max_wait=3900.0)
        for one in headers:
            await scene.run(scene.send(headers=one))
        scene.budget.limited(Verdict(SECONDARY, seconds))
        (result,) = await scene.run(scene.send())
        assert result is None or isinstance(result, LimitReached)
        assert scene.time.elapsed <= 3901 * (len(headers) + 1)

    asyncio.run(scenario())
