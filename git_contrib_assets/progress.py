"""What people see while work goes on: one reporter for the process, set by the command line.

Every other part only says what happened; without a reporter nothing is shown.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from git_contrib_assets.errors import GitContribError
from git_contrib_assets.records import Attempt, Repository


class Reporter:
    """Hears what happens. The methods of this base do nothing."""

    def listed(self, target: str, repositories: Sequence[Repository]) -> None:
        """A target was listed: these are its repositories."""

    def target_failed(self, target: str, error: GitContribError) -> None:
        """A target could not be listed."""

    def crawl_started(self, repositories: int) -> None:
        """A crawl of so many repositories begins."""

    def repository_started(self, repository: str) -> None:
        """Git is asked about a repository."""

    def repository_finished(self, attempt: Attempt) -> None:
        """An attempt at a repository ended."""

    def accounts_asked(self, asked: int, total: int) -> None:
        """So many of the unknown addresses have an answer."""

    def accounts_failed(self, error: GitContribError, not_asked: int) -> None:
        """Some addresses could not be asked."""

    def waiting(self, message: str) -> None:
        """A wait begins; the message holds its cause and its end."""

    def rejected(self, records: int, reason: str) -> None:
        """Records were set aside."""

    def published(self, snapshot_id: str, *, changed: bool) -> None:
        """The tables are published; ``changed`` is false when the current snapshot already held them."""

    def step_failed(self, error: GitContribError) -> None:
        """A step ended with this error."""

    def note(self, message: str) -> None:
        """Anything else worth a line."""


class PassingOn(Reporter):
    """Hears what happens, and lets another hear it too."""

    def __init__(self, listener: Reporter) -> None:
        self._listener = listener

    def __getattribute__(self, name: str) -> Any:
        own = object.__getattribute__(self, name)
        if name.startswith("_") or not callable(own):
            return own
        heard = getattr(object.__getattribute__(self, "_listener"), name)

        def both(*arguments: Any, **options: Any) -> None:
            own(*arguments, **options)
            heard(*arguments, **options)

        return both


_reporter = Reporter()


def reporter() -> Reporter:
    """The reporter of this process."""
    return _reporter


@contextlib.contextmanager
def reporting_to(new: Reporter) -> Iterator[None]:
    """Let ``new`` hear everything for the length of the block."""
    global _reporter
    previous, _reporter = _reporter, new
    try:
        yield
    finally:
        _reporter = previous
