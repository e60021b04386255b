"""Git where it can be had, else REST: for a machine whose network may let nothing out but the API."""

from collections.abc import Sequence

from git_contrib_assets.progress import reporter
from git_contrib_assets.records import Repository
from git_contrib_assets.sources.git_history import GitHistory, GitUnreachable
from git_contrib_assets.sources.history import Cancellation, History, HistorySource, Known
from git_contrib_assets.sources.rest_history import RestHistory


class GitElseRest:
    """Reads by git. Where the git server cannot be reached and no repository came by git yet, REST takes over for good."""

    def __init__(self, git: GitHistory, rest: RestHistory) -> None:
        self._git = git
        self._rest = rest
        self._chosen: HistorySource = git
        self._git_works = False
        self.concurrency = git.concurrency

    @property
    def name(self) -> str:
        """That of the source that reads now."""
        return self._chosen.name

    async def plan(self, wanted: Sequence[tuple[Repository, Known | None]]) -> list[Repository]:
        """As git does."""
        return await self._git.plan(wanted)

    def read(self, repository: Repository, *, cancellation: Cancellation, known: Known | None = None) -> History:
        """The history of the repository's default branch. Blocks; raises what the source that reads raises."""
        if self._chosen is self._git:
            try:
                history = self._git.read(repository, cancellation=cancellation, known=known)
            except GitUnreachable as error:
                if self._git_works or cancellation.cancelled:
                    raise
                if self._chosen is self._git:
                    self._chosen = self._rest
                    reporter().note(f"Histories come by REST from here on: git did not get through ({error})")
            else:
                self._git_works = True
                return history
        return self._rest.read(repository, cancellation=cancellation, known=known)

    def forget(self, repository: Repository) -> None:
        """Drop whatever is cached of the repository."""
        self._chosen.forget(repository)
