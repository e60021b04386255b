"""What goes wrong on purpose."""

import threading
import time

import httpx
import pytest
from stand_in_helpers import web
from waiting import until

from github_stand_in.gate import DRIP_BYTES
from github_stand_in.server import StandIn


def test_a_fault_hits_what_it_should_as_often_as_it_should(api: httpx.Client, small: StandIn) -> None:
    small.fault("bad_gateway", kind="rest", path=r"/acme/tools/commits\?.*page=2", times=2)
    path = "/repos/acme/tools/commits"
    assert api.get(path, params={"page": 1}).status_code == 200
    assert [api.get(path, params={"page": 2}).status_code for _ in range(3)] == [502, 502, 200]
    assert small.faults()[0]["hits"] == 2
    small.fault(status=500, body={"message": "Server Error"}, after=1, path="/rate_limit")
    assert [api.get("/rate_limit").status_code for _ in range(3)] == [200, 500, 500]
    small.clear_faults()
    assert api.get("/rate_limit").status_code == 200


@pytest.mark.parametrize(
    ("preset", "status", "part"),
    [
        ("dmca", 451, '"reason":"dmca"'),
        ("tos", 403, '"reason":"tos"'),
        ("not_found", 404, "Not Found"),
        ("too_large", 403, "too large"),
        ("sso", 403, "SAML"),
        ("version_gone", 410, "no longer supported"),
    ],
)
def test_refusals_have_their_bodies(api: httpx.Client, small: StandIn, preset: str, status: int, part: str) -> None:
    small.fault(preset)
    reply = api.get("/repos/acme/tools")
    assert reply.status_code == status
    assert part in reply.text


def test_an_unknown_fault_is_an_error(small: StandIn) -> None:
    for fields in ({"preset": "nonsense"}, {"nonsense": 1}, {"effect": "nonsense"}, {"path": "("}):
        with pytest.raises(ValueError, match=r"\w"):
            small.fault(**fields)  # type: ignore[arg-type]


def test_broken_connections(api: httpx.Client, small: StandIn) -> None:
    small.fault("drop", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        api.get("/orgs/acme/repos")
    small.fault("hang", times=1)
    with pytest.raises(httpx.ReadTimeout):
        api.get("/orgs/acme/repos", timeout=httpx.Timeout(60, read=0.2))
    assert api.get("/orgs/acme/repos").status_code == 200


def test_slow_answers(api: httpx.Client, small: StandIn) -> None:
    small.fault("slow", delay=0.15, times=1)
    begun = time.monotonic()
    assert api.get("/repos/acme/tools").status_code == 200
    assert time.monotonic() - begun >= 0.15
    small.fault("drip", delay=0.001, times=1)
    begun = time.monotonic()
    drops = len(api.get("/repos/acme/tools/commits?per_page=1").content) // DRIP_BYTES
    assert time.monotonic() - begun >= drops * 0.001  # what was sent apart may well arrive together
    assert drops > 10


def test_a_slow_answer_comes_when_the_fault_is_cleared(api: httpx.Client, small: StandIn) -> None:
    small.fault("slow", kind="rest", delay=3600.0)
    replies = []
    asking = threading.Thread(target=lambda: replies.append(api.get("/repos/acme/tools", timeout=240)))
    asking.start()
    until(lambda: small.faults()[0]["hits"])
    assert replies == []
    small.clear_faults()
    asking.join()
    assert [reply.status_code for reply in replies] == [200]


def test_graphql_trouble(small: StandIn) -> None:
    query = {"query": '{repository(owner:"acme",name:"tools"){a:databaseId b:name c:isFork d:isEmpty}}'}
    headers = {"authorization": "bearer good"}
    small.fault("graphql_502", more_aliases_than=3, times=1)
    assert web.post(small.graphql_url, json={"query": "{viewer{login}}"}, headers=headers).status_code == 200
    assert (
        web.post(
            small.graphql_url,
            json={"query": "{a:viewer{b:login} c:viewer{d:login} e:viewer{login} f:viewer{login}}"},
            headers=headers,
        ).status_code
        == 502
    )
    small.fault("graphql_partial", times=1)
    reply = web.post(small.graphql_url, json=query, headers=headers).json()
    assert reply["data"]["repository"]["c"] is None
    assert [error["path"] for error in reply["errors"]] == [["repository", "c"], ["repository", "d"]]
