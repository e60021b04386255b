"""Every error that git-contrib raises, in one tree.

    GitContribError
    ├── UsageError                  exit 2   a target or an option is malformed
    ├── NotAllowed                  exit 5   the token lacks a right (403)
    │   ├── TokenRefused                     GitHub refuses the token itself (401): nothing else can be asked
    │   ├── SignInRefused                    the person declined it, or the OAuth app does not allow it
    │   └── DatabaseRefused                  PostgreSQL refuses the user or the password, or the user lacks a right
    ├── Stopped                     exit 4   stopped by a limit or a timeout before the work was finished
    │   ├── LimitReached                     GitHub's limit lifts later than we may wait
    │   ├── LockBusy                         another run holds the lock longer than we may wait
    │   └── SignInExpired                    the code to sign in with was not entered in time
    ├── TargetFailed                exit 3   an owner or a single repository could not be listed (alone: exit 1)
    │   └── UnknownTarget                    it does not exist, or is private
    ├── RepositoryFailed            exit 3   one repository; the others go on
    │   ├── RepositoryNotFound               404: gone, renamed away or private
    │   ├── RepositoryBlocked                403 tos, 451: GitHub took it down
    │   ├── RepositoryPrivate                it was seen private: it is not read, and leaves the published tables
    │   ├── RepositoryRenamed                its name is now another repository's, or it has another name
    │   ├── VisibilityUnknown                GitHub did not say whether it is public
    │   ├── HistoryCorrupt                   what was sent is not a readable history
    │   │   └── HistoryIncomplete            commits are missing from it
    │   └── HistoryUnavailable               timeouts, 5xx, 429 to the end
    ├── AccountsUnavailable         exit 3   GitHub could not say which accounts own some e-mails
    ├── GitHubUnavailable           exit 1   no answer, or an answer that makes no sense
    ├── StorageError                exit 1
    │   ├── HomeNotWritable                  the home cannot be written
    │   ├── StorageFull                      the disk is full
    │   ├── LandingFileCorrupt               a landing file cannot be read; it was set aside
    │   ├── WarehouseBusy                    another program holds the warehouse file open
    │   └── SnapshotUnreadable               the published snapshot is locked, damaged or not readable here
    ├── CopyFailed                  exit 3   the copy in PostgreSQL is as it was before (alone: exit 1)
    │   ├── DatabaseUnreachable              no server answers there, or it has no such database
    │   └── DatabaseMismatch                 what is there is not ours, or cannot hold these tables
    ├── PortTaken                   exit 1   another program listens there
    └── NotPublished                exit 1   there is no snapshot yet, or a check held one back

Each message says what happened, to which repository or target, and what to do next. None holds a token or an e-mail address.
"""

from pathlib import Path


class GitContribError(Exception):
    """Base of all errors of this package.

    ``reason`` is the stable word that the ledger and the API publish for it. ``requests`` is the number of requests
    that were made for a repository before its reading failed.
    """

    exit_code = 1
    reason = "unexpected"
    requests = 0


class UsageError(GitContribError):
    """A target or an option is malformed."""

    exit_code = 2
    reason = "usage"


class NotAllowed(GitContribError):
    """The token lacks a right, or GitHub refuses it. Never retried with the same token."""

    exit_code = 5
    reason = "not_allowed"


class TokenRefused(NotAllowed):
    """401: GitHub refuses the token itself, so that nothing else can be asked either."""

    reason = "token_refused"


class DatabaseRefused(NotAllowed):
    """PostgreSQL refuses the user or the password, or the user lacks a right there."""

    reason = "database_refused"


class SignInRefused(NotAllowed):
    """The person declined the sign-in, or the OAuth app does not allow it."""

    reason = "sign_in_refused"


class Stopped(GitContribError):
    """Stopped by a limit or a timeout before the work was finished."""

    exit_code = 4
    reason = "stopped"


class LimitReached(Stopped):
    """GitHub's limit lifts later than we may wait.

    ``seconds`` is how long from now until it lifts.
    """

    reason = "limit"

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class LockBusy(Stopped):
    """Another run holds the lock longer than we may wait."""

    reason = "locked"


class SignInExpired(Stopped):
    """The code to sign in with was not entered in time."""

    reason = "sign_in_expired"


class TargetFailed(GitContribError):
    """An owner or a single repository could not be listed."""

    exit_code = 3
    reason = "target_failed"


class UnknownTarget(TargetFailed):
    """The target does not exist, or is private."""

    reason = "unknown_target"


class RepositoryFailed(GitContribError):
    """One repository's history could not be fetched; the others go on."""

    exit_code = 3
    reason = "repository_failed"


class RepositoryNotFound(RepositoryFailed):
    """404: the repository is gone, was renamed away, or is private."""

    reason = "not_found"


class RepositoryBlocked(RepositoryFailed):
    """403 with a block, or 451: GitHub took the repository down."""

    reason = "blocked"


class RepositoryPrivate(RepositoryFailed):
    """The repository was seen private."""

    reason = "private"


class RepositoryRenamed(RepositoryFailed):
    """The name no longer leads to the repository that was listed under it."""

    reason = "renamed"


class VisibilityUnknown(RepositoryFailed):
    """GitHub did not say whether the repository is public."""

    reason = "visibility_unknown"


class HistoryCorrupt(RepositoryFailed):
    """What the server sent is not a readable history."""

    reason = "corrupt"


class HistoryIncomplete(HistoryCorrupt):
    """Commits are missing from what the server sent: a parent of one of them, or some that the server had counted."""

    reason = "incomplete"


class HistoryUnavailable(RepositoryFailed):
    """The server did not deliver: timeouts, 5xx or 429 to the end of all tries."""

    reason = "unavailable"


class AccountsUnavailable(GitContribError):
    """GitHub could not say which accounts own some e-mails."""

    exit_code = 3
    reason = "accounts_unavailable"


class GitHubUnavailable(GitContribError):
    """GitHub gave no answer, or one that makes no sense."""

    reason = "github_unavailable"


class StorageError(GitContribError):
    """Something is wrong with the home on disk."""

    reason = "storage"


class HomeNotWritable(StorageError):
    """The home cannot be written."""

    reason = "home_not_writable"


class StorageFull(StorageError):
    """The disk is full."""

    reason = "disk_full"


class LandingFileCorrupt(StorageError):
    """A landing file cannot be read; it was set aside and is fetched again by the next run."""

    reason = "landing_corrupt"

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(message)
        self.path = path


class WarehouseBusy(StorageError):
    """Another program holds the warehouse file open."""

    reason = "warehouse_busy"


class SnapshotUnreadable(StorageError):
    """The published snapshot cannot be read: it is locked, damaged, changed, or not readable by this user."""

    reason = "snapshot_unreadable"


class CopyFailed(GitContribError):
    """PostgreSQL did not take the copy: what it holds is as it was before."""

    exit_code = 3
    reason = "copy_failed"


class DatabaseUnreachable(CopyFailed):
    """No PostgreSQL server answers there, or it has no such database."""

    reason = "database_unreachable"


class DatabaseMismatch(CopyFailed):
    """What is in the database was not made by git-contrib, or cannot hold these tables."""

    reason = "database_mismatch"


class PortTaken(GitContribError):
    """A port that we were to listen on is taken."""

    reason = "port_taken"


class NotPublished(GitContribError):
    """There is no snapshot to serve, or a check held the new one back."""

    reason = "not_published"
