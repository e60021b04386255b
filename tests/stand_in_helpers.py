"""Small things that several tests of the stand-in use."""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from github_stand_in.git_objects import git_environment
from github_stand_in.server import NO_CERTIFICATES, NewCommit, StandIn

CLONE = ("-c", "credential.helper=", "clone", "--quiet", "--bare", "--single-branch", "--no-tags", "--filter=tree:0")
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


def raw_commit(directory: Path, signature: bytes) -> str:
    """A commit on top of `main` whose author and committer are exactly these bytes."""

    def plumb(*arguments: str, content: bytes = b"") -> str:
        command = ["git", "--git-dir", str(directory), *arguments]
        done = subprocess.run(command, input=content, env=git_environment(), capture_output=True, check=True)
        return done.stdout.decode().strip()

    tree, tip = plumb("hash-object", "-t", "tree", "-w", "--stdin"), plumb("rev-parse", "refs/heads/main")
    head = f"tree {tree}\nparent {tip}\n".encode()
    content = head + b"author " + signature + b"\ncommitter " + signature + b"\n\nA message\n"
    sha = plumb("hash-object", "-t", "commit", "-w", "--stdin", "--literally", content=content)
    plumb("update-ref", "refs/heads/main", sha)
    return sha


def git(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run git as on a machine without settings, unless `variables` say more."""
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    return subprocess.run(
        ["git", *arguments], env={**os.environ, **quiet, **variables}, capture_output=True, text=True, check=False
    )


def clone(stand_in: StandIn, target: Path, repository: str = "acme/tools") -> subprocess.CompletedProcess[str]:
    """Clone a repository as the crawl does."""
    return git(*CLONE, f"{stand_in.server_url}/{repository}.git", str(target))
