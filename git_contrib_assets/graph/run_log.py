"""What a run's log in the Dagster UI says while it goes on: a line when a repository starts, and one for every wait."""

import contextlib
from collections.abc import Iterator

import dagster as dg

from git_contrib_assets.progress import Forwarding, Reporter, reporter, reporting_to


class _RunLog(Forwarding):
    """Writes to the run's log. The end of a repository is in it already: its materialisation, or its error."""

    def __init__(self, log: dg.DagsterLogManager, listener: Reporter) -> None:
        super().__init__(listener)
        self._log = log

    def repository_started(self, repository: str) -> None:
        self._log.info(f"{repository}: reading its history")
        super().repository_started(repository)

    def waiting(self, message: str) -> None:
        self._log.info(message)
        super().waiting(message)


@contextlib.contextmanager
def also_logged_to(log: dg.DagsterLogManager) -> Iterator[None]:
    """For the length of the block, the run's log hears what happens too."""
    with reporting_to(_RunLog(log, reporter())):
        yield
