"""Landed repositories: one row per repository ever listed, in one Parquet file."""

import contextlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from git_contrib_assets.arrow import arrow_schema
from git_contrib_assets.records import Repository
from git_contrib_assets.storage.files import replacing
from git_contrib_assets.storage.landed.folder import LandedFolder
from git_contrib_assets.tables import Table, columns_of

REPOSITORIES = Table(
    name="repositories",
    layer="landing",
    grain="One row per repository ever listed, as GitHub listed it last",
    key=("repository_id",),
    order=("repository_id",),
    columns=columns_of(Repository),
)
REPOSITORY_SCHEMA = arrow_schema(REPOSITORIES.columns)


class LandedRepositories:
    """Reads and replaces the list of repositories. Writers hold the landing lock."""

    def __init__(self, files: LandedFolder) -> None:
        self._files = files

    @property
    def file(self) -> Path:
        """Where the list is."""
        return self._files.path / "repositories.parquet"

    def prepare(self) -> None:
        """Make an empty list if there is none, so that its columns can be read from the first day.

        A list of an earlier version gets the columns that it lacks.
        """
        if not self.file.exists():
            self.write([])
            return
        with contextlib.suppress(OSError, pa.ArrowException):  # one that cannot be read is dealt with by who reads it
            if pq.read_schema(self.file).names != REPOSITORY_SCHEMA.names:
                self.write(self.all())

    def all(self) -> list[Repository]:
        """Every repository ever listed."""
        if not self.file.exists():
            return []
        return [Repository(**row) for row in self._files.read_whole(self.file).to_pylist()]

    def write(self, repositories: Iterable[Repository]) -> None:
        """Replace the list."""
        rows = [asdict(repository) for repository in sorted(repositories, key=lambda one: one.repository_id)]
        with replacing(self.file) as temporary:
            pq.write_table(pa.Table.from_pylist(rows, REPOSITORY_SCHEMA), temporary)
