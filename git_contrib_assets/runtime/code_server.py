"""Dagster's code server, on a home whose history can be opened by several at once.

The UI and the daemon of `up` start together once this one answers; on a new home both would make the history's tables.
"""

import runpy
import sys

from git_contrib_assets.errors import GitContribError
from git_contrib_assets.graph.resources import report_runs_never_begun
from git_contrib_assets.runtime.instance import open_instance
from git_contrib_assets.settings import current
from git_contrib_assets.storage.home import Home


def main() -> None:
    """Make the history ready, then be ``python -m dagster`` with the arguments given."""
    home = Home(current().home)
    try:
        with open_instance(home) as instance:
            if instance.root_directory == str(home.dagster):  # another one may hold runs that are not ours
                report_runs_never_begun(instance, home)
    except GitContribError as error:
        sys.exit(f"git-contrib: {error}")  # the supervisor shows the end of this program's log
    runpy.run_module("dagster", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
