"""Git if it gets through, else REST: for a machine whose network may let nothing out but the API."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from git_contrib_assets.errors import GitContribError, RepositoryFailed, TokenRefused
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import Repository
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.git import GitHistory
from git_contrib_assets.sources.histories.git_complaints import GitUnreachable
from git_contrib_assets.sources.histories.protocol import History, HistorySource, Known
from git_contrib_assets.sources.histories.rest import RestHistory

_PROBES = 3


class GitElseRest:
    """Reads by git, or by REST if git does not get through. The first read decides it for all.

    It asks the git server for the branches of up to three repositories at once. If it shows the branches of one, git is
    used. If it cannot be reached, REST is used. If it refuses all three or calls them empty, that may be true: REST is used
    only if git never worked here and REST has commits of one of the three.
    """

    def __init__(self, git: GitHistory, rest: RestHistory) -> None:
        self._git = git
        self._rest = rest
        self._chosen: HistorySource | None = None
        self._choosing = threading.Lock()
        self._probed: list[Repository] = []
        self.concurrency = git.concurrency

    @property
    def name(self) -> str:
        """That of the source that reads."""
        return (self._chosen or self._git).name

    async def plan(self, wanted: Sequence[tuple[Repository, Known | None]]) -> list[Repository]:
        """As git does."""
        order = await self._git.plan(wanted)
        self._probed = sorted(order, key=lambda one: str(one.pushed_at or ""), reverse=True)[:_PROBES]
        return order

    def read(self, repository: Repository, *, cancellation: Cancellation, known: Known | None = None) -> History:
        """The history of the repository's default branch. Blocks; raises what the source that reads raises."""
        with self._choosing:
            if self._chosen is None:
                self._chosen = self._choose(cancellation)
        return self._chosen.read(repository, cancellation=cancellation, known=known)

    def forget(self, repository: Repository) -> None:
        """Drop whatever is cached of the repository."""
        (self._chosen or self._git).forget(repository)

    def _choose(self, cancellation: Cancellation) -> HistorySource:
        """The source to read by. Raises TokenRefused if one of them refuses the token."""
        reason, is_unreachable = "it shows no branches", False
        probes = Cancellation()
        # All at once: a repository that hangs must not hold up the others, nor speak for them.
        with cancellation.calls(probes.cancel), ThreadPoolExecutor(_PROBES, "probe") as threads:
            asked = [threads.submit(self._git.has_branches, one, cancellation=probes) for one in self._probed]
            try:
                for answer in as_completed(asked):
                    try:
                        if answer.result():
                            return self._git
                    except RepositoryFailed as error:
                        reason, is_unreachable = str(error), is_unreachable or isinstance(error, GitUnreachable)
            finally:
                probes.cancel()
        if is_unreachable:
            return self._take_rest(reason)
        if not self._git.has_worked() and any(self._has_commits(one, cancellation) for one in self._probed):
            return self._take_rest(reason)
        return self._git

    def _has_commits(self, repository: Repository, cancellation: Cancellation) -> bool:
        """Whether REST has some of it; what REST cannot read either says nothing about git."""
        try:
            return self._rest.read(repository, cancellation=cancellation).tip is not None
        except TokenRefused:
            raise
        except GitContribError:
            return False

    def _take_rest(self, reason: str) -> HistorySource:
        reporter().note(f"Histories come by REST from here on: git did not get through ({reason})")
        return self._rest
