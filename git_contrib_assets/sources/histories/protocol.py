"""What every history source delivers: the tip, its branch, and the commits as record batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from git_contrib_assets.arrow import arrow_schema
from git_contrib_assets.records import COMMIT_COLUMNS, AccountAnswer, Repository
from git_contrib_assets.sources.histories.cancellation import Cancellation

COMMIT_SCHEMA = arrow_schema(COMMIT_COLUMNS, unit="ms")
"""One row per commit, as written: names and addresses untouched, times in UTC without a zone."""


@dataclass(frozen=True)
class Known:
    """What is landed of a repository already: its tip and the number of commits reachable from it."""

    tip: str | None
    commits: int


@dataclass
class History:
    """The default branch at one moment. ``tip`` is None for a repository without commits.

    ``batches`` may be read once, in a thread of its own, in any order: it blocks. With ``since`` it holds only the
    commits that are not reachable from that landed tip. ``requests`` and ``answers`` (what the source happened to learn
    about accounts, by address as written) are complete when the batches are read.
    """

    tip: str | None
    default_branch: str | None
    requests: int
    batches: Iterator[pa.RecordBatch]
    since: str | None = None
    answers: dict[str, AccountAnswer] = field(default_factory=dict)


class HistorySource(Protocol):
    """Where histories come from."""

    @property
    def name(self) -> str:
        """What the last reading came from, for landing files and the crawl log."""
        ...

    @property
    def concurrency(self) -> int:
        """How many repositories may be read at the same time."""
        ...

    async def plan(self, wanted: Sequence[tuple[Repository, Known | None]]) -> list[Repository]:
        """The order in which to read them. Called once, before the first is read."""
        ...

    def read(self, repository: Repository, *, cancellation: Cancellation, known: Known | None = None) -> History:
        """The history of the repository's default branch; with ``known``, if it can, only what is new since. Blocks.

        Raises RepositoryFailed or StorageError for this repository alone, LimitReached where it cannot be read
        now, NotAllowed where nothing more can be read.
        """
        ...

    def forget(self, repository: Repository) -> None:
        """Drop whatever is cached of the repository."""
        ...
