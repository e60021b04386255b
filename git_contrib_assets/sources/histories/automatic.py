"""Git where it can be had, else REST: for a machine whose network may let nothing out but the API."""

import contextlib
import threading
from collections.abc import Sequence

from git_contrib_assets.errors import GitContribError, RepositoryFailed
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import Repository
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.git import GitHistory
from git_contrib_assets.sources.histories.git_complaints import GitUnreachable
from git_contrib_assets.sources.histories.protocol import History, HistorySource, Known
from git_contrib_assets.sources.histories.rest import RestHistory

_LOOK_SECONDS = 0.2


class GitElseRest:
    """Reads by git, unless that is no way at all: then REST takes over for good.

    Where the git server cannot be reached, that is certain at once. Where it fails for one repository or calls it empty,
    that may be true, or what answers may be no git server. So as long as none ever came by git, what comes to nothing
    waits for the others, those that are being read and those whose turn is next; if all of them come to nothing, REST is
    asked, and taken where it has commits.
    """

    def __init__(self, git: GitHistory, rest: RestHistory) -> None:
        self._git = git
        self._rest = rest
        self._chosen: HistorySource = git
        self._git_works = False
        self._is_git_server = git.has_worked()
        self._changed = threading.Condition()  # guards the two below, and what is chosen
        self._to_read: set[int] = set()
        self._in_vain = 0
        self.concurrency = git.concurrency

    @property
    def name(self) -> str:
        """That of the source that reads now."""
        return self._chosen.name

    async def plan(self, wanted: Sequence[tuple[Repository, Known | None]]) -> list[Repository]:
        """As git does."""
        self._to_read = {repository.repository_id for repository, _ in wanted}
        return await self._git.plan(wanted)

    def read(self, repository: Repository, *, cancellation: Cancellation, known: Known | None = None) -> History:
        """The history of the repository's default branch. Blocks; raises what the source that reads raises."""
        if self._chosen is self._rest:
            return self._rest.read(repository, cancellation=cancellation, known=known)
        try:
            return self._read(repository, cancellation, known)
        finally:
            with self._changed:
                self._to_read.discard(repository.repository_id)
                self._changed.notify_all()

    def forget(self, repository: Repository) -> None:
        """Drop whatever is cached of the repository."""
        self._chosen.forget(repository)

    def _read(self, repository: Repository, cancellation: Cancellation, known: Known | None) -> History:
        history, failure = None, None
        try:
            history = self._git.read(repository, cancellation=cancellation, known=known)
        except RepositoryFailed as error:
            failure = error
        if history and history.tip:
            self._git_works = self._is_git_server = True
        elif isinstance(failure, GitUnreachable) and not (self._git_works or cancellation.cancelled):
            self._take_rest(str(failure))
            return self._rest.read(repository, cancellation=cancellation, known=known)
        elif not self._is_git_server and self._all_in_vain(cancellation):
            with contextlib.suppress(GitContribError):
                by_rest = self._rest.read(repository, cancellation=cancellation, known=known)
                if by_rest.tip:
                    self._take_rest(str(failure or f"{repository.repository}: no commits"))
                    return by_rest
        if failure:
            raise failure
        assert history is not None  # noqa: S101 - for the type checker: git answered or failed
        return history

    def _all_in_vain(self, cancellation: Cancellation) -> bool:
        """Wait until git delivers a repository (false), or nothing but such as came to nothing is left (true)."""
        with self._changed:
            self._in_vain += 1
            self._changed.notify_all()
            try:
                while not (self._is_git_server or cancellation.cancelled):
                    if self._in_vain >= min(self.concurrency, len(self._to_read)) or self._chosen is self._rest:
                        return True
                    self._changed.wait(_LOOK_SECONDS)
                return False
            finally:
                self._in_vain -= 1

    def _take_rest(self, reason: str) -> None:
        with self._changed:
            if self._chosen is self._git:
                self._chosen = self._rest
                reporter().note(f"Histories come by REST from here on: git did not get through ({reason})")
            self._changed.notify_all()
