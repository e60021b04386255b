"""What goes wrong on purpose."""

import threading

import httpx
import pytest
from stand_in_helpers import people, web
from waiting import until

from github_stand_in.faults import GIT_TOKEN_REFUSED
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
    wrong = ({"preset": "nonsense"}, {"nonsense": 1}, {"effect": "nonsense"}, {"path": "("}, {"chunk": 0})
    for fields in (*wrong, {"changes": [{"action": "nonsense"}]}):
        with pytest.raises(ValueError, match=r"\w"):
            small.fault(**fields)  # type: ignore[arg-type]


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


def test_a_token_may_be_refused_by_git_alone(api: httpx.Client, small: StandIn) -> None:
    """REST still accepts it, and strangers are served."""
    small.fault("git_token_refused")
    url = f"{small.server_url}/acme/tools.git/info/refs?service=git-upload-pack"
    refused = web.get(url, auth=("x-access-token", "good"))
    assert (refused.status_code, refused.text) == (401, GIT_TOKEN_REFUSED)
    assert api.get("/repos/acme/tools").status_code == web.get(url).status_code == 200


def test_a_token_may_be_refused_by_all(api: httpx.Client, small: StandIn) -> None:
    """Because it was revoked, or by a fault."""
    url = f"{small.server_url}/acme/tools.git/info/refs?service=git-upload-pack"
    small.revoke_token("good")
    replies = [api.get("/repos/acme/tools"), web.get(url, auth=("x-access-token", "good"))]
    small.add_token("good")
    small.fault("token_refused")
    replies += [api.get("/repos/acme/tools"), web.get(url, auth=("x-access-token", "good"))]
    assert [reply.status_code for reply in replies] == [401] * 4
    assert replies[1].text == GIT_TOKEN_REFUSED
    assert web.get(f"{small.api_url}/repos/acme/tools").status_code == 200


def test_the_listing_of_one_owner_may_fail(api: httpx.Client, small: StandIn) -> None:
    """Other owners and single repositories are answered."""
    small.fault("bad_gateway", path="/orgs/acme/repos")
    statuses = [api.get(path).status_code for path in ("/orgs/acme/repos", "/users/ann/repos", "/repos/acme/tools")]
    assert statuses == [502, 200, 200]


def test_a_repository_may_become_private_between_two_requests(api: httpx.Client, small: StandIn) -> None:
    """And public again."""
    for private in (True, False):
        change = {"action": "update", "repository": "acme/tools", "private": private}
        small.fault("alter", kind="git", path="/acme/tools", times=1, changes=[change])
        assert api.get("/repos/acme/tools").status_code == (200 if private else 404)
        reply = web.get(f"{small.server_url}/acme/tools.git/info/refs?service=git-upload-pack")
        assert reply.status_code == (401 if private else 200)
    assert api.get("/repos/acme/tools").json()["visibility"] == "public"


def test_a_name_may_belong_to_another_repository_when_it_is_asked_for(api: httpx.Client, small: StandIn) -> None:
    """It was renamed away after the listing, and another one took its name."""
    small.create("acme/other")
    (sha,) = small.push("acme/other", people("eve"))
    listed = {entry["name"]: entry["id"] for entry in api.get("/orgs/acme/repos").json()}
    renames = [("acme/tools", "old-tools"), ("acme/other", "tools")]
    changes = [{"action": "rename", "repository": repository, "name": name} for repository, name in renames]
    small.fault("alter", path="/acme/tools", times=1, changes=changes)
    assert [entry["sha"] for entry in api.get("/repos/acme/tools/commits").json()] == [sha]
    assert api.get("/repos/acme/tools").json()["id"] == listed["other"]
    assert api.get(f"/repositories/{listed['tools']}").json()["name"] == "old-tools"


def test_faults_can_be_set_from_outside(small: StandIn) -> None:
    """As JSON, by the endpoint below `/_stand_in/`."""
    fault = {"preset": "byte_by_byte", "kind": "git", "path": "/acme/", "delay": 0}
    assert web.post(f"{small.server_url}/_stand_in/faults", json=fault).status_code == 200
    assert (small.faults()[0]["effect"], small.faults()[0]["chunk"]) == ("drip", 1)
