"""Finds repositories by name, and words a heading for the chosen ones."""

from collections.abc import Sequence
from typing import Any

from api.contributors.opened import Opened
from api.kit.problems import UNKNOWN_REPOSITORY, ProblemError, invalid
from api.kit.snapshot import Snapshot

CANDIDATES_SHOWN = 10


def ids_of(snapshot: Snapshot, names: Sequence[str]) -> list[int] | None:
    """The ids of the named repositories; None without names. Raises ProblemError for an unknown name."""
    return [named(snapshot, name)["repository_id"] for name in names] or None


def repository_of(snapshot: Snapshot, owner: str, name: str) -> dict[str, Any]:
    """The repository at a path. Raises ProblemError if there is none."""
    return named(snapshot, f"{owner}/{name}")


def named(snapshot: Snapshot, name: str) -> dict[str, Any]:
    """The repository with this name. Raises ProblemError if there is none, or more than one."""
    found = snapshot.opened(Opened).named(name)
    if not found:
        near = [row["repository"] for row in snapshot.rows("contributors/repositories_near", {"name": name})]
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ProblemError(UNKNOWN_REPOSITORY, f"{name[:100]} is unknown.{hint}", near=near)
    if len(found) > 1:
        candidates = [row["repository"] for row in found][:CANDIDATES_SHOWN]
        raise invalid(
            "repository", f"is the name of several repositories: use {' or '.join(candidates)}", name, near=candidates
        )
    return found[0]


def heading(names: Sequence[str], owners: Sequence[str]) -> str:
    """What is shown, in a few words: the chosen repositories, or else the owners."""
    for some, many in ((names, "repositories"), (owners, "owners")):
        if some:
            return " and ".join(some) if len(some) < 3 else f"{len(some)} {many}"
    return "No repositories"
