"""What a person sees of a run: bars at a terminal, a line now and then elsewhere, a summary at the end; all on stderr."""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from git_contrib_assets.errors import GitContribError
from git_contrib_assets.progress import Reporter
from git_contrib_assets.records import Attempt, AttemptState, Repository
from git_contrib_assets.runtime.pipeline import Outcome
from git_contrib_assets.sources.github.limits import Budget

_LINE_EVERY_SECONDS = 10.0


class ConsoleReporter(Reporter):
    """Shows progress on a console. Called from several threads: rich locks, the counters only ever grow."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._live = console.is_terminal and not quiet
        self._last_line = time.monotonic()
        self._done = self._total = self._commits = 0
        self._histories: TaskID | None = None
        self._accounts: TaskID | None = None
        self._progress = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}"),
            console=console,
            disable=not self._live,
            transient=True,
        )

    def __enter__(self) -> "ConsoleReporter":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def listed(self, target: str, repositories: Sequence[Repository]) -> None:
        self._say(f"{target}: {_many(len(repositories), 'public repository')}")

    def target_failed(self, target: str, error: GitContribError) -> None:
        """The summary says it."""

    def crawl_started(self, repositories: int) -> None:
        self._total, self._done = self._total + repositories, self._done
        if self._histories is None:
            self._histories = self._progress.add_task("Histories", total=self._total, detail="")
        self._progress.update(self._histories, total=self._total)

    def repository_started(self, repository: str) -> None:
        if self._histories is not None:
            self._progress.update(self._histories, detail=repository)

    def repository_finished(self, attempt: Attempt) -> None:
        self._done += 1
        self._commits += attempt.commits
        if self._histories is not None:
            detail = f"{attempt.repository}: {attempt.commits:,} commits"
            self._progress.update(self._histories, completed=self._done, detail=detail)
        if attempt.failed:
            self._say(f"[red]failed[/] {attempt.message}", important=True)
        elif time.monotonic() - self._last_line > _LINE_EVERY_SECONDS or self._done == self._total:
            self._line(f"Histories {self._done}/{self._total}, {self._commits:,} commits")

    def accounts_asked(self, asked: int, total: int) -> None:
        if self._accounts is None:
            self._accounts = self._progress.add_task("Accounts", total=total, detail="e-mails looked up")
        self._progress.update(self._accounts, completed=asked)
        if asked == total or time.monotonic() - self._last_line > _LINE_EVERY_SECONDS:
            self._line(f"Accounts {asked:,}/{total:,} e-mails looked up")

    def accounts_failed(self, error: GitContribError, not_asked: int) -> None:
        self._say(f"[yellow]{not_asked:,} e-mails not looked up[/]: {error}", important=True)

    def waiting(self, message: str) -> None:
        self._say(f"[yellow]wait[/] {message}", important=True)

    def rejected(self, records: int, reason: str) -> None:
        self._say(f"[yellow]{records} set aside[/]: {reason}", important=True)

    def step_failed(self, error: GitContribError) -> None:
        """The summary says it."""

    def note(self, message: str) -> None:
        self._say(message)

    def _line(self, text: str) -> None:
        """A line of progress where there is no bar."""
        if not self._live:
            self._last_line = time.monotonic()
            self._say(text)

    def _say(self, text: str, *, important: bool = False) -> None:
        if important or not self._quiet:
            self._console.print(text, highlight=False, soft_wrap=True)


def summarise(console: Console, outcome: Outcome, budget: Budget, seconds: float, *, command: str) -> None:
    """The closing lines: what was done, what failed and why, what it cost, what to do next (with ``command``)."""
    if not outcome.attempts and outcome.snapshot_id is None and not outcome.interrupted:
        for error in [*outcome.targets_failed.values(), *outcome.errors]:
            _print(console, f"git-contrib: {error}")
        return
    counts = {state: sum(attempt.state is state for attempt in outcome.attempts) for state in AttemptState}
    parts = [f"{number} {state.value}" for state, number in counts.items() if number]
    commits = sum(attempt.commits for attempt in outcome.attempts)
    left = ", ".join(f"{number:,} left of the {name} budget" for name, number in sorted(budget.remaining().items()))
    git = sum(attempt.requests for attempt in outcome.attempts if attempt.source == "git")
    head = "Interrupted" if outcome.interrupted else "Done" if outcome.exit_code == 0 else "Ended"
    _print(
        console,
        f"{head} in {seconds:.1f} s: {_many(len(outcome.attempts), 'repository')} ({', '.join(parts) or 'none'}), {commits:,} commits",
    )
    _print(console, f"Requests: {budget.requests} to the API, {git} to git" + (f"; {left}" if left else ""))
    for attempt in outcome.attempts:
        if attempt.failed:
            _print(console, f"  [red]failed[/]  {attempt.message} ({attempt.reason})")
    for target, error in outcome.targets_failed.items():
        _print(console, f"  [red]failed[/]  {target}: {error}")
    for error in outcome.errors:
        _print(console, f"  [red]{error.reason}[/]  {error}")
    if outcome.snapshot_id:
        change = "published" if outcome.snapshot_changed else "is still current: nothing changed"
        _print(console, f"Snapshot {outcome.snapshot_id} {change}")
        _print(console, f"Next: {command} show OWNER/NAME, or {command} serve and open http://127.0.0.1:8000/docs")
    if outcome.interrupted:
        _print(console, "What is finished is kept; run again to go on")


def _many(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)
