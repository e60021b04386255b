"""A program for test_publish_kills: for every line read it starts a child that publishes again and again, and kills it.

The line says after how many seconds, counted from the child's first publication. The parent never opens DuckDB,
so that a fork of it is a fresh process, without the imports' two seconds.
"""

import os
import signal
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.publish import publish
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.warehouse import open_warehouse


def publish_for_ever(home: Home, started: int) -> None:
    """Publish tables that change each time; say so in the pipe after the first."""
    now = datetime.fromisoformat(sys.argv[2]) + timedelta(seconds=time.monotonic_ns() // 1_000_000)
    with open_warehouse(home) as connection:
        while True:
            now += timedelta(seconds=1)
            connection.execute("update typed.owners set repositories = repositories + 1")
            publish(connection, home, PUBLICATION, as_of=now)
            os.write(started, b".")


def main() -> None:
    """Answer each line when the child is dead."""
    home = Home(Path(sys.argv[1]))
    for line in sys.stdin:
        receiver, sender = os.pipe()
        child = os.fork()
        if child == 0:
            publish_for_ever(home, sender)
        os.close(sender)
        os.read(receiver, 1)
        time.sleep(float(line))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(receiver)
        print("killed", flush=True)  # noqa: T201 - the test waits for it


main()
