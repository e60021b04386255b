"""The command line: data to stdout, talk to stderr."""

import contextlib
import io
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table as ScreenTable

from git_contrib_assets.errors import GitContribError, StorageError, UsageError
from git_contrib_assets.logs import configure_logs
from git_contrib_assets.records import Target
from git_contrib_assets.serving import contract, read
from git_contrib_assets.settings import Settings
from git_contrib_assets.storage.home import Home

# Dagster takes a second to import: only the commands that crawl do so, inside.

EXAMPLES = """\b
Start here:
  git-contrib demo                 see it work: no network, no token
  git-contrib run facebook         collect and compute
  git-contrib show facebook/react  a series in the terminal
  git-contrib up                   the Dagster UI, the API, and a run every day
"""
_DURATION = re.compile(r"(\d+)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_INTERRUPTED = 130
_BARS = "▁▂▃▄▅▆▇█"
_SPARK_MONTHS = 36
_LEAST_WIDTH = 110
_DEMO_TOKEN = "demo"  # noqa: S105 - of the bundled stand-in, which gives nothing away


class Duration(click.ParamType[float]):
    """Seconds, or a number with s, m, h or d; several add up (1h30m)."""

    name = "duration"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """Seconds."""
        if isinstance(value, int | float):
            return float(value)
        parts = _DURATION.findall(value)
        if not parts or "".join(number + unit for number, unit in parts) != value:
            self.fail(f"{value!r} is no duration: write 90, 45s, 30m or 1h30m", parameter, context)
        return float(sum(int(number) * _SECONDS[unit] for number, unit in parts))


class Commands(click.Group):
    """Commands in the order in which people need them."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Names in order of definition."""
        return list(self.commands)


class _Talk(Console):
    """stderr. That nobody listens any more, or that a full disk is behind it, must not end the work."""

    def on_broken_pipe(self) -> None:
        """Go on without a word."""
        self.quiet = True

    def _write_buffer(self) -> None:
        try:
            super()._write_buffer()
        except OSError:
            self.quiet = True


def _console() -> Console:
    return _Talk(stderr=True, soft_wrap=True)


@contextlib.contextmanager
def _writing_to_stdout() -> Iterator[None]:
    """Raises StorageError where what stdout leads to does not take what is written."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # what is left in the buffer would fail once more when the interpreter ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise StorageError(f"The output cannot be written: {error.strerror or error}") from error


def _errors_to_exit_codes(command: Callable[..., Any]) -> Callable[..., Any]:
    """One line for an error we know, and its exit code; the trace only for what nobody expected, with -v."""

    @wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except GitContribError as error:
            click.echo(f"git-contrib: {error}", err=True)
            sys.exit(error.exit_code if error.exit_code != 3 else 1)
        except KeyboardInterrupt:
            sys.exit(_INTERRUPTED)
        except BrokenPipeError:  # the reader of our output has gone: as with any filter, no fault
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)

    return wrapped


@click.group(cls=Commands, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    help="Where files and databases live  [GIT_CONTRIB_HOME; default: ./data]",
)
@click.option("-v", "--verbose", count=True, help="More detail; twice for every request")
@click.option("-q", "--quiet", is_flag=True, help="Only what went wrong")
@click.version_option(version("git-contrib"), prog_name="git-contrib")
@click.pass_context
def main(context: click.Context, home: Path | None, verbose: int, quiet: bool) -> None:
    """Monthly new contributors for every public repository of a GitHub organisation."""
    if home:
        os.environ["GIT_CONTRIB_HOME"] = str(home)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a bar or a name that the terminal's encoding has not
    configure_logs(verbose)
    context.obj = {"quiet": quiet, "verbose": verbose}


@main.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option(
    "--max-wait",
    type=Duration(),
    default="65m",
    show_default=True,
    help="Upper bound of every single wait, for a lock or for GitHub's limit",
)
@click.option(
    "--everything-again",
    is_flag=True,
    help="Fetch whole histories anew, whatever is collected; old data stays until the new is there",
)
@click.pass_context
@_errors_to_exit_codes
def run(context: click.Context, targets: tuple[str, ...], max_wait: float, everything_again: bool) -> None:
    """Collect commit histories, compute the tables, publish them.

    TARGET is an owner, owner/name or @me; without one, those of GIT_CONTRIB_TARGETS (default: facebook).
    """
    _interrupted_by_hangup()
    settings = Settings.from_environment()
    parsed = [Target.parse(text) for text in targets or settings.targets]
    if not parsed:
        raise UsageError("There is no target: name an owner, or set GIT_CONTRIB_TARGETS")
    code = _run(settings, parsed, max_wait, quiet=context.obj["quiet"], everything_again=everything_again)
    if code == _INTERRUPTED:
        _leave_at_once(code)
    sys.exit(code)


def _interrupted_by_hangup() -> None:
    """A terminal that goes away interrupts as Ctrl-C does: no git is left behind. Under nohup it is still ignored."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGINT))


def _leave_at_once(code: int) -> None:
    """End without the interpreter's tidying up: with work cut short, DuckDB's binding reports dozens of leaks there."""
    from git_contrib_assets.sources.histories.cancellation import cancel_all

    cancel_all()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(
    settings: Settings,
    targets: list[Target],
    max_wait: float,
    *,
    quiet: bool,
    everything_again: bool = False,
    command: str = "git-contrib",
) -> int:
    """Run the main job with progress and a summary; the exit code."""
    from git_contrib_assets import pipeline
    from git_contrib_assets.console import ConsoleReporter, summarise
    from git_contrib_assets.resources import budget

    console, started = _console(), time.monotonic()
    if not settings.token and settings.source != "rest" and not quiet:
        console.print(
            "No token: by git, people with several addresses are not joined. Set GITHUB_TOKEN to count them once"
        )
    with ConsoleReporter(console, quiet=quiet) as listener:
        outcome = pipeline.run(
            settings, targets, max_wait=max_wait, listener=listener, everything_again=everything_again
        )
    summarise(console, outcome, budget, time.monotonic() - started, command=command)
    return outcome.exit_code


@main.command()
@_errors_to_exit_codes
@_writing_to_stdout()
def status() -> None:
    """What is collected, how fresh it is, and what failed and why."""
    home = Home(Settings.from_environment().home)
    with read.open_snapshot(home) as snapshot:
        about = snapshot.about()
        repositories = snapshot.rows(contract.REPOSITORIES)
    click.echo(f"Snapshot       {about['snapshot_id']}, built {about['built_at']:%Y-%m-%d %H:%M} UTC")
    click.echo(f"Checked        {about['checked_at']:%Y-%m-%d %H:%M} UTC; complete through {about['complete_through']}")
    asked = f"{about['emails'] - about['emails_not_asked']:,} of {about['emails']:,} e-mails looked up"
    click.echo(f"Identity       {about['identity']}: {asked}")
    states: dict[str, int] = {}
    for row in repositories:
        states[row["state"]] = states.get(row["state"], 0) + 1
    click.echo(
        f"Repositories   {len(repositories)}: "
        + ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    )
    click.echo(f"Commits        {sum(row['commits'] for row in repositories):,}")
    for row in repositories:
        if row["state"] in {"failed", "vanished", "emptied", "pending"}:
            since = f" since {row['state_since']:%Y-%m-%d %H:%M} UTC" if row["state_since"] else ""
            click.echo(f"  {row['state']:<9} {row['repository']}: {row['state_reason'] or 'not collected yet'}{since}")


@main.command()
@click.argument("repository")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@_errors_to_exit_codes
@_writing_to_stdout()
def show(repository: str, form: str) -> None:
    """The monthly series of one repository."""
    with read.open_snapshot(Home(Settings.from_environment().home)) as snapshot:
        name = snapshot.resolve(repository)
        if form != "table":
            snapshot.write(contract.MONTHLY_NEW_CONTRIBUTORS, form, sys.stdout.buffer, repository=name)
            return
        rows = snapshot.rows(contract.MONTHLY_NEW_CONTRIBUTORS, repository=name)
        about = snapshot.rows(contract.REPOSITORIES, repository=name)[0]
    if not rows:
        click.echo(f"{name} has no months: it is {about['state']} ({_why_no_months(about)})")
        return
    most = max((row["number_of_new_contributors"] for row in rows), default=0) or 1
    screen = ScreenTable(title=f"{name}: new contributors per month", title_justify="left")
    for heading, justify in (("month", "left"), ("new", "right"), ("bots", "right"), ("all", "right"), ("", "left")):
        screen.add_column(heading, justify=justify)  # type: ignore[arg-type]  # rich's own literal type
    for row in rows:
        bar = "█" * round(30 * row["number_of_new_contributors"] / most)
        numbers = (row["number_of_new_contributors"], row["number_of_new_bots"], row["cumulative_contributors"])
        screen.add_row(f"{row['date']:%Y-%m}", *(f"{number:,}" for number in numbers), bar)
    Console().print(screen)


def _why_no_months(repository: dict[str, Any]) -> str:
    if repository["state_reason"]:
        return str(repository["state_reason"])
    return "it was never read" if repository["collected_at"] is None else "nobody ever committed to it"


@main.command()
@click.argument("table", metavar="TABLE", type=click.Choice([table.name for table in contract.TABLES]))
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "ndjson"]), default="csv", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of stdout")
@_errors_to_exit_codes
@_writing_to_stdout()
def export(table: str, form: str, output: Path | None) -> None:
    """A published table, whole: published column names, dates as YYYY-MM-DD."""
    chosen = next(one for one in contract.TABLES if one.name == table)
    with read.open_snapshot(Home(Settings.from_environment().home)) as snapshot, _sink(output) as sink:
        snapshot.write(chosen, form, sink)


@contextlib.contextmanager
def _sink(output: Path | None) -> Iterator[Any]:
    from git_contrib_assets.storage.files import replacing, storage_errors

    if output is None:
        yield sys.stdout.buffer
        return
    try:
        if output.is_symlink() or (output.exists() and not output.is_file()):  # /dev/stdout, a pipe: not to be replaced
            with storage_errors(output), output.open("wb") as file:
                yield file
        else:
            with replacing(output.absolute()) as temporary, temporary.open("wb") as file:
                yield file
    except StorageError as error:
        # its own words are about the home, which this file is not in
        cause = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error
        raise StorageError(f"{output} cannot be written ({cause}): name a file that can, with -o") from error


def _listening(*, ui: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of every command that serves."""
    port = click.IntRange(0, 65535)
    options = [
        click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen"),
        click.option("--port", default=8000, show_default=True, type=port, help="Port of the API; 0: any free one"),
    ]
    if ui:
        help_text = "Port of the Dagster UI; 0: any free one"
        options.append(click.option("--ui-port", default=3000, show_default=True, type=port, help=help_text))

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@main.command()
@_listening(ui=True)
@_errors_to_exit_codes
def up(host: str, port: int, ui_port: int) -> None:
    """The Dagster UI, its daemon with the daily schedule, and the API. Ctrl-C stops all of them."""
    _up(Home(Settings.from_environment().home), host, port, ui_port)


def _up(home: Home, host: str, port: int, ui_port: int) -> None:
    from git_contrib_assets import supervisor

    supervisor.run(home, host=host, port=port, ui_port=ui_port, say=lambda line: click.echo(line, err=True))


@main.command()
@_listening(ui=False)
@click.pass_context
@_errors_to_exit_codes
def serve(context: click.Context, host: str, port: int) -> None:
    """The JSON API on the current snapshot, read-only; with -v a line per request. Ctrl-C stops it."""
    import uvicorn

    from git_contrib_assets.supervisor import free_ports, web_address

    port = free_ports(host, {"--port": port})["--port"]
    settings = Settings.from_environment()
    os.environ |= {"GIT_CONTRIB_HOME": str(settings.home), "GITHUB_SERVER_URL": settings.server_url}
    for number in (signal.SIGINT, signal.SIGTERM):
        # Either way to stop it ends with 0, also while it starts: an exception could be lost in the middle of an import,
        # and there is nothing to tidy up. When it serves, the server ends what it answers before this is called.
        signal.signal(number, lambda *_: os._exit(0))
    click.echo(f"API on {web_address(host, port)}/docs (Ctrl-C stops it)", err=True)
    click.echo(f"Page on {web_address(host, port)}/", err=True)
    log = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "api.logs.LineFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"git_contrib.api": {"level": "INFO" if context.obj["verbose"] else "WARNING"}},
    }
    uvicorn.run("api.main:app", host=host, port=port, log_config=log, log_level="warning", access_log=False)


@main.command()
@click.option("--once", is_flag=True, help="Stop after the table")
@_listening(ui=True)
@click.pass_context
@_errors_to_exit_codes
def demo(context: click.Context, once: bool, host: str, port: int, ui_port: int) -> None:
    """The whole thing on a bundled organisation: real crawl, real git, no network, no token.

    Works in its own home, <home>/demo. Then serves the UI and the API on it.
    """
    from git_contrib_assets.demo import organisation, stand_in

    _interrupted_by_hangup()
    home = Settings.from_environment().home / "demo"
    organisation.build(home / "github")
    with stand_in.running(home / "github", tokens=[_DEMO_TOKEN]) as github:
        os.environ |= {**github.environment(), "GITHUB_TOKEN": _DEMO_TOKEN, "GIT_CONTRIB_HOME": str(home)}
        os.environ["GIT_CONTRIB_TARGETS"] = organisation.OWNER
        os.environ.pop("DAGSTER_HOME", None)
        code = _run(
            Settings.from_environment(),
            [Target.parse(organisation.OWNER)],
            60.0,
            quiet=context.obj["quiet"],
            command=f"git-contrib --home {home}",
        )
        if code == _INTERRUPTED:
            _leave_at_once(code)
        with read.open_snapshot(Home(home)) as snapshot:
            rows = snapshot.rows(contract.REPOSITORIES)
            months = snapshot.last_months(_SPARK_MONTHS)
        _print_demo_table(rows, months)
        if once:
            sys.exit(code)
        _up(Home(home), host, port, ui_port)  # beside the stand-in, so that the UI can crawl too


def _print_demo_table(rows: list[dict[str, Any]], months: dict[str, list[int]]) -> None:
    screen = ScreenTable(title="New contributors of the bundled organisation", title_justify="left")
    for heading in ("repository", "state"):
        screen.add_column(heading, no_wrap=True)
    for heading in ("commits", "people", "bots"):
        screen.add_column(heading, justify="right", no_wrap=True)
    screen.add_column(f"last {_SPARK_MONTHS} months", no_wrap=True)
    for row in rows:
        numbers = (f"{row[name]:,}" for name in ("commits", "contributors", "bots"))
        screen.add_row(row["repository"], row["state"], *numbers, _spark(months.get(row["repository"], [])))
    Console(width=max(Console().width, _LEAST_WIDTH)).print(screen)


def _spark(counts: list[int]) -> str:
    """Numbers as a line of little bars; a month without anyone is a dot."""
    most = max(counts, default=0)
    return "".join("·" if not count else _BARS[(count * len(_BARS) - 1) // most] for count in counts)
