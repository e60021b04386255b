"""What people see while work goes on: one reporter for the process, set by the command line.

Every other part only says what happened; without a reporter nothing is shown.
"""

import contextlib
from collections.abc import Iterator, Sequence

from git_contrib_assets.errors import GitContribError
from git_contrib_assets.records import Attempt, Repository


class Reporter:
    """Hears what happens. The methods of this base do nothing."""

    def listed(self, target: str, repositories: Sequence[Repository]) -> None:
        """A target was listed: these are its repositories."""

    def target_failed(self, target: str, error: GitContribError) -> None:
        """A target could not be listed."""

    def crawl_started(self, repositories: int) -> None:
        """A crawl of this number of repositories begins."""

    def repository_started(self, repository: str) -> None:
        """The history of a repository is about to be read."""

    def repository_finished(self, attempt: Attempt) -> None:
        """An attempt at a repository ended."""

    def accounts_asked(self, asked: int, total: int) -> None:
        """This number of the unknown addresses has an answer."""

    def accounts_failed(self, error: GitContribError, not_asked: int) -> None:
        """Some addresses could not be asked."""

    def waiting(self, message: str) -> None:
        """A wait begins; the message holds its cause and its end."""

    def rejected(self, records: int, reason: str) -> None:
        """Records were set aside."""

    def published(self, snapshot_id: str, *, changed: bool) -> None:
        """The tables are published; ``changed`` is false when the current snapshot already held them."""

    def catalogue_published(self, public: int, everything: int, *, changed: bool) -> None:
        """The catalogue is published, with this number of public repositories and of all; ``changed`` as above."""

    def step_failed(self, error: GitContribError) -> None:
        """A step ended with this error."""

    def note(self, message: str) -> None:
        """Anything else worth a line."""


class Forwarding(Reporter):
    """Forwards everything to another reporter. A subclass overrides what it also wants to hear, and calls super."""

    def __init__(self, listener: Reporter) -> None:
        self._listener = listener

    def listed(self, target: str, repositories: Sequence[Repository]) -> None:
        self._listener.listed(target, repositories)

    def target_failed(self, target: str, error: GitContribError) -> None:
        self._listener.target_failed(target, error)

    def crawl_started(self, repositories: int) -> None:
        self._listener.crawl_started(repositories)

    def repository_started(self, repository: str) -> None:
        self._listener.repository_started(repository)

    def repository_finished(self, attempt: Attempt) -> None:
        self._listener.repository_finished(attempt)

    def accounts_asked(self, asked: int, total: int) -> None:
        self._listener.accounts_asked(asked, total)

    def accounts_failed(self, error: GitContribError, not_asked: int) -> None:
        self._listener.accounts_failed(error, not_asked)

    def waiting(self, message: str) -> None:
        self._listener.waiting(message)

    def rejected(self, records: int, reason: str) -> None:
        self._listener.rejected(records, reason)

    def published(self, snapshot_id: str, *, changed: bool) -> None:
        self._listener.published(snapshot_id, changed=changed)

    def catalogue_published(self, public: int, everything: int, *, changed: bool) -> None:
        self._listener.catalogue_published(public, everything, changed=changed)

    def step_failed(self, error: GitContribError) -> None:
        self._listener.step_failed(error)

    def note(self, message: str) -> None:
        self._listener.note(message)


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
