"""A home with a snapshot to look at, and the API over it on a port of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import catalogue_rows
import duckdb
import pyarrow
import uvicorn
from pydantic import SecretStr

from api.kit.settings import Settings
from api.main import create_app
from git_contrib_assets.serving.contract import CURRENT_LINK, Publication, catalogue
from git_contrib_assets.serving.contract.contributors import PUBLICATION

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
COMPLETE_THROUGH = date(2024, 9, 30)
BUILT = datetime(2024, 10, 12, 4, 0)  # noqa: DTZ001 - the published times are UTC without saying so
STATES = {
    "failing": ("failed", "history_unavailable"),
    "waiting": ("pending", None),
    "void": ("empty", None),
    "gone": ("vanished", HOSTILE),
}
NAMES = ("anvil", "bellows", "chisel", "drill", "engraver", "file", "forked", *STATES)


def _months(number: int, start: date) -> Iterator[tuple[date, int, int]]:
    """Month, newcomers and bots among them, to the running month: some pattern, with holes."""
    month, place = start, 0
    while month <= BUILT.date():
        count = (place * (number + 3) + number) % (4 + number % 3)
        yield month, count, int(count > 3 and place % 5 == 0)
        month, place = (month + timedelta(days=31)).replace(day=1), place + 1


def _tables() -> dict[str, list[dict[str, Any]]]:
    repositories: list[dict[str, Any]] = []
    monthly: list[dict[str, Any]] = []
    for number, name in enumerate(NAMES, 1):
        state, reason = STATES.get(name, ("complete", None))
        about = {"repository_id": number, "repository": f"acme/{name}", "is_fork": name == "forked"}
        total = bots_in_all = 0
        if state != "pending":
            for month, count, bots in _months(number, date(2012 + number, 3, 1)):
                count, bots = (0, 0) if state == "empty" else (count, bots)
                total, bots_in_all = total + count, bots_in_all + bots
                numbers = (count, bots, total)
                names = ("number_of_new_contributors", "number_of_new_bots", "cumulative_contributors")
                monthly.append({**about, "date": month, **dict(zip(names, numbers, strict=True))})
        repositories.append(
            {
                **about,
                "owner_id": 1,
                "owner": "acme",
                "name": name,
                "created_at": datetime(2012 + number, 3, 1),  # noqa: DTZ001
                "is_archived": name == "file",
                "state": state,
                "state_reason": reason,
                "state_since": BUILT,
                "collected_at": None if state == "pending" else BUILT,
                "commits": 10 * total,
                "contributors": total,
                "bots": bots_in_all,
            }
        )
    first_commits, contributors = [], []
    for number in range(25):
        when = BUILT - timedelta(days=number, hours=number)
        who = {"contributor_id": f"github:{number}", "login": f"smith-{number}", "is_bot": number == 3}
        if number == 1:
            who["login"] = None
        commit = {"repository_id": 1 + number % 2, "repository": f"acme/{NAMES[number % 2]}", "first_commit_at": when}
        commit |= {"first_commit_sha": f"{number:040x}", "date": when.date().replace(day=1)}
        first_commits.append(who | commit)
        about_who = {"name": HOSTILE, "identity": "account", "repositories": 1, "first_commit_at": when}
        contributors.append(who | about_who)
    return {
        "repositories": repositories,
        "monthly_new_contributors": monthly,
        "first_commits": first_commits,
        "contributors": contributors,
        "owners": [{"owner_id": 1, "owner": "acme", "type": "Organization", "repositories": len(NAMES)}],
        "snapshot": [
            {
                "snapshot_id": "20241012T0400Z-scene",
                "built_at": BUILT,
                "checked_at": BUILT,
                "as_of": BUILT,
                "complete_through": COMPLETE_THROUGH,
                "identity": "account",
                "emails": 100,
                "emails_not_asked": 0,
                "definition_version": 1,
                "contract_version": 1,
                "fingerprint": "f",
            }
        ],
    }


def publish(folder: Path) -> None:
    """Write the snapshot, and let the link point to it."""
    _write(folder, PUBLICATION, _tables())


def publish_catalogue(folder: Path, repositories: int = 0) -> None:
    """The same for the two of the catalogue, with as many quiet repositories more."""
    quiet = [catalogue_rows.repository(100 + number, f"acme/quiet-{number:03}") for number in range(repositories)]
    quiet += [catalogue_rows.repository(90, f"acme/{HOSTILE}", language=HOSTILE)]
    public = [*catalogue_rows.public_repositories(), *quiet]
    everything = [*public, *catalogue_rows.private_repositories()]
    about = {"snapshot": _tables()["snapshot"]}
    for publication, tables in (
        (catalogue.PUBLICATION, catalogue_rows.public_tables(public)),
        (catalogue.PRIVATE_PUBLICATION, catalogue_rows.private_tables(everything)),
    ):
        _write(publication.folder(folder), publication, tables | about)


def _write(folder: Path, publication: Publication, made: dict[str, list[dict[str, Any]]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(folder / "scene.duckdb")) as connection:
        for table in publication.all_tables:
            name, columns = table.published_name, {column.name: column.type for column in table.columns}
            connection.execute(f"create table {name} ({', '.join(' '.join(pair) for pair in columns.items())})")
            rows = [{key: row.get(key) for key in columns} for row in made[name]]
            connection.register("made_rows", pyarrow.Table.from_pylist(rows))
            connection.execute(f"insert into {name} by name from made_rows")
            connection.unregister("made_rows")
    (folder / CURRENT_LINK).symlink_to("scene.duckdb")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the API over the snapshots in a folder."""
    # a machine that halts must not make a 503
    app = create_app(Settings(published=folder, query_seconds=600, token=SecretStr(catalogue_rows.TOKEN)))
    server = _Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.is_up.wait(90)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
