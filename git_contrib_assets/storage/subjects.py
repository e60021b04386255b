"""Subjects: what works on a home independently of the others, each with its own locks, files and publication."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """One subject. Its runs wait for each other, and never for those of another subject.

    ``landed`` are the files of the landing folder that its tables are built from, as ``pins.pin`` takes them;
    ``landing_views`` is the ``.sql`` file in ``warehouse/`` that shows them as views. ``pinned`` (in the landing folder,
    because addresses stay there) and ``warehouse`` (in the home) are its own.
    """

    name: str
    landing_lock: str
    landed: tuple[str, ...]
    landing_views: str
    pinned: str
    warehouse: str

    @property
    def warehouse_lock(self) -> str:
        """The name of the lock of its warehouse file."""
        return self.warehouse.partition(".")[0]


CONTRIBUTORS = Subject(
    name="contributors",
    landing_lock="crawl",
    landed=("commits/", "accounts/", "repositories.parquet", "crawl_log.ndjson"),
    landing_views="landing_views",
    pinned="built_from",
    warehouse="warehouse.duckdb",
)
CATALOGUE = Subject(
    name="catalogue",
    landing_lock=CONTRIBUTORS.landing_lock,  # one listing feeds both
    landed=("repositories.parquet", "catalogue/"),
    landing_views="catalogue_views",
    pinned="catalogue_built_from",
    warehouse="catalogue.duckdb",
)
