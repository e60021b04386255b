"""Repositories by the names that requests give, and a heading for those chosen."""

from collections.abc import Sequence
from typing import Any

from api.contributors.opened import Opened
from api.kit.problems import UNKNOWN_REPOSITORY, ProblemError, invalid
from api.kit.snapshot import Snapshot

CANDIDATES_SHOWN = 10


def ids_of(snapshot: Snapshot, names: Sequence[str]) -> list[int] | None:
    """The ids of the repositories named; None when none is. Raises ProblemError for a name that is not one's."""
    return [named(snapshot, name)["repository_id"] for name in names] or None


def repository_of(snapshot: Snapshot, owner: str, name: str) -> dict[str, Any]:
    """The repository at a path. Raises ProblemError when there is none."""
    return named(snapshot, f"{owner}/{name}")


def named(snapshot: Snapshot, name: str) -> dict[str, Any]:
    """The repository of a name. Raises ProblemError when there is none, or are several."""
    found = snapshot.opened(Opened).named(name)
    if not found:
        near = [row["repository"] for row in snapshot.rows("contributors/repositories_near", {"name": name})]
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ProblemError(UNKNOWN_REPOSITORY, f"{name[:100]} is not known.{hint}", near=near)
    if len(found) > 1:
        candidates = [row["repository"] for row in found][:CANDIDATES_SHOWN]
        raise invalid("repository", f"is the name of several: give {' or '.join(candidates)}", name, near=candidates)
    return found[0]


def heading(names: Sequence[str], owners: Sequence[str]) -> str:
    """What is looked at, in a few words: the repositories chosen, else their owners."""
    for some, many in ((names, "repositories"), (owners, "owners")):
        if some:
            return " and ".join(some) if len(some) < 3 else f"{len(some)} {many}"
    return "No repositories"
