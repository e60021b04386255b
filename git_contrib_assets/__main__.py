"""``python -m git_contrib_assets`` is ``git-contrib``."""

from git_contrib_assets.cli.main import main

main(prog_name="git-contrib")
