"""One repository: its history is read and kept beside what is landed, until it is known whether it may land."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from git_contrib_assets.errors import (
    GitContribError,
    HistoryCorrupt,
    LandingFileCorrupt,
    LimitReached,
    NotAllowed,
    RepositoryFailed,
)
from git_contrib_assets.logs import log
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import Attempt, AttemptState, Repository
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.protocol import History, HistorySource, Known
from git_contrib_assets.storage.files import storage_errors
from git_contrib_assets.storage.landed.commits import LandedHistory, StagedHistory
from git_contrib_assets.storage.landing_zone import LandingZone


@dataclass(frozen=True)
class Wanted:
    """A repository to be read, with what is landed of it. ``whole``: read everything, whatever is landed or cached."""

    repository: Repository
    landed: LandedHistory | None
    whole: bool

    @property
    def known(self) -> Known | None:
        """What need not be read again."""
        return Known(self.landed.tip, self.landed.commits) if self.landed and not self.whole else None


@dataclass(frozen=True)
class Read:
    """How reading a repository ended. ``land`` makes what was read count, ``drop`` throws it away."""

    wanted: Wanted
    attempt: Attempt
    land: Callable[[], object] = lambda: None
    drop: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Reader:
    """Reads repositories. Its methods block: call them in threads."""

    landing: LandingZone
    source: HistorySource
    run_id: str
    now: Callable[[], datetime]
    """GitHub's clock, UTC without a zone: a wrong clock of this machine dates nothing."""

    def describe(self, wanted: Wanted, state: AttemptState, error: GitContribError | None = None) -> Attempt:
        """An attempt that brought nothing new: it describes what is landed already."""
        repository, landed = wanted.repository, wanted.landed
        return Attempt(
            run_id=self.run_id,
            repository_id=repository.repository_id,
            repository=repository.repository,
            state=state,
            started_at=self.now(),
            seconds=0.0,
            source=landed.source if landed else self.source.name,
            tip=landed.tip if landed else None,
            commits=landed.commits if landed else 0,
            requests=0,
            reason=error.reason if error else None,
            message=str(error) if error else None,
        )

    def read(self, wanted: Wanted, cancellation: Cancellation) -> Read:
        """Read a history. Every error that is this repository's own ends as a failed attempt.

        Raises LimitReached or NotAllowed.
        """
        reporter().repository_started(wanted.repository.repository)
        start = time.monotonic()
        attempt = replace(self.describe(wanted, AttemptState.FAILED), source=self.source.name)
        try:
            with storage_errors(self.landing.folder):
                if wanted.whole:
                    self.source.forget(wanted.repository)
                read = self._read(wanted, attempt, cancellation)
            if cancellation.cancelled:
                read.drop()  # the crawl has stopped: nothing waits for it
        except (LimitReached, NotAllowed):
            raise  # not the failure of this repository alone
        except Exception as error:  # noqa: BLE001 - a defect met in one repository must not stop the others
            read = Read(wanted, _failed(attempt, error))
        return replace(read, attempt=replace(read.attempt, seconds=round(time.monotonic() - start, 3)))

    def settle(self, read: Read, refusal: RepositoryFailed | None) -> Attempt:
        """Land what was read; or drop it and whatever is cached of it, if there is a refusal."""
        failed = replace(
            self.describe(read.wanted, AttemptState.FAILED),
            started_at=read.attempt.started_at,
            seconds=read.attempt.seconds,
            source=read.attempt.source,
            requests=read.attempt.requests,
        )
        try:
            with storage_errors(self.landing.folder):
                if refusal:
                    read.drop()
                    self.source.forget(read.wanted.repository)
                    return _failed(failed, refusal)
                read.land()
        except Exception as error:  # noqa: BLE001 - as above
            return _failed(failed, error)
        return read.attempt

    def _read(self, wanted: Wanted, attempt: Attempt, cancellation: Cancellation) -> Read:
        repository, landed = wanted.repository, wanted.landed
        history = self.source.read(repository, cancellation=cancellation, known=wanted.known)
        attempt = replace(attempt, requests=history.requests, source=self.source.name)
        now = LandedHistory(
            repository_id=repository.repository_id,
            tip=history.tip,
            default_branch=history.default_branch,
            listed_branch=repository.default_branch,
            source=self.source.name,
            fetched_at=self.now(),
            pushed_at=repository.pushed_at,
            listed_at=repository.listed_at,
            commits=0,
            repository=repository.repository,
        )
        if landed and landed.commits and history.tip is None:
            kept = replace(_as_landed(now, landed), tip=landed.tip, emptied=True)
            emptied = replace(attempt, state=AttemptState.EMPTIED, reason="emptied")
            return Read(wanted, emptied, land=lambda: self.landing.commits.stamp(kept))
        if landed and landed.tip == history.tip and not wanted.whole:
            same = _as_landed(now, landed)
            return Read(
                wanted, replace(attempt, state=AttemptState.UNCHANGED), land=lambda: self.landing.commits.stamp(same)
            )
        return self._stage(wanted, attempt, now, history, cancellation)

    def _stage(
        self, wanted: Wanted, attempt: Attempt, now: LandedHistory, history: History, cancellation: Cancellation
    ) -> Read:
        """Write the history beside its place."""
        before = 0
        try:
            staged = self.landing.commits.stage(now, history)
        except (HistoryCorrupt, LandingFileCorrupt) as error:
            before = error.requests or history.requests
            history, staged = self._once_more(wanted, now, cancellation, before)
        done = staged.landed
        state = AttemptState.LANDED if done.tip else AttemptState.EMPTY
        attempt = replace(attempt, state=state, tip=done.tip, commits=done.commits, requests=before + history.requests)
        return Read(wanted, attempt, land=lambda: self._land(staged, history), drop=staged.drop)

    def _once_more(
        self, wanted: Wanted, now: LandedHistory, cancellation: Cancellation, requests_before: int
    ) -> tuple[History, StagedHistory]:
        """Read and write it again, from nothing: what is cached or landed may be damaged."""
        self.source.forget(wanted.repository)
        try:
            history = self.source.read(wanted.repository, cancellation=cancellation)
            now = replace(now, tip=history.tip, default_branch=history.default_branch)
            return history, self.landing.commits.stage(now, history)
        except RepositoryFailed as error:
            error.requests += requests_before
            raise

    def _land(self, staged: StagedHistory, history: History) -> None:
        """Land what the source learned about accounts, then the commits: a kill in between loses no answer."""
        self.landing.accounts.add_as_written(history.answers.values())
        staged.land()


def _failed(attempt: Attempt, error: Exception) -> Attempt:
    if isinstance(error, GitContribError):
        log().info("repository failed", repository=attempt.repository, reason=error.reason, error=str(error))
        requests = attempt.requests + error.requests
        return replace(attempt, reason=error.reason, message=str(error), requests=requests)
    log().error("repository failed unexpectedly", repository=attempt.repository, exc_info=error)
    message = f"{attempt.repository}: {type(error).__name__}: please report this with the log"
    return replace(attempt, reason=GitContribError.reason, message=message)


def _as_landed(now: LandedHistory, landed: LandedHistory) -> LandedHistory:
    """What was looked at now, with what stays true of commits that were landed before."""
    return replace(
        now, fetched_at=landed.fetched_at, commits=landed.commits, definition_version=landed.definition_version
    )
