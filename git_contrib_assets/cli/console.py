"""What a person sees of a run: bars at a terminal, a line now and then elsewhere, a summary at the end; all on stderr."""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from git_contrib_assets.errors import GitContribError
from git_contrib_assets.logs import log, redact
from git_contrib_assets.progress import Reporter
from git_contrib_assets.records import Attempt, AttemptState, Repository
from git_contrib_assets.runtime.pipeline import Outcome
from git_contrib_assets.sources.github.limits import Budget
from git_contrib_assets.sources.text import printable

_LINE_EVERY_SECONDS = 10.0
_LONGEST_LINE = 2000


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
            TextColumn("{task.fields[detail]}", markup=False),
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
        self._total += repositories
        if self._histories is None:
            self._histories = self._progress.add_task("Histories", total=self._total, detail="")
        self._progress.update(self._histories, total=self._total)

    def repository_started(self, repository: str) -> None:
        if self._histories is not None:
            self._progress.update(self._histories, detail=printable(redact(repository)))

    def repository_finished(self, attempt: Attempt) -> None:
        self._done += 1
        self._commits += attempt.commits
        told = {name: getattr(attempt, name) for name in ("repository", "commits", "source", "requests", "seconds")}
        log().info("repository", state=attempt.state.value, **told)
        if self._histories is not None:
            detail = f"{attempt.repository}: {attempt.commits:,} commits"
            self._progress.update(self._histories, completed=self._done, detail=printable(redact(detail)))
        if attempt.failed:
            self._say(_line(("failed", "red"), " ", _why(attempt)), important=True)
        elif time.monotonic() - self._last_line > _LINE_EVERY_SECONDS or self._done == self._total:
            self._progress_line(f"Histories {self._done}/{self._total}, {self._commits:,} commits")

    def accounts_asked(self, asked: int, total: int) -> None:
        if self._accounts is None:
            self._accounts = self._progress.add_task("Accounts", total=total, detail="e-mails looked up")
        self._progress.update(self._accounts, completed=asked)
        if asked == total or time.monotonic() - self._last_line > _LINE_EVERY_SECONDS:
            self._progress_line(f"Accounts {asked:,}/{total:,} e-mails looked up")

    def accounts_failed(self, error: GitContribError, not_asked: int) -> None:
        self._say(_line((f"{not_asked:,} e-mails not looked up", "yellow"), ": ", str(error)), important=True)

    def waiting(self, message: str) -> None:
        self._say(_line(("wait", "yellow"), " ", message), important=True)

    def rejected(self, records: int, reason: str) -> None:
        self._say(_line((f"{records} set aside", "yellow"), ": ", reason), important=True)

    def step_failed(self, error: GitContribError) -> None:
        """The summary says it."""

    def note(self, message: str) -> None:
        self._say(message)

    def _progress_line(self, text: str) -> None:
        """A line of progress if there is no bar."""
        if not self._live:
            self._last_line = time.monotonic()
            self._say(text)

    def _say(self, line: str | Text, *, important: bool = False) -> None:
        if important or not self._quiet:
            _print(self._console, line)


def summarise(
    console: Console, outcome: Outcome, budget: Budget, seconds: float, *, command: str, quiet: bool = False
) -> None:
    """The closing lines: what was done, what failed and why, what it cost, what to do next (with ``command``).

    With ``quiet`` only what went wrong; the reporter has told of the repositories that failed.
    """
    if not outcome.attempts and outcome.snapshot_id is None and not outcome.interrupted:
        for error in [*outcome.targets_failed.values(), *outcome.errors]:
            _print(console, f"git-contrib: {error}")
        return
    if not quiet:
        _print_what_was_done(console, outcome, budget, seconds)
        for attempt in outcome.attempts:
            if attempt.failed:
                _print(console, _line("  ", ("failed", "red"), f"  {_why(attempt)} ({attempt.reason})"))
    for target, error in outcome.targets_failed.items():
        _print(console, _line("  ", ("failed", "red"), f"  {target}: {error}"))
    for error in outcome.errors:
        _print(console, _line("  ", (error.reason, "red"), f"  {error}"))
    if outcome.snapshot_id and not quiet:
        change = "published" if outcome.snapshot_changed else "is still current: nothing changed"
        _print(console, f"Snapshot {outcome.snapshot_id} {change}")
        _print(console, f"Next: {command} show OWNER/NAME, or {command} serve and open http://127.0.0.1:8000/docs")
    if outcome.interrupted:
        _print(console, "Interrupted: what is finished is kept; run again to go on")


def summarise_catalogue(
    console: Console, outcome: Outcome, budget: Budget, seconds: float, *, quiet: bool = False
) -> None:
    """The closing lines of a run without histories: what the catalogue holds, what failed and why, what it cost."""
    found = outcome.catalogue
    if found and not quiet:
        private = found.everything - found.public
        kinds = f" ({private:,} of them private)" if private else ""
        change = "published" if found.changed else "nothing changed"
        _print(console, f"Catalogue: {_many(found.everything, 'repository')}{kinds}, {change}, in {seconds:.1f} s")
        _print(console, f"Requests: {budget.requests} to the API")
    for target, error in outcome.targets_failed.items():
        _print(console, _line("  ", ("failed", "red"), f"  {target}: {error}"))
    for error in outcome.errors:
        _print(console, f"git-contrib: {error}" if not found else _line("  ", (error.reason, "red"), f"  {error}"))
    if found and not quiet:
        _print(console, "Next: git-contrib export repositories.csv, or git-contrib serve")
    if outcome.interrupted:
        _print(console, "Interrupted: what is finished is kept; run again to go on")


def _print_what_was_done(console: Console, outcome: Outcome, budget: Budget, seconds: float) -> None:
    counts = {state: sum(attempt.state is state for attempt in outcome.attempts) for state in AttemptState}
    parts = [f"{number} {state.value}" for state, number in counts.items() if number]
    commits = sum(attempt.commits for attempt in outcome.attempts)
    left = ", ".join(f"{number:,} left of the {name} budget" for name, number in sorted(budget.remaining().items()))
    git = sum(attempt.requests for attempt in outcome.attempts if attempt.source == "git")
    head = "Interrupted" if outcome.interrupted else "Done" if outcome.exit_code == 0 else "Ended"
    repositories = f"{_many(len(outcome.attempts), 'repository')} ({', '.join(parts) or 'none'})"
    _print(console, f"{head} in {seconds:.1f} s: {repositories}, {commits:,} commits")
    _print(console, f"Requests: {budget.requests} to the API, {git} to git" + (f"; {left}" if left else ""))


def _why(attempt: Attempt) -> str:
    return attempt.message or attempt.repository


def _line(*parts: str | tuple[str, str]) -> Text:
    """Parts of a line, some with a style. Text from outside is shown as it is: no markup is read in it."""
    return Text.assemble(*(_shown(part) if isinstance(part, str) else (_shown(part[0]), part[1]) for part in parts))


def _shown(text: str) -> str:
    """The text without secrets, and without anything that a terminal would act on."""
    return "".join(one if one.isprintable() else " " for one in redact(text)[:_LONGEST_LINE])


def _many(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def _print(console: Console, line: str | Text) -> None:
    console.print(line if isinstance(line, Text) else _line(line), highlight=False, soft_wrap=True)
