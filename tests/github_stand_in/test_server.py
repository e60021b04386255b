"""The stand-in as a process of its own."""

from stand_in_helpers import web

from github_stand_in.server import StandIn, running_as_process


def test_runs_as_a_process_too(small: StandIn) -> None:
    with running_as_process(small.root, tokens=["other"]) as stand_in:
        assert set(stand_in.environment()) == {"GITHUB_API_URL", "GITHUB_GRAPHQL_URL", "GITHUB_SERVER_URL"}
        reply = web.get(f"{stand_in.environment()['GITHUB_API_URL']}/user", auth=("x", "other"))
        assert reply.json()["login"] == "stand-in-user"
