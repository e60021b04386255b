"""Dagster's code server, on a home whose history can be opened by several at once.

The UI and the daemon of `up` start together once this one answers; on a new home both would make the history's tables.
"""

import runpy

from git_contrib_assets.instance import open_instance
from git_contrib_assets.settings import Settings
from git_contrib_assets.storage.home import Home


def main() -> None:
    """Make the history ready, then be ``python -m dagster`` with the arguments given."""
    with open_instance(Home(Settings.from_environment().home)):
        pass
    runpy.run_module("dagster", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
