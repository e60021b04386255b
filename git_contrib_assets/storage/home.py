"""The home: where everything lives on disk."""

import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from git_contrib_assets.errors import UsageError
from git_contrib_assets.settings import current
from git_contrib_assets.storage.files import replacing, storage_errors

_LEAST_FREE_BYTES = 1 << 20


@dataclass(frozen=True)
class Home:
    """Paths below one folder. Only ``landing`` is state; all else can be deleted and comes back."""

    root: Path

    @property
    def landing(self) -> Path:
        """Raw records as files: the only state."""
        return self.root / "landing"

    @property
    def git(self) -> Path:
        """Treeless bare clones: a cache."""
        return self.root / "git"

    @property
    def warehouse(self) -> Path:
        """The working DuckDB file."""
        return self.root / "warehouse.duckdb"

    @property
    def built_from(self) -> Path:
        """Landing as the tables of the warehouse saw it: links to the files of then. In landing, for addresses stay there."""
        return self.landing / "built_from"

    @property
    def published(self) -> Path:
        """Immutable snapshots and the link to the current one."""
        return self.root / "published"

    @property
    def private(self) -> Path:
        """Snapshots with private repositories and e-mail addresses in them, mode 0700: for those with the API's token."""
        return self.root / "private"

    @property
    def dagster(self) -> Path:
        """Default DAGSTER_HOME: history of runs and materialisations."""
        return self.root / "dagster"

    @property
    def locks(self) -> Path:
        """Lock files."""
        return self.root / "locks"

    @property
    def logs(self) -> Path:
        """What the programs of `up` wrote since it started."""
        return self.root / "logs"

    def prepare(self) -> None:
        """Make the folders.

        Raises HomeNotWritable or StorageFull.
        """
        folders = (self.landing, self.git, self.published, self.dagster, self.locks, self.locks / "runs")
        with storage_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in folders:
                folder.mkdir(exist_ok=True)
            self.private.mkdir(exist_ok=True, mode=0o700)
            with (self.locks / "write-test").open("w"):
                pass


def prepare_instance(home: Home) -> Path:
    """Make the home ready; the folder of its Dagster instance, which is the one inside it unless DAGSTER_HOME is set.

    Raises HomeNotWritable, StorageFull, or UsageError for a DAGSTER_HOME that Dagster does not take.
    """
    home.prepare()
    configuration = home.dagster / "dagster.yaml"
    if not configuration.exists():
        with replacing(configuration) as temporary:
            temporary.write_bytes(files("git_contrib_assets").joinpath("dagster.yaml").read_bytes())
    chosen = current().dagster_home or home.dagster
    if not (chosen.is_absolute() and chosen.is_dir()):
        raise UsageError(f"DAGSTER_HOME is {chosen}: give it the absolute path of a folder that is there, or unset it")
    return chosen


def is_full(home: Home) -> bool:
    """Whether the home's disk has no room left that is worth the name."""
    return shutil.disk_usage(home.root).free < _LEAST_FREE_BYTES
