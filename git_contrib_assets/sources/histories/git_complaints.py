"""What git says when it fails, and what that means.

Git's words are looked at, never passed on: they hold addresses and whatever the server wrote. What the server wrote is
believed about its own repository only, never about the token or our disk: those would end the whole crawl.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

from git_contrib_assets.errors import (
    GitContribError,
    HistoryIncomplete,
    HistoryUnavailable,
    RepositoryBlocked,
    RepositoryNotFound,
    StorageFull,
    TokenRefused,
)

GONE = "gone, renamed or private; its last good data are kept"
NO_HISTORY = "what git received is no readable history"
_FULL_BELOW = 64 << 20
_ADDRESS = re.compile(r"https?://[^\s']*")


class TryAgain(HistoryUnavailable):
    """The server did not deliver this time."""


class GitUnreachable(TryAgain):
    """There is no way to the git server, or it does not answer in time."""


class BranchGone(HistoryUnavailable):
    """The branch we know is no longer there."""


class CacheBroken(HistoryUnavailable):
    """The clone on disk is damaged: a new one may well work."""


_DISK_FULL = ("no space left on device", "disk quota exceeded")
_UNAUTHORISED = ("could not read username", "could not read password", "authentication failed", "error: 401")
_COMPLAINTS: tuple[tuple[tuple[str, ...], type[GitContribError], str], ...] = (
    (("shallow",), HistoryIncomplete, "the server has a part of its history only: run again later"),
    (("inflate:", "bad object", "pack has", "unresolved delta", "corrupt"), CacheBroken, NO_HISTORY),
    (
        ("error: 429", "rate-limited", "rate limit", "temporarily limiting", "too many requests"),
        TryAgain,
        "GitHub limits git requests: run again later, or sign in",
    ),
    (
        ("error: 451", "error: 403", "access blocked", "has been disabled", "dmca"),
        RepositoryBlocked,
        "GitHub took it down or refuses it; its last good data are kept",
    ),
    (("couldn't find remote ref",), BranchGone, "its default branch is gone"),
    (("error: 404", "not found"), RepositoryNotFound, GONE),
    (
        (
            "could not resolve host",
            "failed to connect",
            "connection refused",
            "couldn't connect",
            "network is unreachable",
        ),
        GitUnreachable,
        "the git server cannot be reached: check the network and GITHUB_SERVER_URL",
    ),
    (("timed out", "too slow"), GitUnreachable, "the git server does not answer in time: run again later"),
    (
        ("error: 5", "early eof", "connection reset", "empty reply", "rpc failed", "hung up", "closed"),
        TryAgain,
        "the git server did not deliver: run again later",
    ),
    (("error: 3",), HistoryUnavailable, "the git server names another address for it: run again, it is listed again"),
    (
        ("unable to access",),  # git's words before every other failure to connect: certificates, proxies, HTTP/2
        GitUnreachable,
        "the git server cannot be reached: check the network and the server's certificate (SSL_CERT_FILE)",
    ),
)
"""Lower-cased words of a complaint, and what they mean; the first that fits counts."""


def translate(
    complaint: str, repository: str, *, token_advice: str | None, disk_full: Callable[[], bool]
) -> GitContribError:
    """The error behind a complaint about the server.

    ``token_advice`` is what to do about a token that is refused; None if none was sent. ``disk_full`` is what our disk
    itself says.
    """
    text = _ADDRESS.sub("", complaint.lower()).replace(repository.lower(), "")
    own = _own_words(text)
    if any(words in own for words in _DISK_FULL):
        return no_space(repository, disk_full=disk_full)
    if any(words in own for words in _UNAUTHORISED):
        if token_advice is None:
            return RepositoryNotFound(f"{repository}: {GONE}")
        return TokenRefused(
            f"GitHub refuses the token (git is not let in to {repository}): {token_advice}; what is landed is kept"
        )
    for words, error, meaning in _COMPLAINTS:
        if any(word in text for word in words):
            return error(f"{repository}: {meaning}")
    return CacheBroken(f"{repository}: {NO_HISTORY}")


def translate_local(complaint: str, repository: str, *, disk_full: Callable[[], bool]) -> GitContribError:
    """The error behind a complaint about the clone on disk."""
    if any(words in complaint.lower() for words in _DISK_FULL):
        return no_space(repository, disk_full=disk_full)
    return CacheBroken(f"{repository}: the clone on disk is damaged")


def no_space(repository: str, *, disk_full: Callable[[], bool]) -> GitContribError:
    """What it means that git found no space: our disk is full only if it says so itself."""
    if disk_full():
        return StorageFull(f"{repository}: no space left on the disk: free some and run again")
    return HistoryUnavailable(f"{repository}: git found no space to write to, though there is some: run again later")


def is_full(folder: Path) -> bool:
    """Whether the disk of ``folder`` says that nothing more fits on it."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _FULL_BELOW or (disk.f_files > 0 and disk.f_favail == 0)


def requests_made(command: str, status: int, complaint: str) -> int:
    """How many requests a command made: 1 to be let in, 1 for the branches, 1 for the commits if any are to be got."""
    text = complaint.lower()
    if status and any(words in text for words in ("unable to access", "not found", "not valid", *_UNAUTHORISED)):
        return 1
    no_branch = any(words in text for words in ("remote ref", "ref listing", "empty repository"))
    return 2 if no_branch or command == "ls-remote" or (command == "fetch" and not text) else 3


def _own_words(text: str) -> str:
    """The lines of git's own: without those of the server, which git marks."""
    before = text.partition("remote error:")[0]
    return "\n".join(line for line in before.split("\n") if not line.startswith("remote:"))
