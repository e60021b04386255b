"""Limits count down, refuse and start again."""

import httpx
from stand_in_helpers import web

from github_stand_in.limits import Limits, LimitSettings
from github_stand_in.server import StandIn
from github_stand_in.world import TokenHolder


def test_the_primary_limit_counts_down_and_refuses(api: httpx.Client, small: StandIn) -> None:
    small.limits(core=3)
    replies = [api.get("/orgs/acme/repos") for _ in range(5)]
    assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["2", "1", "0", "0", "0"]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 403, 403]
    assert replies[3].json()["message"].startswith("API rate limit exceeded for user ID")
    limits = small.limits()
    assert limits["refused_primary"] == 2
    assert limits["sent_while_limited"] == 1


def test_a_new_window_opens_at_the_announced_time() -> None:
    """Not a second later."""
    now = 1_000.0
    limits, caller = Limits(LimitSettings(core=1, window=10), clock=lambda: now), TokenHolder.parse("good")
    assert [limits.take(caller, "core") for _ in range(2)] == [True, False]
    now = limits.bucket(caller, "core").reset
    assert limits.take(caller, "core")


def test_limits_belong_to_people(api: httpx.Client, small: StandIn) -> None:
    small.add_token("another=stand-in-user")
    small.limits(core=2, anonymous=1)
    used = [
        api.get("/user", headers={"authorization": f"Bearer {token}"}) for token in ("good", "another", "good", "owner")
    ]
    assert [reply.status_code for reply in used] == [200, 200, 403, 200]
    strangers = [web.get(f"{small.api_url}/orgs/acme/repos") for _ in range(2)]
    assert [reply.status_code for reply in strangers] == [200, 403]
    assert strangers[1].json()["message"].startswith("API rate limit exceeded for 127.0.0.1")


def test_the_secondary_limit_with_and_without_a_time_to_wait(api: httpx.Client, small: StandIn) -> None:
    small.limits(points_per_minute=2, secondary_retry_after=7)
    replies = [api.get("/orgs/acme/repos") for _ in range(3)]
    assert (replies[2].status_code, replies[2].headers["retry-after"]) == (403, "7")
    assert "secondary rate limit" in replies[2].json()["message"]
    assert int(replies[2].headers["x-ratelimit-remaining"]) > 0
    small.limits(points_per_minute=None)
    small.fault("secondary_limit", times=1)
    assert "retry-after" not in api.get("/orgs/acme/repos").headers
    api.get("/orgs/acme/repos")
    assert small.limits()["sent_while_limited"] == 1


def test_a_minute_has_points_of_its_own_for_rest_and_for_graphql() -> None:
    """Per person, and over the last 60 seconds."""
    now = 1_000.0
    settings = LimitSettings(points_per_minute=900, graphql_points_per_minute=2_000)
    limits, caller = Limits(settings, clock=lambda: now), TokenHolder.parse("good")
    assert all(limits.take_secondary(caller, "core") for _ in range(900))
    assert not limits.take_secondary(caller, "core")
    assert all(limits.take_secondary(caller, "graphql") for _ in range(2_000))
    assert not limits.take_secondary(caller, "graphql")
    assert limits.take_secondary(None, "core")
    now += 60
    assert limits.take_secondary(caller, "core")


def test_asking_for_the_limits_costs_a_point_of_the_minute_alone(api: httpx.Client, small: StandIn) -> None:
    """It is free of the primary limit only."""
    small.limits(points_per_minute=2)
    replies = [api.get("/rate_limit") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 403]
    assert replies[1].json()["resources"]["core"]["used"] == 0
