"""Commit histories by git: a treeless bare clone, then fetches. Three requests whatever the size, no API budget."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_exponential_jitter

from git_contrib_assets.errors import GitContribError, HistoryCorrupt, HistoryIncomplete
from git_contrib_assets.records import Repository
from git_contrib_assets.settings import Settings
from git_contrib_assets.sources.github.authorisation import Authorisation, FixedToken
from git_contrib_assets.sources.histories import git_commands
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.git_commands import Git
from git_contrib_assets.sources.histories.git_complaints import BranchGone, CacheBroken, TryAgain, is_full
from git_contrib_assets.sources.histories.git_parse import LOG_FORMAT, batches
from git_contrib_assets.sources.histories.protocol import History, Known

CONCURRENCY = 4
_ATTEMPTS = 4
_NO_NEW_ATTEMPT_AFTER = 180.0
PATIENCE = 120
"""For how many seconds a server may send next to nothing. A healthy one may compute for more than a minute."""

Result = TypeVar("Result")


@dataclass
class GitHistory:
    """The git source. ``clones`` is a cache folder; one repository is never read twice at the same time.

    Without an ``authorisation`` the token is that of the settings.
    """

    settings: Settings
    clones: Path
    authorisation: Authorisation | None = None
    attempts: int = _ATTEMPTS
    first_wait: float = 1.0
    patience: int = PATIENCE
    disk_full: Callable[[Path], bool] = is_full
    name: str = "git"
    concurrency: int = CONCURRENCY

    @staticmethod
    def unusable() -> str | None:
        """Why git cannot be used here; None if it can."""
        return git_commands.unusable()

    def has_worked(self) -> bool:
        """Whether commits came by git before."""
        return any(self.clones.glob("*.git/objects/pack/*.pack"))

    async def plan(self, wanted: Sequence[tuple[Repository, Known | None]]) -> list[Repository]:
        """As listed."""
        return [repository for repository, _ in wanted]

    def has_branches(self, repository: Repository, *, cancellation: Cancellation) -> bool:
        """Whether the server shows the branches of a repository; false if it calls it empty. Blocks.

        Raises what ``read`` raises.
        """
        git = self._git(repository, cancellation)
        branches = ["HEAD", f"refs/heads/{repository.default_branch}"]
        url = self._url(repository)
        return bool(self._patiently(git, lambda: git.network("ls-remote", "--quiet", "--", url, *branches)))

    def read(self, repository: Repository, *, cancellation: Cancellation, known: Known | None = None) -> History:
        """The history of the default branch as the server has it now. Blocks; ``cancellation`` ends it.

        What is ``known`` makes no difference: the clone has it, and listing it takes no request. Raises
        RepositoryNotFound, RepositoryBlocked, HistoryCorrupt, HistoryUnavailable, StorageFull, or TokenRefused. The
        batches raise HistoryIncomplete if git does not find every parent of every commit.
        """
        git, clone = self._git(repository, cancellation), self._clone(repository)
        here = f"--git-dir={clone}"
        with _counting(git):
            branch = self._patiently(git, lambda: self._update(git, clone, repository))
            tip = git.try_run(here, "rev-parse", "--verify", "--quiet", "HEAD")
        return History(
            tip=tip,
            default_branch=branch,
            requests=git.requests,
            batches=_commits(git, clone, tip) if tip else iter(()),
        )

    def forget(self, repository: Repository) -> None:
        """Drop the clone: the next read makes a new one."""
        shutil.rmtree(self._clone(repository), ignore_errors=True)

    def _git(self, repository: Repository, cancellation: Cancellation) -> Git:
        disk_full = partial(self.disk_full, self.clones)
        return Git(
            self.settings.server_url,
            self.authorisation or FixedToken(self.settings.token),
            cancellation,
            repository.repository,
            patience=self.patience,
            disk_full=disk_full,
        )

    def _clone(self, repository: Repository) -> Path:
        return self.clones / f"{repository.repository_id}.git"

    def _url(self, repository: Repository) -> str:
        return f"{self.settings.server_url}/{repository.repository}.git"

    def _patiently(self, git: Git, work: Callable[[], Result]) -> Result:
        """Try again what may go well the next time, with growing waits. Raises HistoryCorrupt if it never does."""
        try:
            return Retrying(
                stop=stop_after_attempt(self.attempts) | stop_after_delay(_NO_NEW_ATTEMPT_AFTER),
                wait=wait_exponential_jitter(multiplier=self.first_wait, max=30.0, jitter=self.first_wait),
                retry=retry_if_exception_type((TryAgain, CacheBroken, BranchGone)),
                sleep=git.pause,
                reraise=True,
            )(work)
        except CacheBroken as error:
            raise HistoryCorrupt(f"{error}: run again later") from error

    def _update(self, git: Git, clone: Path, repository: Repository) -> str:
        """Bring the clone up to date, or make it; the name of the branch that HEAD names."""
        branch, url = repository.default_branch, self._url(repository)
        if clone.exists():
            here = f"--git-dir={clone}"
            try:
                head = git.run(here, "symbolic-ref", "--short", "HEAD").strip()
                wanted = branch or head
                git.run(here, "config", "remote.origin.url", url)
                _fetch(git, here, wanted, head)
                _must_be_whole(clone, repository)
            except (BranchGone, CacheBroken, HistoryIncomplete):
                shutil.rmtree(clone, ignore_errors=True)  # a cache: a new clone tells what is there now
            else:
                return wanted
        making = clone.with_name(f"{clone.name}.{os.getpid()}.tmp")
        shutil.rmtree(making, ignore_errors=True)
        try:
            git.network(
                "clone", "--quiet", "--bare", "--single-branch", "--no-tags", "--filter=tree:0", "--", url, str(making)
            )
            here = f"--git-dir={making}"
            head = git.run(here, "symbolic-ref", "--short", "HEAD").strip()
            if branch and branch != head:
                with contextlib.suppress(BranchGone):  # renamed since it was listed
                    _fetch(git, here, branch, head)
                    head = branch
            _must_be_whole(making, repository)
            making.rename(clone)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        return head


def sweep_clones(clones: Path) -> None:
    """Remove what killed clones left. Only under the crawl lock."""
    for leftover in clones.glob("*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)


def _fetch(git: Git, here: str, branch: str, head: str) -> None:
    """What is new on the branch; HEAD, which names ``head`` so far, names it then."""
    git.network(here, "fetch", "--no-tags", "origin", f"+refs/heads/{branch}:refs/heads/{branch}")
    if branch != head:
        git.run(here, "symbolic-ref", "HEAD", f"refs/heads/{branch}")


def _must_be_whole(clone: Path, repository: Repository) -> None:
    """Git notes here where a history was cut off; those commits would look as if they had no parents."""
    if (clone / "shallow").exists():
        raise HistoryIncomplete(f"{repository.repository}: the server has a part of its history only: run again later")


def _commits(git: Git, clone: Path, tip: str) -> Iterator[pa.RecordBatch]:
    """All commits reachable from ``tip``, newest first. Git itself fails if one of their parents is missing."""
    with _counting(git):
        chunks = git.chunks(
            f"--git-dir={clone}", "log", "-z", "--no-show-signature", "--encoding=UTF-8", f"--format=tformat:{LOG_FORMAT}", tip
        )  # fmt: skip
        yield from batches(chunks, lambda shas: git.headers(clone, shas), git.repository)


@contextlib.contextmanager
def _counting(git: Git) -> Iterator[None]:
    """An error tells what was asked until then."""
    try:
        yield
    except GitContribError as error:
        error.requests = git.requests
        raise
