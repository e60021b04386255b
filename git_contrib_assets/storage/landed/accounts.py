"""Landed account answers: which GitHub account owns which e-mail. The answer about an e-mail that landed last counts."""

import time
from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from git_contrib_assets.arrow import arrow_schema
from git_contrib_assets.errors import LandingFileCorrupt
from git_contrib_assets.records import AccountAnswer
from git_contrib_assets.storage.files import replacing, storage_errors, sweep
from git_contrib_assets.storage.landed.addresses import normalised
from git_contrib_assets.storage.landed.folder import LandedFolder
from git_contrib_assets.tables import Table, columns_of

ACCOUNTS = Table(
    name="accounts",
    layer="landing",
    grain="One row per e-mail and answer: the account that owns it, or nobody; the answer that landed last counts",
    key=("email", "asked_at"),
    order=("asked_at",),
    columns=columns_of(AccountAnswer),
)
ACCOUNT_SCHEMA = arrow_schema(ACCOUNTS.columns)
OLDEST_ANSWER = timedelta(days=30)
"""How old an answer may be before it is asked for again; the macro ``typed.oldest_answer`` says the same."""


class LandedAccounts:
    """Reads and adds answers. Writers hold the landing lock."""

    def __init__(self, files: LandedFolder) -> None:
        self._files = files
        self.folder = files.path / "accounts"

    def prepare(self) -> None:
        """Make the folder, remove what killed writers left, and make one file of many."""
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            sweep(self.folder)
        self._compact()

    def answers(self) -> pa.Table:
        """The last answer about each e-mail, as ACCOUNT_SCHEMA."""
        return _last(self._all())

    def add(self, answers: Collection[AccountAnswer]) -> None:
        """Keep answers about normalised addresses, durable before this returns."""
        if answers:
            self._write(pa.Table.from_pylist([asdict(answer) for answer in answers], ACCOUNT_SCHEMA))

    def add_as_written(self, answers: Collection[AccountAnswer]) -> None:
        """Keep answers about addresses as they are written in commits; one about a blank address is left out."""
        self.add(_normalised(answers))

    def _write(self, answers: pa.Table) -> None:
        # Later than all others by name, whatever the clock says: what was learnt last counts.
        last = max((int(path.stem) for path in self._paths() if path.stem.isdecimal()), default=0)
        with replacing(self.folder / f"{max(time.time_ns(), last + 1):020d}.parquet") as temporary:
            pq.write_table(answers, temporary)

    def _all(self) -> pa.Table:
        tables = [self._files.read_whole(path) for path in self._paths()]
        return pa.concat_tables([ACCOUNT_SCHEMA.empty_table(), *(table.cast(ACCOUNT_SCHEMA) for table in tables)])

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.parquet"))

    def _compact(self) -> None:
        """Make one file of many. The new name sorts last, so a kill in between only leaves answers twice."""
        files = self._paths()
        if len(files) == 1:
            return
        try:
            answers = self.answers()
        except LandingFileCorrupt:
            self._compact()  # that file is out of the way now; its addresses are asked about again
            return
        self._write(answers)
        for file in files:
            file.unlink()


def _normalised(answers: Collection[AccountAnswer]) -> list[AccountAnswer]:
    """One answer per address, however it is written. An answer that names an account is preferred to "nobody"."""
    emails = normalised(pa.array([answer.email for answer in answers], pa.string())).to_pylist()
    found: dict[str, AccountAnswer] = {}
    for email, answer in zip(emails, answers, strict=True):
        if email and (email not in found or found[email].account_id is None):
            found[email] = replace(answer, email=email)
    return list(found.values())


def _last(answers: pa.Table) -> pa.Table:
    position = pa.array(range(answers.num_rows), pa.int64())
    last = (
        answers.append_column("position", position)
        .group_by("email", use_threads=False)
        .aggregate([("position", "max")])["position_max"]
    )
    return answers.take(last.combine_chunks())
