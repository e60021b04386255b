"""Copying what is published to PostgreSQL: each publication in one transaction, merged by key."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from git_contrib_assets.errors import NotPublished
from git_contrib_assets.serving.contract import PRIVATE_PUBLICATIONS, PUBLICATIONS, Publication
from git_contrib_assets.serving.postgresql.address import Address
from git_contrib_assets.serving.postgresql.merging import Changes, fill, load, merge
from git_contrib_assets.serving.postgresql.schema import (
    COPIES,
    LOOK,
    Present,
    check_fits,
    key_statements,
    named_tables,
    names,
    qualified,
    statements,
)
from git_contrib_assets.serving.postgresql.session import Session, connected, interruptible
from git_contrib_assets.serving.postgresql.source import files_of, fingerprint, open_source
from git_contrib_assets.storage.home import Home
from git_contrib_assets.tables import Table

DEFAULT_MAX_WAIT = 600.0
ADVISORY_LOCK = int.from_bytes(b"gitcontr")
"""Held by a copy until its transaction ends: two at once would merge into each other."""
_LONGEST_WAIT = 2**31 - 1
"""In milliseconds, as PostgreSQL counts; 0 would be for ever."""


@dataclass(frozen=True)
class Copied:
    """What became of a publication. ``changes`` are by table name there; without any if its snapshot was there already."""

    publication: str
    snapshot_id: str
    changed: bool
    seconds: float
    rows: int = 0
    changes: dict[str, Changes] = field(default_factory=dict)

    def sentence(self, place: str) -> str:
        """What happened, for people."""
        if not self.changed:
            return f"PostgreSQL at {place} holds snapshot {self.snapshot_id} of {self.publication} already"
        sums = {name: sum(getattr(one, name) for one in self.changes.values()) for name in Changes.__annotations__}
        told = ", ".join(f"{number:,} {name}" for name, number in sums.items())
        return (
            f"Snapshot {self.snapshot_id} of {self.publication} copied to PostgreSQL at {place} in {self.seconds:.1f} s: "
            f"{self.rows:,} rows, of which {told}"
        )


def copy(
    home: Home,
    address: Address,
    *,
    max_wait: float = DEFAULT_MAX_WAIT,
    on_wait: Callable[[str], None] = lambda _: None,
    publications: Sequence[Publication] = PUBLICATIONS,
    include_private: bool = False,
) -> list[Copied]:
    """Let the tables in PostgreSQL be those of the current snapshots, publication by publication.

    With ``include_private`` the private publications too, in tables of their own: who may read those is for the database
    to say.

    Safe to run twice, to be killed, and to be run by two at once: the second waits for ``max_wait`` seconds. Raises
    NotPublished, SnapshotUnreadable, DatabaseUnreachable, DatabaseRefused, DatabaseMismatch, LockBusy or CopyFailed; what
    of a publication was changed until then is undone.
    """
    wanted = [*publications, *(PRIVATE_PUBLICATIONS if include_private else ())]
    there = [one for one in wanted if files_of(home, one)]
    if not there:
        raise NotPublished(f"Nothing is published in {home.root} yet: run `git-contrib run` first, then copy")
    with connected(address) as session:
        return interruptible(
            session, lambda: [_copy_publication(session, home, one, max_wait, on_wait) for one in there]
        )


def _copy_publication(
    session: Session, home: Home, publication: Publication, max_wait: float, on_wait: Callable[[str], None]
) -> Copied:
    started = time.monotonic()
    with session.transaction():
        _lock(session, max_wait, on_wait)
        files = files_of(home, publication)  # now that it is our turn: who had it before may have copied a newer one
        current = fingerprint(files)
        tables = named_tables(publication)
        ours = {COPIES.name: COPIES, **tables}
        present = Present.parse(session.rows(LOOK)[0][0])
        keys = list(key_statements(present, ours, publication))
        snapshot_id = files[0].stem
        if not (keys or [*statements(present, ours)]) and _last_copied(session, publication) == current:
            return Copied(publication.name, snapshot_id, changed=False, seconds=time.monotonic() - started)
        check_fits(present, ours)
        for statement in statements(present, ours):
            session.run(statement)
        rows, changes = _transfer(session, files, tables, present)
        for statement in keys:
            session.run(statement)
        _record(session, publication, snapshot_id, current)
    return Copied(publication.name, snapshot_id, True, time.monotonic() - started, rows, changes)


def _transfer(
    session: Session, files: Sequence[Path], tables: dict[str, Table], present: Present
) -> tuple[int, dict[str, Changes]]:
    """Let the tables hold the rows of the files; how many those are, and what was changed."""
    new = {name: table for name, table in tables.items() if name not in present.tables}
    others = {name: table for name, table in tables.items() if name in present.tables}
    with open_source(files) as source:
        changes = fill(session, source.batches, new)
        rows = load(session, source.batches, others)
    rows += sum(one.inserted for one in changes.values())
    changes |= merge(session, others)
    return rows, {name: changes[name] for name in tables}


def _lock(session: Session, max_wait: float, on_wait: Callable[[str], None]) -> None:
    """Wait for other copies. No lock in this transaction is waited for longer than ``max_wait`` seconds."""
    session.run("set local search_path = pg_catalog")  # so that no function of somebody else's is called
    session.run("set local client_encoding = 'UTF8'")
    session.run(f"set local lock_timeout = {min(max(1, int(max_wait * 1000)), _LONGEST_WAIT)}")
    if not session.rows(f"select pg_try_advisory_xact_lock({ADVISORY_LOCK})")[0][0]:
        on_wait(f"PostgreSQL at {session.address.place}: another copy is under way; waiting for it")
        session.rows(f"select pg_advisory_xact_lock({ADVISORY_LOCK})")


def _last_copied(session: Session, publication: Publication) -> str | None:
    rows = session.rows(f"select fingerprint from {qualified(COPIES.name)} where publication = $1", publication.name)  # noqa: S608
    return str(rows[0][0]) if rows else None


def _record(session: Session, publication: Publication, snapshot_id: str, current: str) -> None:
    assignments = ", ".join(f'"{one}" = excluded."{one}"' for one in COPIES.column_names if one not in COPIES.key)
    session.run(
        f"insert into {qualified(COPIES.name)} ({names(COPIES.column_names)}) values ($1, $2, $3, now()) "  # noqa: S608
        f"on conflict (publication) do update set {assignments}",
        *(publication.name, snapshot_id, current),
    )
