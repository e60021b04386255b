"""What a publication is: a named set of tables in an immutable file, behind a pointer of its own. Standard library only.

``published/<publication>/`` in a home, or ``private/`` (mode 0700, its files 0600) for what is not public, holds
  * ``<snapshot id>.duckdb`` — immutable, mode 0444; the tables of the publication
  * ``current.duckdb``       — a symbolic link to the current one, switched atomically
  * ``checked.json``         — ``{"snapshot_id": …, "checked_at": ISO time, "as_of": ISO time}``: when the tables were last
    found to be those of the current snapshot, and as of when (a run that changes nothing publishes nothing)
  * ``checksums.json``       — ``{"<file name>": SHA-256 when it was published}`` of each snapshot there
"""

from dataclasses import dataclass
from pathlib import Path

from git_contrib_assets.published_files import current_target
from git_contrib_assets.tables import Table


@dataclass(frozen=True)
class Publication:
    """A named set of tables with a contract of its own.

    ``version`` changes when a column is changed or removed; adding tables or columns changes nothing for those who read the
    others. ``snapshot`` is the table with one row about the snapshot itself, built by ``serving/<snapshot_select>.sql``.
    When rows of ``withdrawn_with`` go, older snapshots that hold them are deleted. Publications whose ``top_link`` is True
    were once published in ``published/`` itself, and keep a link there. What ``is_private`` is in a folder of its own. ``prefix``
    begins the names of its tables where those of all publications lie side by side; without one it is its name.
    """

    name: str
    version: int
    tables: tuple[Table, ...]
    snapshot: Table
    snapshot_select: str
    withdrawn_with: Table | None = None
    top_link: bool = False
    prefix: str | None = None
    is_private: bool = False

    @property
    def all_tables(self) -> tuple[Table, ...]:
        """Its tables, and last the one about the snapshot."""
        return (*self.tables, self.snapshot)

    def name_among_all(self, table: str) -> str:
        """The name of one of its tables where those of all publications lie side by side, as in PostgreSQL."""
        return f"{self.name}_{table}" if self.prefix is None else f"{self.prefix}{table}"

    def folder(self, published: Path) -> Path:
        """Where its snapshots are: in the folder ``published`` of a home, or beside it, in ``private``."""
        return published.parent / "private" if self.is_private else published / self.name

    def reading_folder(self, published: Path) -> Path:
        """Where readers find the current snapshot: a home of an earlier version has it in ``published`` itself."""
        folder = self.folder(published)
        is_old = self.top_link and not current_target(folder) and current_target(published)
        return published if is_old else folder
