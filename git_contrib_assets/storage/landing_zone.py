"""The landing zone of the contributors: raw records as files, the only state there is.

landing/
  repositories.parquet       one row per repository ever listed
  commits/<id>.parquet       one row per commit of the default branch; the footer says of which tip
  accounts/*.parquet         answers about e-mails; the newest counts
  catalogue/                 mode 0700: private repositories, former names, what owners say of themselves
  crawl_log.ndjson           one line per repository and attempt
  rejected.ndjson            records that made no sense, with the reason
  set_aside/                 landing files that could not be read, with the reason
  key                        mode 0600: the key of the published hashes
  built_from/                links to the files that the warehouse's tables were built from
"""

from git_contrib_assets.storage.files import storage_errors, sweep
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landed.accounts import ACCOUNTS, LandedAccounts
from git_contrib_assets.storage.landed.catalogue import LandedCatalogue
from git_contrib_assets.storage.landed.commits import COMMITS, LandedCommits
from git_contrib_assets.storage.landed.crawl_log import CRAWL_LOG, CrawlLog
from git_contrib_assets.storage.landed.folder import LandedFolder
from git_contrib_assets.storage.landed.key import read_or_make_key
from git_contrib_assets.storage.landed.repositories import REPOSITORIES, LandedRepositories

TABLES = (REPOSITORIES, COMMITS, ACCOUNTS, CRAWL_LOG)


class LandingZone:
    """The landing files of one home, by kind of record. Writers hold the landing lock."""

    def __init__(self, home: Home, *, rows_per_group: int = LandedFolder.rows_per_group) -> None:
        self.folder = home.landing
        self.files = LandedFolder(self.folder, rows_per_group)
        self.repositories = LandedRepositories(self.files)
        self.commits = LandedCommits(self.files)
        self.accounts = LandedAccounts(self.files)
        self.crawl_log = CrawlLog(self.files)
        self.catalogue = LandedCatalogue(self.files)

    def prepare(self) -> None:
        """Make what is missing, remove what killed writers left, and tidy up. Only under the landing lock."""
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            sweep(self.folder)
        self.key()
        for kind in (self.commits, self.repositories, self.crawl_log, self.accounts, self.catalogue):
            kind.prepare()

    def key(self) -> bytes:
        """The key of the published hashes; made at the first call."""
        return read_or_make_key(self.folder / "key")
