"""Commit histories by git: a treeless bare clone, then fetches. Three requests whatever the size, no API budget.

Never lets git fetch a tree or a blob: only clone, fetch, rev-parse and log are used, mailmaps are off.
The token travels in an environment variable of git's (http.extraHeader), never in argv or on disk.
"""

import base64
import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from git_contrib_assets.errors import (
    GitContribError,
    HistoryCorrupt,
    HistoryUnavailable,
    RepositoryBlocked,
    RepositoryNotFound,
    StorageFull,
)
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import Repository
from git_contrib_assets.settings import Settings
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.git_parse import LOG_FORMAT, batches
from git_contrib_assets.sources.histories.protocol import History, Known

CONCURRENCY = 4
_OLDEST_GIT = (2, 31)  # the first that takes its configuration from the environment, and with it the token
_ATTEMPTS = 4
_WALL_CLOCK_SECONDS = 1800.0
_READ_BYTES = 1 << 18  # the fields of a chunk are Python objects for a moment: this bounds the memory of a crawl
_HEADER_BYTES = 1 << 20
_OPTIONS = {
    "core.hooksPath": "/dev/null",
    "credential.helper": "",
    "fetch.fsckObjects": "false",
    "gc.auto": "0",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "log.mailmap": "false",
    "log.showSignature": "false",
    "maintenance.auto": "false",
    "protocol.version": "2",
    "safe.directory": "*",
}
# Where people name the certificate authorities they trust, for our requests by httpx too.
_AUTHORITIES = {"SSL_CERT_FILE": "http.sslCAInfo", "SSL_CERT_DIR": "http.sslCAPath"}


class _TryAgain(HistoryUnavailable):
    """The server did not deliver this time."""


class GitUnreachable(_TryAgain):
    """There is no way to the git server."""


class _BranchGone(HistoryUnavailable):
    """The branch we know is not there any more."""


class _CacheBroken(HistoryUnavailable):
    """The clone on disk is damaged: a new one may well work."""


_COMPLAINTS: tuple[tuple[tuple[str, ...], type[GitContribError], str], ...] = (
    (
        ("no space left on device", "disk quota exceeded"),
        StorageFull,
        "no space left on the disk: free some and run again",
    ),
    (
        ("inflate:", "bad object", "pack has", "unresolved delta", "corrupt"),
        _CacheBroken,
        "what git received is no readable history",
    ),
    (
        ("error: 429", "rate-limited", "rate limit", "temporarily limiting", "too many requests"),
        _TryAgain,
        "GitHub limits git requests: run again later, or sign in",
    ),
    (
        ("error: 451", "error: 403", "access blocked", "has been disabled", "dmca"),
        RepositoryBlocked,
        "GitHub took it down or refuses it; its last good data are kept",
    ),
    (("couldn't find remote ref",), _BranchGone, "its default branch is gone"),
    (
        ("error: 404", "not found", "could not read username", "authentication failed", "error: 401"),
        RepositoryNotFound,
        "gone, renamed or private; its last good data are kept",
    ),
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
    (
        (
            "error: 5",
            "timed out",
            "too slow",
            "early eof",
            "connection reset",
            "empty reply",
            "rpc failed",
            "hung up",
            "closed",
        ),
        _TryAgain,
        "the git server did not deliver: run again later",
    ),
    (
        ("error: 3",),
        HistoryUnavailable,
        "the git server names another place for it: run again, it is listed anew",
    ),
    (
        ("unable to access",),  # git's words before every other failure to connect: certificates, proxies, HTTP/2
        GitUnreachable,
        "the git server cannot be reached: check the network and the server's certificate (SSL_CERT_FILE)",
    ),
)
"""What git says, lower-cased and without the repository's name, and what it means; the first that fits."""


@dataclass
class GitHistory:
    """The git source. ``clones`` is a cache folder; one repository is never read twice at the same time."""

    settings: Settings
    clones: Path
    attempts: int = _ATTEMPTS
    first_wait: float = 1.0
    name: str = "git"
    concurrency: int = CONCURRENCY

    @staticmethod
    def unusable() -> str | None:
        """Why git cannot be used here; None where it can."""
        if shutil.which("git") is None:
            return "git was not found"
        done = subprocess.run(["git", "version"], capture_output=True, text=True, check=False)
        numbers = re.search(r"(\d+)\.(\d+)", done.stdout)
        if done.returncode or not numbers:
            return "git does not work"
        if (int(numbers[1]), int(numbers[2])) < _OLDEST_GIT:
            return f"git {numbers[0]} is older than {_OLDEST_GIT[0]}.{_OLDEST_GIT[1]}"
        return None

    def has_worked(self) -> bool:
        """Whether commits came by git before."""
        return any(self.clones.glob("*.git/objects/pack/*.pack"))

    async def plan(self, wanted: Sequence[tuple[Repository, Known | None]]) -> list[Repository]:
        """As listed."""
        return [repository for repository, _ in wanted]

    def read(self, repository: Repository, *, cancellation: Cancellation, known: Known | None = None) -> History:
        """The history of the default branch as the server has it now. Blocks; ``cancellation`` ends it.

        What is ``known`` makes no difference: the clone has it, and listing it takes no request. Raises
        RepositoryNotFound, RepositoryBlocked, HistoryCorrupt, HistoryUnavailable or StorageFull.
        """
        clone = self.clones / f"{repository.repository_id}.git"
        git = _Git(self.settings, cancellation, repository.repository)
        url = f"{self.settings.server_url}/{repository.repository}.git"
        try:
            for attempt in Retrying(
                stop=stop_after_attempt(self.attempts),
                wait=wait_exponential_jitter(multiplier=self.first_wait, max=30.0, jitter=self.first_wait),
                retry=retry_if_exception_type((_TryAgain, _CacheBroken, _BranchGone)),
                sleep=lambda seconds: _pause(cancellation, seconds, repository.repository),
                reraise=True,
            ):
                with attempt:
                    branch = self._update(git, clone, url, repository.default_branch)
                    tip = git.try_run(f"--git-dir={clone}", "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        except _CacheBroken as error:
            raise HistoryCorrupt(
                f"{repository.repository}: what git received is no readable history, {self.attempts} times: run again later"
            ) from error
        return History(
            tip=tip, default_branch=branch, requests=git.requests, batches=git.log(clone, tip) if tip else iter(())
        )

    def forget(self, repository: Repository) -> None:
        """Drop the clone: the next read makes a new one."""
        shutil.rmtree(self.clones / f"{repository.repository_id}.git", ignore_errors=True)

    def _update(self, git: "_Git", clone: Path, url: str, branch: str | None) -> str:
        """Bring the clone up to date, or make it; the name of the branch that HEAD names."""
        if clone.exists():
            here = f"--git-dir={clone}"
            try:
                head = git.run(here, "symbolic-ref", "--short", "HEAD").strip()
                wanted = branch or head
                git.run(here, "config", "remote.origin.url", url)
                _fetch(git, here, wanted, head)
            except (_BranchGone, _CacheBroken):
                shutil.rmtree(clone, ignore_errors=True)  # a cache: a new clone tells what is there now
            else:
                return wanted
        making = clone.with_name(f"{clone.name}.{os.getpid()}.tmp")
        shutil.rmtree(making, ignore_errors=True)
        try:
            git.network(
                "clone", "--quiet", "--bare", "--single-branch", "--no-tags", "--filter=tree:0", "--", url, str(making)
            )
            here = f"--git-dir={making}"
            head = git.run(here, "symbolic-ref", "--short", "HEAD").strip()
            if branch and branch != head:
                with contextlib.suppress(_BranchGone):  # renamed since it was listed
                    _fetch(git, here, branch, head)
                    head = branch
            making.rename(clone)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        return head


def _fetch(git: "_Git", here: str, branch: str, head: str) -> None:
    """What is new on the branch; HEAD, which names ``head`` so far, names it then."""
    git.network(here, "fetch", "--quiet", "--no-tags", "origin", f"+refs/heads/{branch}:refs/heads/{branch}")
    if branch != head:
        git.run(here, "symbolic-ref", "HEAD", f"refs/heads/{branch}")


def sweep_clones(clones: Path) -> None:
    """Remove what killed clones left. Only under the crawl lock."""
    for leftover in clones.glob("*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)


def _pause(cancellation: Cancellation, seconds: float, repository: str) -> None:
    reporter().waiting(f"{repository}: the git server did not deliver, next try in {seconds:.1f} s")
    cancellation.wait(seconds)


class _Git:
    """Runs git for one repository, and counts its requests as git makes them: 2 to say hello, 1 to fetch."""

    def __init__(self, settings: Settings, cancellation: Cancellation, repository: str) -> None:
        self._environment = _environment(settings)
        self._cancellation = cancellation
        self._repository = repository
        self.requests = 0

    def run(self, *arguments: str) -> str:
        """Run a local command; its output. Raises _CacheBroken when it fails."""
        status, output, complaint = self._communicate(arguments)
        if status:
            raise self._translate(complaint, local=True)
        return output

    def try_run(self, *arguments: str) -> str | None:
        """Run a local command whose failure is an answer. Raises what it means when it was killed: that is none."""
        status, output, complaint = self._communicate(arguments)
        if status < 0:
            raise self._translate(complaint, local=True)
        return None if status else output.strip()

    def network(self, *arguments: str) -> None:
        """Run a command that talks to the server. Raises what its complaint means."""
        self.requests += 3
        status, _, complaint = self._communicate(arguments)
        if "filtering not recognized" in complaint:
            reporter().note(f"{self._repository}: the server cannot leave out trees and sends everything")
        if status:
            raise self._translate(complaint, local=False)

    def log(self, clone: Path, tip: str) -> Iterator[pa.RecordBatch]:
        """All commits reachable from ``tip``, newest first, as record batches of COMMIT_SCHEMA."""
        return batches(self._log(clone, tip), lambda shas: self._headers(clone, shas), self._repository)

    def _log(self, clone: Path, tip: str) -> Iterator[bytes]:
        command = [
            "git", f"--git-dir={clone}", "log", "-z", "--no-show-signature", "--encoding=UTF-8", f"--format=tformat:{LOG_FORMAT}", tip,
        ]  # fmt: skip
        with self._started(command, subprocess.DEVNULL) as process:
            assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
            while chunk := process.stdout.read(_READ_BYTES):
                yield chunk
            if process.wait():
                raise self._unlisted()

    def _headers(self, clone: Path, shas: Sequence[bytes]) -> list[bytes]:
        """The beginnings of these commits, byte by byte as they are stored."""
        with tempfile.TemporaryFile() as names:
            names.write(b"\n".join(shas) + b"\n")
            names.seek(0)
            command = ["git", f"--git-dir={clone}", "cat-file", "--batch"]
            with self._started(command, subprocess.DEVNULL, stdin=names) as process:
                assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
                return [self._header(process.stdout) for _ in shas]

    def _header(self, output: IO[bytes]) -> bytes:
        """The next commit: a line that ends with its size, its content, a line break."""
        size = output.readline().rpartition(b" ")[2]
        if not size.strip().isdigit():
            raise self._unlisted()
        header, left = output.read(min(int(size), _HEADER_BYTES)), max(int(size) - _HEADER_BYTES, 0) + 1
        while skipped := output.read(min(left, _READ_BYTES)):
            left -= len(skipped)
        return header.partition(b"\n\n")[0]

    def _unlisted(self) -> HistoryUnavailable | HistoryCorrupt:
        if self._cancellation.cancelled:
            return HistoryUnavailable(f"{self._repository}: interrupted")
        return HistoryCorrupt(
            f"{self._repository}: git could not list the commits it received: run again, it is fetched again"
        )

    def _communicate(self, arguments: tuple[str, ...]) -> tuple[int, str, str]:
        with self._started(["git", *arguments], subprocess.PIPE) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                output, complaint = process.communicate(timeout=_WALL_CLOCK_SECONDS)
                return process.returncode, output.decode("utf-8", "replace"), complaint.decode("utf-8", "replace")
        return -signal.SIGKILL, "", f"operation timed out after {_WALL_CLOCK_SECONDS:.0f} s"

    @contextlib.contextmanager
    def _started(
        self, command: list[str], stderr: int, *, stdin: int | IO[bytes] = subprocess.DEVNULL
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A running git in a process group of its own, which ends with the block or when we are cancelled."""
        process = subprocess.Popen(
            command,
            env=self._environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            process_group=0,
        )
        with process, self._cancellation.kills(process):
            if self._cancellation.cancelled:
                raise HistoryUnavailable(f"{self._repository}: interrupted")
            yield process

    def _translate(self, complaint: str, *, local: bool) -> GitContribError:
        """What git's complaint means. Its own words are looked at, never passed on whole: they hold addresses."""
        name = self._repository
        text = complaint.lower().replace(name.lower(), "")

        if self._cancellation.cancelled:
            return HistoryUnavailable(f"{name}: interrupted")
        for words, error, meaning in _COMPLAINTS:
            if any(word in text for word in words) and not (local and error is not StorageFull):
                return error(f"{name}: {meaning}")
        return _CacheBroken(f"{name}: {'the clone on disk is damaged' if local else _COMPLAINTS[1][2]}")


def _environment(settings: Settings) -> dict[str, str]:
    """Our own configuration only, no prompts, plain English complaints, the token for its host alone."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_") and name != "GITHUB_TOKEN"
    }
    options = dict(_OPTIONS)
    for variable, option in _AUTHORITIES.items():
        if os.environ.get(variable):
            options[option] = os.environ[variable]
    if settings.token:
        secret = base64.b64encode(f"x-access-token:{settings.token.get_secret_value()}".encode()).decode()
        options[f"http.{settings.server_url}/.extraHeader"] = f"Authorization: Basic {secret}"
        options["http.followRedirects"] = "false"  # git would send the header to wherever a redirect leads
    numbered: dict[str, str] = {}
    for number, (key, value) in enumerate(options.items()):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        **inherited,
        **numbered,
        "GIT_CONFIG_COUNT": str(len(options)),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
    }
