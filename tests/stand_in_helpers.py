"""Small things that several tests of the stand-in use."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from github_stand_in.server import NO_CERTIFICATES, NewCommit, StandIn

START = datetime(2024, 1, 1, tzinfo=UTC)

# One client without a token for all tests: making one takes longer than most requests.
web = httpx.Client(trust_env=False, verify=NO_CERTIFICATES, timeout=60, headers={"user-agent": "tests"})


def people(*names: str, start: datetime = START) -> list[NewCommit]:
    """A commit a day, by each of these."""
    return [NewCommit(name, f"{name}@example.invalid", start + timedelta(days=day)) for day, name in enumerate(names)]


def ask(stand_in: StandIn, query: str, holder: str = "good", **variables: object) -> Any:
    """The reply to a GraphQL query."""
    body = {"query": query, "variables": variables}
    return web.post(stand_in.graphql_url, json=body, headers={"authorization": f"bearer {holder}"}).json()


def follow(client: httpx.Client, path: str) -> list[dict[str, object]]:
    """All entries, by the Link headers alone."""
    entries: list[dict[str, object]] = []
    reply = client.get(path)
    while True:
        entries += reply.json()
        if "next" not in reply.links:
            return entries
        reply = client.get(reply.links["next"]["url"])
