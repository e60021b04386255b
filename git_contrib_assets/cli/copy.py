"""The command that copies what is published to PostgreSQL."""

import click

from git_contrib_assets.cli.shell import Duration, errors_to_exit_codes, interrupt_on_hangup
from git_contrib_assets.settings import current
from git_contrib_assets.storage.home import Home


@click.command("copy-to")
@click.argument("url", required=False)
@click.option(
    "--max-wait",
    type=Duration(),
    default="10m",
    show_default=True,
    help="Upper bound of waiting for another copy, or for whoever has locked the tables",
)
@click.option(
    "--include-private",
    is_flag=True,
    help="Private repositories and the addresses of owners, too, in tables of their own",
)
@click.pass_context
@errors_to_exit_codes
def copy_to(context: click.Context, url: str | None, max_wait: float, include_private: bool) -> None:
    """Copy the published tables to PostgreSQL, into the schema git_contrib; only what changed is written.

    URL is postgresql://user@host:5432/database, without a password; without one, that of GIT_CONTRIB_POSTGRES_URL.
    """
    from git_contrib_assets.serving.postgresql.address import chosen_address
    from git_contrib_assets.serving.postgresql.copying import copy

    interrupt_on_hangup()
    settings = current()
    address = chosen_address(url, settings)

    def say(line: str) -> None:
        click.echo(line, err=True)

    copied = copy(Home(settings.home), address, max_wait=max_wait, on_wait=say, include_private=include_private)
    if context.obj["quiet"]:
        return
    for one in copied:
        say(one.sentence(address.place))
        for name, changes in one.changes.items():
            say(
                f"  {name:<30} {changes.inserted:>10,} inserted {changes.updated:>10,} updated {changes.deleted:>10,} deleted"
            )
