"""The command line: data to stdout, talk to stderr."""

import io
import sys
from importlib.metadata import version
from pathlib import Path

import click

from git_contrib_assets.cli.collect import catalogue, demo, run
from git_contrib_assets.cli.copy import copy_to
from git_contrib_assets.cli.read import export, show, status
from git_contrib_assets.cli.serve import serve, up
from git_contrib_assets.cli.shell import Commands, errors_to_exit_codes
from git_contrib_assets.cli.sign_in import login, logout
from git_contrib_assets.logs import configure_logs
from git_contrib_assets.settings import Settings, using

# Dagster takes a second to import: only the commands that crawl import it, inside the function.

EXAMPLES = """\b
Start here:
  git-contrib demo                 see it work: no network, no token
  git-contrib run facebook         collect and compute
  git-contrib show facebook/react  a series in the terminal
  git-contrib up                   the Dagster UI, the API, and a run every day
"""


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
@errors_to_exit_codes
def main(context: click.Context, home: Path | None, verbose: int, quiet: bool) -> None:
    """Monthly new contributors for every public repository of a GitHub organisation."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a bar or a name that the terminal's encoding has not
    settings = Settings.from_environment(**({"home": home} if home else {}))
    context.with_resource(using(settings))
    configure_logs(verbose)
    context.obj = {"quiet": quiet, "verbose": verbose}


# in the order in which people need them
for _command in (run, catalogue, status, show, export, copy_to, login, logout, up, serve, demo):
    main.add_command(_command)
