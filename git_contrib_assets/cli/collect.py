"""Commands that collect: run and demo."""

import io
import sys
import time
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table as ScreenTable

from git_contrib_assets.cli.serve import run_everything
from git_contrib_assets.cli.shell import (
    INTERRUPTED,
    Duration,
    errors_to_exit_codes,
    interrupt_on_hangup,
    leave_at_once,
    listening_options,
    talking_console,
)
from git_contrib_assets.errors import UsageError
from git_contrib_assets.records import Target
from git_contrib_assets.serving import read
from git_contrib_assets.serving.contract import catalogue as catalogue_contract
from git_contrib_assets.serving.contract import contributors as contract
from git_contrib_assets.settings import Settings, current, using
from git_contrib_assets.storage.home import Home

_BARS = "▁▂▃▄▅▆▇█"
_SPARK_MONTHS = 36
_LEAST_WIDTH = 110
_CSV_LINES = 4
_DEMO_TOKEN = "demo"  # noqa: S105 - of the bundled stand-in, which gives nothing away


@click.command()
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
    help="Fetch whole histories again, whatever is collected; old data stays until the new is there",
)
@click.pass_context
@errors_to_exit_codes
def run(context: click.Context, targets: tuple[str, ...], max_wait: float, everything_again: bool) -> None:
    """Collect commit histories, compute the tables, publish them.

    TARGET is an owner, owner/name or @me; without one, those of GIT_CONTRIB_TARGETS (default: facebook).
    """
    interrupt_on_hangup()
    settings = current()
    parsed = _parsed(targets or settings.targets)
    code = collect(settings, parsed, max_wait, quiet=context.obj["quiet"], everything_again=everything_again)
    if code == INTERRUPTED:
        leave_at_once(code)
    sys.exit(code)


def collect(
    settings: Settings,
    targets: list[Target],
    max_wait: float,
    *,
    quiet: bool,
    everything_again: bool = False,
    command: str = "git-contrib",
) -> int:
    """Run the main job with progress and a summary; the exit code."""
    from git_contrib_assets.cli.console import ConsoleReporter, summarise
    from git_contrib_assets.graph.resources import budget
    from git_contrib_assets.runtime import pipeline
    from git_contrib_assets.storage.authorisation import authorisation_for

    console, started = talking_console(), time.monotonic()
    if settings.source != "rest" and not quiet and not authorisation_for(settings).signed_in:
        console.print(
            "No token: by git, people with several addresses are not joined. Set GITHUB_TOKEN, or run git-contrib login, "
            "to count them once"
        )
    with ConsoleReporter(console, quiet=quiet) as listener:
        outcome = pipeline.run(
            settings, targets, max_wait=max_wait, listener=listener, everything_again=everything_again
        )
    summarise(console, outcome, budget, time.monotonic() - started, command=command, quiet=quiet)
    return outcome.exit_code


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option(
    "--max-wait",
    type=Duration(),
    default="65m",
    show_default=True,
    help="Upper bound of every single wait, for a lock or for GitHub's limit",
)
@click.pass_context
@errors_to_exit_codes
def catalogue(context: click.Context, targets: tuple[str, ...], max_wait: float) -> None:
    """List repositories and their owners and publish them: no histories.

    TARGET is an owner, owner/name or @me (all that you can see); without one, those of GIT_CONTRIB_TARGETS. Private
    repositories are listed too, as far as your token shows them: only requests with the API's token are told of them.
    """
    from git_contrib_assets.cli.console import ConsoleReporter, summarise_catalogue
    from git_contrib_assets.graph.resources import budget
    from git_contrib_assets.runtime import pipeline

    interrupt_on_hangup()
    settings, quiet = current(), context.obj["quiet"]
    parsed = _parsed(targets or settings.targets)
    console, started = talking_console(), time.monotonic()
    with ConsoleReporter(console, quiet=quiet) as listener:
        outcome = pipeline.publish_catalogue(settings, parsed, max_wait=max_wait, listener=listener)
    summarise_catalogue(console, outcome, budget, time.monotonic() - started, quiet=quiet)
    if outcome.exit_code == INTERRUPTED:
        leave_at_once(outcome.exit_code)
    sys.exit(outcome.exit_code)


def _parsed(targets: Sequence[str]) -> list[Target]:
    """Raises UsageError where there is none, or one that makes no sense."""
    if not targets:
        raise UsageError("There is no target: name an owner, or set GIT_CONTRIB_TARGETS")
    return [Target.parse(text) for text in targets]


@click.command()
@click.option("--once", is_flag=True, help="Stop after the table")
@listening_options(ui=True)
@click.pass_context
@errors_to_exit_codes
def demo(context: click.Context, once: bool, host: str, port: int, ui_port: int) -> None:
    """The whole thing on a bundled organisation: real crawl, real git, no network, no token.

    Works in its own home, <home>/demo. Then serves the UI and the API on it.
    """
    from github_stand_in import organisation, server

    interrupt_on_hangup()
    home = current().home / "demo"
    organisation.build(home / "github")
    with server.running(home / "github", tokens=[_DEMO_TOKEN]) as github:
        settings = Settings.from_environment(
            home=home,
            targets=(organisation.OWNER,),
            token=_DEMO_TOKEN,
            api_url=github.api_url,
            graphql_url=github.graphql_url,
            server_url=github.server_url,
            dagster_home=None,
            postgres_url=None,  # what people made of their own organisation is not replaced by the demo's
        )
        with using(settings):
            _demo(settings, once=once, quiet=context.obj["quiet"], host=host, port=port, ui_port=ui_port)


def _demo(settings: Settings, *, once: bool, quiet: bool, host: str, port: int, ui_port: int) -> None:
    home = Home(settings.home)
    targets = [Target.parse(target) for target in settings.targets]
    command = f"git-contrib --home {home.root}"
    code = collect(settings, targets, 60.0, quiet=quiet, command=command)
    if code == INTERRUPTED:
        leave_at_once(code)
    with read.open_snapshot(home) as snapshot:
        rows = snapshot.rows(contract.REPOSITORIES)
        months = snapshot.last_months(_SPARK_MONTHS)
    with read.open_snapshot(home, catalogue_contract.PUBLICATION) as snapshot:
        repositories_csv = io.BytesIO()
        snapshot.write_repositories_csv(repositories_csv)
    _print_demo_table(rows, months)
    _print_first_lines(repositories_csv.getvalue().decode(), command)
    if once:
        sys.exit(code)
    run_everything(home, host, port, ui_port)  # beside the stand-in, so that the UI can crawl too


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


def _print_first_lines(repositories_csv: str, command: str) -> None:
    """The beginning of the file that lists repositories and owners, and how to get all of it."""
    screen = Console()
    screen.print(f"\nRepositories and their owners, by {command} export repositories.csv:", soft_wrap=True)
    for line in repositories_csv.splitlines()[:_CSV_LINES]:
        screen.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def _spark(counts: list[int]) -> str:
    """Numbers as a line of little bars; a month without anyone is a dot."""
    most = max(counts, default=0)
    return "".join("·" if not count else _BARS[(count * len(_BARS) - 1) // most] for count in counts)
