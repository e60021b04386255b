"""A repository on the git server, and the git source that reads it."""

from pathlib import Path
from typing import Any

import pyarrow as pa
from crawl_scene import listed
from git_server import git

from git_contrib_assets.records import Repository
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.git import GitHistory
from git_contrib_assets.sources.histories.protocol import COMMIT_SCHEMA, History

ANN, BOB = b"Ann <ann@example.com>", b"Bob <bob@example.com>"
ANVIL = listed(101, "acme/anvil")
ADVERTISEMENT = "application/x-git-upload-pack-advertisement"


def pack_line(text: str) -> str:
    """As git's protocol frames it."""
    return f"{len(text) + 4:04x}{text}"


def clone_of(source: GitHistory, repository: Repository = ANVIL) -> Path:
    """Where the source keeps what it fetched."""
    return source.clones / f"{repository.repository_id}.git"


def read(source: GitHistory, repository: Repository = ANVIL) -> tuple[History, list[dict[str, Any]]]:
    """The history, and its commits as rows."""
    history = source.read(repository, cancellation=Cancellation())
    batches = list(history.batches)
    assert all(batch.schema == COMMIT_SCHEMA for batch in batches)
    return history, pa.Table.from_batches(batches, COMMIT_SCHEMA).to_pylist()


def shas(source: GitHistory, repository: Repository = ANVIL) -> list[str]:
    """The shas of its commits."""
    return [row["sha"] for row in read(source, repository)[1]]


def lose(clone: Path, sha: str) -> None:
    """Take a commit out of a clone."""
    packs = list((clone / "objects" / "pack").iterdir())
    for pack in [path for path in packs if path.suffix == ".pack"]:
        git(clone, "unpack-objects", "-q", given=_taken(pack, packs))
    (clone / "objects" / sha[:2] / sha[2:]).unlink()


def _taken(pack: Path, packs: list[Path]) -> bytes:
    content = pack.read_bytes()
    for path in packs:
        if path.stem == pack.stem:
            path.unlink()
    return content
