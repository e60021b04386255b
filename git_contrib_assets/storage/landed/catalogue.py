"""What only the catalogue keeps: private repositories, the names that repositories had, and what owners say of themselves.

landing/catalogue/  (mode 0700, its files 0600: who may read the home at large may not read these)
  private_repositories.parquet   one row per repository that was listed and is not public
  repository_names.parquet       one row per repository and name, owner or visibility that it had
  owners.parquet                 what GitHub says of an owner; one answer per owner, the newest
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from git_contrib_assets.arrow import arrow_schema
from git_contrib_assets.records import OwnerAnswer, Repository, RepositoryName
from git_contrib_assets.storage.files import replacing, storage_errors, sweep
from git_contrib_assets.storage.landed.folder import LandedFolder
from git_contrib_assets.tables import Table, columns_of

Record = TypeVar("Record", Repository, RepositoryName, OwnerAnswer)

PRIVATE_REPOSITORIES = Table(
    name="private_repositories",
    layer="landing",
    grain="One row per repository that was listed and is not public, as GitHub listed it last",
    key=("repository_id",),
    order=("repository_id",),
    columns=columns_of(Repository),
)
REPOSITORY_NAMES = Table(
    name="repository_names",
    layer="landing",
    grain="One row per repository and name, owner or visibility that it had for a while",
    key=("repository_id", "first_day", "repository", "visibility"),
    order=("repository_id", "first_day"),
    columns=columns_of(RepositoryName),
)
OWNERS = Table(
    name="owners",
    layer="landing",
    grain="One row per owner that GitHub was asked about, with its newest answer",
    key=("owner_id",),
    order=("owner_id",),
    columns=columns_of(OwnerAnswer),
)
TABLES = (PRIVATE_REPOSITORIES, REPOSITORY_NAMES, OWNERS)


class PrivateRecords(Generic[Record]):
    """One Parquet file of records, mode 0600, that is replaced whole. Writers hold the landing lock."""

    def __init__(self, files: LandedFolder, table: Table, record: Callable[..., Record]) -> None:
        self._files = files
        self._table = table
        self._record: Callable[..., Record] = record
        self._schema = arrow_schema(table.columns)

    @property
    def file(self) -> Path:
        """Where the records are."""
        return self._files.path / f"{self._table.name}.parquet"

    def all(self) -> list[Record]:
        """Every record. Raises LandingFileCorrupt for a file that cannot be read; it is set aside then."""
        if not self.file.exists():
            return []
        return [self._record(**row) for row in self._files.read_whole(self.file).to_pylist()]

    def write(self, records: Iterable[Record]) -> None:
        """Replace the records, if they are not the ones that are there."""
        rows = sorted((asdict(record) for record in records), key=self._position)
        if self.file.exists() and rows == [asdict(record) for record in self.all()]:
            return
        with replacing(self.file) as temporary:
            temporary.touch(mode=0o600)
            temporary.chmod(0o600)
            pq.write_table(pa.Table.from_pylist(rows, self._schema), temporary)

    def _position(self, row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(row[column] for column in self._table.key)


class LandedCatalogue:
    """The files of ``landing/catalogue``, by kind of record. Writers hold the landing lock."""

    def __init__(self, files: LandedFolder) -> None:
        folder = LandedFolder(files.path / "catalogue", files.rows_per_group)
        self.folder = folder.path
        self.private_repositories = PrivateRecords(folder, PRIVATE_REPOSITORIES, Repository)
        self.names = PrivateRecords(folder, REPOSITORY_NAMES, RepositoryName)
        self.owners = PrivateRecords(folder, OWNERS, OwnerAnswer)

    def prepare(self) -> None:
        """Make what is missing, and remove what killed writers left. Only under the landing lock."""
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.chmod(0o700)
            sweep(self.folder)
        for kind in (self.private_repositories, self.names, self.owners):
            if not kind.file.exists():
                kind.write([])
