"""Commands that read what is published: status, show and export."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table as ScreenTable

from git_contrib_assets.cli.shell import errors_to_exit_codes, writing_to_stdout
from git_contrib_assets.errors import StorageError, UsageError
from git_contrib_assets.serving import read
from git_contrib_assets.serving.contract import catalogue
from git_contrib_assets.serving.contract import contributors as contract
from git_contrib_assets.serving.contract.catalogue import REPOSITORIES_CSV
from git_contrib_assets.settings import current
from git_contrib_assets.storage.home import Home


@click.command()
@errors_to_exit_codes
@writing_to_stdout()
def status() -> None:
    """What is collected, how fresh it is, and what failed and why."""
    home = Home(current().home)
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


@click.command()
@click.argument("repository")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@errors_to_exit_codes
@writing_to_stdout()
def show(repository: str, form: str) -> None:
    """The monthly series of one repository."""
    with read.open_snapshot(Home(current().home)) as snapshot:
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


@click.command()
@click.argument(
    "table",
    metavar="TABLE",
    type=click.Choice([*(table.name for table in contract.PUBLICATION.all_tables), REPOSITORIES_CSV]),
)
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "ndjson"]), default="csv", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of stdout")
@click.option(
    "--include-private",
    is_flag=True,
    help="With repositories.csv: private repositories and the addresses of owners, too",
)
@errors_to_exit_codes
@writing_to_stdout()
def export(table: str, form: str, output: Path | None, include_private: bool) -> None:
    """A published table, whole: published column names, dates as YYYY-MM-DD.

    repositories.csv lists repositories and their owners, for a spreadsheet.
    """
    home = Home(current().home)
    if table == REPOSITORIES_CSV:
        if form != "csv":
            raise UsageError(f"{REPOSITORIES_CSV} is CSV: leave --format out")
        publication = catalogue.PRIVATE_PUBLICATION if include_private else catalogue.PUBLICATION
        with read.open_snapshot(home, publication) as snapshot, _sink(output, private=include_private) as sink:
            snapshot.write_repositories_csv(sink)
        return
    if include_private:
        raise UsageError(f"--include-private goes with {REPOSITORIES_CSV}: {table} holds nothing private")
    chosen = next(one for one in contract.PUBLICATION.all_tables if one.name == table)
    with read.open_snapshot(home) as snapshot, _sink(output) as sink:
        snapshot.write(chosen, form, sink)


@contextlib.contextmanager
def _sink(output: Path | None, *, private: bool = False) -> Iterator[Any]:
    """Where to write. A file with private rows in it is readable by its user alone."""
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
                if private:
                    temporary.chmod(0o600)
                yield file
    except StorageError as error:
        # its own words are about the home, which this file is not in
        cause = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error
        raise StorageError(f"{output} cannot be written ({cause}): name a file that can, with -o") from error
