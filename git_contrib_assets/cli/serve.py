"""Commands that serve: up and serve."""

import os
import signal

import click

from git_contrib_assets.cli.shell import errors_to_exit_codes, listening_options
from git_contrib_assets.settings import current
from git_contrib_assets.storage.home import Home


@click.command()
@listening_options(ui=True)
@errors_to_exit_codes
def up(host: str, port: int, ui_port: int) -> None:
    """The Dagster UI, its daemon with the daily schedule, and the API. Ctrl-C stops all of them."""
    run_everything(Home(current().home), host, port, ui_port)


def run_everything(home: Home, host: str, port: int, ui_port: int) -> None:
    from git_contrib_assets.runtime import supervisor

    supervisor.run(home, host=host, port=port, ui_port=ui_port, print_line=lambda line: click.echo(line, err=True))


@click.command()
@listening_options(ui=False)
@click.pass_context
@errors_to_exit_codes
def serve(context: click.Context, host: str, port: int) -> None:
    """The JSON API on the current snapshot, read-only; with -v a line per request. Ctrl-C stops it."""
    import uvicorn

    from git_contrib_assets.runtime.ports import free_ports, web_address

    port = free_ports(host, {"--port": port})["--port"]
    for number in (signal.SIGINT, signal.SIGTERM):
        # Either way to stop it ends with 0, also while it starts: an exception could be lost in the middle of an import,
        # and there is nothing to tidy up. When it serves, the server ends what it answers before this is called.
        signal.signal(number, lambda *_: os._exit(0))
    click.echo(f"API on {web_address(host, port)}/docs (Ctrl-C stops it)", err=True)
    click.echo(f"Page on {web_address(host, port)}/", err=True)
    log = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "api.kit.logs.line_formatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"git_contrib.api": {"level": "INFO" if context.obj["verbose"] else "WARNING"}},
    }
    uvicorn.run("api.main:app", host=host, port=port, log_config=log, log_level="warning", access_log=False)
