"""Dagster's daemon, which looks at backfills as often as at everything else.

By itself it looks at them twice a minute. A backfill needs several looks, so it would take minutes however little there is to do.
"""

from dagster._daemon import cli, controller

from git_contrib_assets.graph.sqlite_timeout import prepare_sqlite

_INTERVAL_SECONDS = 5  # as often as Dagster looks at sensors and at the queue of runs


def look_often() -> None:
    """From now on, in this process. Dagster has no setting for it."""
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = _INTERVAL_SECONDS


def main() -> None:
    """Be ``python -m dagster._daemon`` with the arguments given."""
    prepare_sqlite()
    look_often()
    cli.main()


if __name__ == "__main__":
    main()
