"""Small things that several tests of the stand-in use."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from github_stand_in.git_objects import git_environment
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


def raw_commit(directory: Path, author: bytes, committer: bytes | None = None, *, header: bytes = b"") -> str:
    """Make a commit of exactly these bytes the branch `main`, on top of what is there."""

    def git(*arguments: str, content: bytes = b"") -> str:
        command = ["git", "--git-dir", str(directory), *arguments]
        return (
            subprocess.run(command, input=content, env=git_environment(), capture_output=True, check=True)
            .stdout.decode()
            .strip()
        )

    tree = git("hash-object", "-t", "tree", "-w", "--stdin")
    parents = "".join(
        f"parent {tip}\n" for tip in git("for-each-ref", "--format=%(objectname)", "refs/heads/main").split()
    )
    lines = [
        f"tree {tree}\n{parents}".encode(),
        b"author ",
        author,
        b"\ncommitter ",
        committer or author,
        b"\n",
        header,
    ]
    sha = git(
        "hash-object", "-t", "commit", "-w", "--stdin", "--literally", content=b"".join([*lines, b"\nA message\n"])
    )
    git("update-ref", "refs/heads/main", sha)
    return sha
