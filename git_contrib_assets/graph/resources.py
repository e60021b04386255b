"""What assets work with: the home with its locks, GitHub, the warehouse. One budget for the whole process."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import IO

import dagster as dg
import duckdb
import pyarrow as pa
from pydantic import PrivateAttr

from git_contrib_assets.errors import GitContribError
from git_contrib_assets.logs import errors_redacted
from git_contrib_assets.progress import reporter
from git_contrib_assets.settings import Settings, current
from git_contrib_assets.sources.github.authorisation import Authorisation
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.sources.github.limits import Budget
from git_contrib_assets.sources.histories.automatic import GitElseRest
from git_contrib_assets.sources.histories.git import GitHistory, sweep_clones
from git_contrib_assets.sources.histories.protocol import HistorySource
from git_contrib_assets.sources.histories.rest import RestHistory
from git_contrib_assets.storage.authorisation import authorisation_for
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone
from git_contrib_assets.storage.locks import dead_runs, forget_run, is_marked, lock, mark_run_alive
from git_contrib_assets.storage.subjects import CONTRIBUTORS, Subject
from git_contrib_assets.storage.warehouse import open_warehouse

DEFAULT_MAX_WAIT = 3900.0
_alive: dict[str, IO[bytes]] = {}
"""Held until this process ends: only then may others call its runs dead."""

_noted: set[str] = set()

budget = Budget(on_wait=lambda message: reporter().waiting(message))
"""The process's budget at GitHub: limits are per user, so everything shares it."""


def budget_spent(before: Mapping[str, float] | None = None) -> dict[str, float]:
    """Requests to the API, those that were sent again, and seconds waited, by this process so far or since ``before``."""
    now = {"requests": budget.requests, "retries": budget.retries, "seconds_waited": budget.seconds_waited}
    return {name: round(value - (before or {}).get(name, 0), 1) for name, value in now.items()}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Installation(dg.ConfigurableResource):  # type: ignore[type-arg]  # generic only at run time
    """One home on disk and the GitHub it collects from, as the environment says."""

    max_wait: float = DEFAULT_MAX_WAIT
    """Upper bound in seconds of every single wait: for a lock, for GitHub's limit."""

    _run_id: str = PrivateAttr(default="none")
    _as_of: datetime = PrivateAttr(default_factory=_now)
    _locks: dict[str, IO[bytes]] = PrivateAttr(default_factory=dict)
    _subjects_seen: set[str] = PrivateAttr(default_factory=set)
    _instance: dg.DagsterInstance | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Make the home ready and show that this run is alive."""
        self._run_id = context.run.run_id if context.run else "none"
        self._as_of = _now()
        self._instance = context.instance
        budget.max_wait = self.max_wait
        pa.set_memory_pool(pa.system_memory_pool())  # gives memory back between repositories; the default pool keeps it
        with self.errors_reported():
            self.home.prepare()
            if context.run:
                show_alive(self.home, context.run.run_id)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Let go of every lock."""
        for handle in self._locks.values():
            handle.close()
        self._locks.clear()

    @property
    def settings(self) -> Settings:
        """The environment's settings."""
        return current()

    @property
    def home(self) -> Home:
        """The home."""
        return Home(self.settings.home)

    @property
    def run_id(self) -> str:
        """The run these steps belong to."""
        return self._run_id

    @property
    def as_of(self) -> datetime:
        """The run's one idea of now (UTC, no zone)."""
        return self._as_of

    def authorisation(self) -> Authorisation:
        """The token to use: that of the environment, or that of the sign-in in the home."""
        return authorisation_for(self.settings)

    def github(self) -> GitHubClient:
        """A client on the shared budget."""
        return GitHubClient(self.settings, budget, authorisation=self.authorisation())

    @contextlib.asynccontextmanager
    async def histories(self) -> AsyncIterator[HistorySource]:
        """Where commit histories come from, as GIT_CONTRIB_SOURCE says; which it is, where that was for us to choose.

        Raises GitContribError when it is to be git, and git cannot be used.
        """
        wanted, unusable = self.settings.source, GitHistory.unusable()
        git = GitHistory(self.settings, self.home.git, self.authorisation())
        if wanted == "git":
            if unusable:
                raise GitContribError(f"{unusable}: install git, or set GIT_CONTRIB_SOURCE=rest, then run again")
            yield git
            return
        async with self.github() as client:
            rest = RestHistory(client)
            if wanted == "rest":
                yield rest
            elif unusable:
                _note_once(f"Histories come by REST, a request per hundred commits: {unusable}")
                yield rest
            else:
                _note_once("Histories come by git: it is there, and takes nothing off GitHub's limit")
                yield GitElseRest(git, rest)

    @contextlib.contextmanager
    def landing(self, purpose: str) -> Iterator[LandingZone]:
        """The contributors' landing zone, to write to: under its lock, for the length of the block."""
        with self.landing_lock(CONTRIBUTORS, purpose):
            landing = LandingZone(self.home)
            landing.prepare()
            sweep_clones(self.home.git)
            yield landing

    def landing_lock(self, subject: Subject, purpose: str) -> IO[bytes]:
        """Take the lock of a subject's landing files; closing it releases it. Subjects never wait for each other."""
        return self._lock(subject.landing_lock, purpose)

    @contextlib.contextmanager
    def warehouse(
        self, purpose: str, *, subject: Subject = CONTRIBUTORS, from_landing: bool = False
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A subject's warehouse. Its lock is kept until the run ends, so that all tables of a run belong together.

        The first step of a run that builds ``from_landing`` sees it as it is then. All other steps see the same, those
        of later runs too: tables and checks are of one state, while crawls of other runs go on.
        """
        lock_name = subject.warehouse_lock
        if lock_name not in self._locks:
            self._locks[lock_name] = self._lock(lock_name, purpose)
            if subject is CONTRIBUTORS and not LandingZone(self.home).crawl_log.file.exists():
                with self.landing("making an empty landing zone"):
                    pass
        as_before = subject.name in self._subjects_seen or not from_landing
        with open_warehouse(self.home, subject, landing_as_before=as_before) as connection:
            if from_landing:
                self._subjects_seen.add(subject.name)
            yield connection

    @contextlib.contextmanager
    def errors_reported(self) -> Iterator[None]:
        """Let the process's reporter hear of every error that ends a step. No error leaves with a secret in it."""
        with errors_redacted():
            try:
                yield
            except GitContribError as error:
                reporter().step_failed(error)
                raise

    def _lock(self, name: str, purpose: str) -> IO[bytes]:
        handle = lock(
            self.home, name, run=self._run_id, purpose=purpose, max_wait=self.max_wait, on_wait=reporter().waiting
        )
        if self._instance is not None:
            report_dead_runs(self._instance, self.home)
        return handle


def _note_once(message: str) -> None:
    """Once in a process: a run may hold several crawls."""
    if message not in _noted:
        _noted.add(message)
        reporter().note(message)


def show_alive(home: Home, run_id: str) -> None:
    """From now on until this process ends, others can tell that the run is not dead."""
    if run_id not in _alive:
        _alive[run_id] = mark_run_alive(home, run_id)


def report_runs_never_begun(
    instance: dg.DagsterInstance, home: Home, *, is_marked: Callable[[Home, str], bool] = is_marked
) -> None:
    """Tell Dagster of runs that a kill ended before they could show that they live: four of them would fill its queue.

    Call it only while no run of the UI or the daemon can be under way: those of the command line are marked before
    they begin.
    """
    under_way = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    for run in instance.get_runs(dg.RunsFilter(statuses=under_way)):
        if is_marked(home, run.run_id):
            continue
        now = instance.get_run_by_id(run.run_id)  # it may have ended since, and its mark be gone because of that
        if now is not None and not now.is_finished:
            instance.report_run_failed(now, "The process of this run died before it began")


def report_dead_runs(instance: dg.DagsterInstance, home: Home) -> list[str]:
    """Tell Dagster of runs whose process died without a word: it believes them started for ever."""
    reported = []
    for run_id in dead_runs(home):
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            instance.report_run_failed(run, "The process of this run died; what it had landed is kept")
            reported.append(run_id)
        forget_run(home, run_id)
    return reported
