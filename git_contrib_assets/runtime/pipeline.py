"""The main job in one process: catalogue, crawl, tables, snapshot, on the same Dagster instance as the UI."""

import contextlib
import errno
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from git_contrib_assets.definitions import defs
from git_contrib_assets.errors import GitContribError, NotPublished
from git_contrib_assets.graph.automation import refresh_job
from git_contrib_assets.graph.listings import LISTED_BY_TAG, LISTING
from git_contrib_assets.graph.partitions import RANGE_TAG, repository_partitions
from git_contrib_assets.graph.resources import report_dead_runs, show_alive
from git_contrib_assets.landing.commits import COMMITS, CRAWL_LOG
from git_contrib_assets.logs import redact
from git_contrib_assets.progress import Forwarding, Reporter, reporting_to
from git_contrib_assets.records import Attempt, Repository, Target
from git_contrib_assets.runtime.instance import open_instance
from git_contrib_assets.runtime.supervisor import LOCATION, REPOSITORY
from git_contrib_assets.settings import Settings
from git_contrib_assets.sources.histories.cancellation import cancel_all
from git_contrib_assets.sources.text import printable
from git_contrib_assets.storage.files import translate_storage_error
from git_contrib_assets.storage.home import Home, is_full

INTERRUPTED = 130
# DuckDB tells of one that came during a query as of an error of its own
_INTERRUPTED_WORDS = (dg.DagsterExecutionInterruptedError.__name__, KeyboardInterrupt.__name__, "Query interrupted")
# With this tag the UI lists a run under its job. Runs that the UI or the daemon start have it from them.
_IN_ITS_JOB = {".dagster/repository": f"{REPOSITORY}@{LOCATION}"}
# 130, 5, 4, 3, 1: of several, the one that tells most about what to do next
_PRECEDENCE = (INTERRUPTED, 5, 4, 3, 2, 1, 0)


@dataclass(frozen=True)
class CatalogueCounts:
    """What the published catalogue holds: repositories, and how many of them are public."""

    public: int
    everything: int
    changed: bool


@dataclass
class Outcome:
    """What a run brought, gathered while it went on."""

    listed: dict[str, Repository] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    targets_listed: int = 0
    targets_failed: dict[str, GitContribError] = field(default_factory=dict)
    errors: list[GitContribError] = field(default_factory=list)
    rejected: int = 0
    emails_not_asked: int = 0
    snapshot_id: str | None = None
    snapshot_changed: bool = False
    catalogue: CatalogueCounts | None = None
    without_histories: bool = False
    interrupted: bool = False

    @property
    def is_published(self) -> bool:
        """Whether what the run is for is out: the tables of contributors, or the catalogue alone."""
        return (self.catalogue if self.without_histories else self.snapshot_id) is not None

    @property
    def explained(self) -> bool:
        """Whether anything is known that makes a run fail."""
        return bool(self.errors or self.targets_failed or any(attempt.failed for attempt in self.attempts))

    @property
    def exit_code(self) -> int:
        """The contract's exit code; where several hold, the first of 130, 5, 4, 3, 1."""
        codes = {error.exit_code for error in self.errors}
        # Beside targets that are listed, one that is not is a part that is missing, whatever the reason.
        codes |= {max(error.exit_code, 3) for error in self.targets_failed.values()}
        if self.interrupted:
            codes.add(INTERRUPTED)
        if self.rejected or any(attempt.failed for attempt in self.attempts):
            codes.add(3)
        if not self.is_published:
            codes -= {3}  # nothing is out: that is more than a part
            codes.add(1)
        return next(code for code in _PRECEDENCE if code in codes or code == 0)


class _Gathering(Forwarding):
    """Fills the outcome and forwards everything."""

    def __init__(self, outcome: Outcome, listener: Reporter) -> None:
        super().__init__(listener)
        self._outcome = outcome

    def listed(self, target: str, repositories: Sequence[Repository]) -> None:
        self._outcome.targets_listed += 1
        self._outcome.listed |= {repository.repository: repository for repository in repositories}
        super().listed(target, repositories)

    def target_failed(self, target: str, error: GitContribError) -> None:
        self._outcome.targets_failed[target] = error
        super().target_failed(target, error)

    def repository_finished(self, attempt: Attempt) -> None:
        self._outcome.attempts.append(attempt)
        super().repository_finished(attempt)

    def accounts_failed(self, error: GitContribError, not_asked: int) -> None:
        self._outcome.errors.append(error)
        self._outcome.emails_not_asked = not_asked
        super().accounts_failed(error, not_asked)

    def rejected(self, records: int, reason: str) -> None:
        self._outcome.rejected += records
        super().rejected(records, reason)

    def step_failed(self, error: GitContribError) -> None:
        if error not in self._outcome.targets_failed.values():
            self._outcome.errors.append(error)
        super().step_failed(error)

    def published(self, snapshot_id: str, *, changed: bool) -> None:
        self._outcome.snapshot_id, self._outcome.snapshot_changed = snapshot_id, changed
        super().published(snapshot_id, changed=changed)

    def catalogue_published(self, public: int, everything: int, *, changed: bool) -> None:
        self._outcome.catalogue = CatalogueCounts(public, everything, changed)
        super().catalogue_published(public, everything, changed=changed)


def run(
    settings: Settings,
    targets: Sequence[Target],
    *,
    max_wait: float,
    listener: Reporter,
    everything_again: bool = False,
) -> Outcome:
    """Collect the targets, recompute the tables, publish them. At most two Dagster runs for targets that lie together.

    With ``everything_again`` whole histories are fetched again, whatever is landed of them. Every failure ends in the
    outcome; what could be fetched is kept and published.
    """
    outcome = Outcome()

    def work(instance: dg.DagsterInstance) -> None:
        _run(instance, settings, targets, max_wait, outcome, everything_again=everything_again)

    return _gathered(settings, outcome, listener, work)


def publish_catalogue(settings: Settings, targets: Sequence[Target], *, max_wait: float, listener: Reporter) -> Outcome:
    """List the targets, private repositories too as far as the token shows them, and publish the catalogue: no histories.

    Every failure ends in the outcome.
    """
    outcome = Outcome(without_histories=True)

    def work(instance: dg.DagsterInstance) -> None:
        home = Home(settings.home)
        report_dead_runs(instance, home)
        _execute(instance, home, "catalogue", _listing(targets, max_wait, private=True), outcome)

    return _gathered(settings, outcome, listener, work)


def _gathered(
    settings: Settings, outcome: Outcome, listener: Reporter, work: Callable[[dg.DagsterInstance], None]
) -> Outcome:
    """Do the work on Dagster's instance. The outcome hears of everything, also of the error that ends it."""
    with reporting_to(_Gathering(outcome, listener)), interrupts_noted(outcome):
        try:
            with open_instance(Home(settings.home)) as instance:
                work(instance)
        except GitContribError as error:
            if error not in outcome.errors:
                outcome.errors.append(error)
    return outcome


def _configuration(max_wait: float) -> dict[str, Any]:
    return {
        "resources": {"installation": {"config": {"max_wait": max_wait}}},
        "loggers": {
            "console": {"config": {"log_level": "CRITICAL"}}
        },  # its events are in the UI; ours go to the reporter
    }


def _listing(targets: Sequence[Target], max_wait: float, *, private: bool) -> dict[str, Any]:
    config = {"targets": [str(target) for target in targets], "private": private}
    return {**_configuration(max_wait), "ops": {"landing__repositories": {"config": config}}}


def _run(
    instance: dg.DagsterInstance,
    settings: Settings,
    targets: Sequence[Target],
    max_wait: float,
    outcome: Outcome,
    *,
    everything_again: bool,
) -> None:
    home = Home(settings.home)
    report_dead_runs(instance, home)
    configuration = _configuration(max_wait)
    listing = str(uuid.uuid4())
    config = _listing(targets, max_wait, private=False)
    if not _execute(instance, home, "catalogue", config, outcome, run_id=listing, only=[LISTING]):
        return
    crawl = {**configuration, "ops": {"crawl": {"config": {"everything_again": everything_again}}}}
    ranges = _contiguous(instance.get_dynamic_partitions(repository_partitions.name or ""), outcome.listed)
    for first, last in ranges[:-1]:
        tags = {f"{RANGE_TAG}start": first, f"{RANGE_TAG}end": last, LISTED_BY_TAG: listing}
        _execute(instance, home, "refresh", crawl, outcome, tags=tags, only=[COMMITS])
    if ranges:
        first, last = ranges[-1]
        tags = {f"{RANGE_TAG}start": first, f"{RANGE_TAG}end": last, LISTED_BY_TAG: listing}
        _execute(instance, home, "refresh", crawl, outcome, tags=tags)
    else:
        everything = refresh_job.selection.resolve(defs.resolve_asset_graph())
        tables, tags = sorted(everything - {COMMITS, CRAWL_LOG}), {LISTED_BY_TAG: listing}
        _execute(instance, home, "refresh", configuration, outcome, tags=tags, only=tables)


def _execute(
    instance: dg.DagsterInstance,
    home: Home,
    job: str,
    configuration: Mapping[str, Any],
    outcome: Outcome,
    *,
    tags: Mapping[str, str] | None = None,
    only: Sequence[dg.AssetKey] | None = None,
    run_id: str | None = None,
) -> bool:
    """Run a job here and now; whether it went well. An interrupt ends it and is noted."""
    run_id = run_id or str(uuid.uuid4())
    show_alive(home, run_id)
    try:
        result = defs.resolve_job_def(job).execute_in_process(
            run_config=configuration,
            instance=instance,
            tags={**_IN_ITS_JOB, **(tags or {})},
            asset_selection=only,
            run_id=run_id,
            raise_on_error=False,
        )
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
        raise KeyboardInterrupt from None
    if _was_interrupted(result):
        raise KeyboardInterrupt
    if not result.success and not outcome.explained:
        outcome.errors.append(_unexplained(home, result))
    return result.success


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Whether Ctrl-C ended it: Dagster counts that as a failure of a step, or of the run where it came between two."""
    errors = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    errors += [event.job_failure_data.error for event in result.all_events if event.is_job_failure]
    return any(error and any(word in error.to_string() for word in _INTERRUPTED_WORDS) for error in errors)


def _unexplained(home: Home, result: dg.ExecuteInProcessResult) -> GitContribError:
    """What a failed run says that none of our own errors told."""
    if is_full(home):
        return translate_storage_error(OSError(errno.ENOSPC, "full"), home.root)
    held_back = [
        f"{one.check_name} of {one.asset_key.to_user_string()}"
        for one in result.get_asset_check_evaluations()
        if one.blocking and not one.passed
    ]
    if held_back:
        return NotPublished(
            f"Nothing new was published because a check failed ({', '.join(held_back)}). The previous snapshot is still "
            "served. See the check in the Dagster UI"
        )
    failures = [(event.step_key, event.step_failure_data.error) for event in result.all_events if event.is_step_failure]
    failures += [("The run", event.job_failure_data.error) for event in result.all_events if event.is_job_failure]
    failed, cause = failures[0]
    text = printable(redact((cause.cause or cause).message)) if cause else "no reason given"
    return GitContribError(f"{failed} failed: {text}")


@contextlib.contextmanager
def interrupts_noted(outcome: Outcome) -> Iterator[None]:
    """Ctrl-C ends the work; what is finished is kept."""
    try:
        yield
    except KeyboardInterrupt:
        outcome.interrupted = True
        cancel_all()


def _contiguous(ordered: Sequence[str], wanted: Mapping[str, object]) -> list[tuple[str, str]]:
    """The wanted partitions as ranges of neighbours: a run holds one range."""
    ranges: list[tuple[str, str]] = []
    open_range = False
    for name in ordered:
        if name not in wanted:
            open_range = False
        elif open_range:
            ranges[-1] = (ranges[-1][0], name)
        else:
            ranges.append((name, name))
            open_range = True
    return ranges
