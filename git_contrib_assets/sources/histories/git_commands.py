"""Runs git, with our own configuration only and without prompts.

The token is in the environment of the commands that talk to the server, and of no others: never in argv or on disk. All
other commands may not talk to anybody, so that git cannot fetch what is missing behind our back.
"""

import base64
import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from pydantic import SecretStr

from git_contrib_assets.errors import GitContribError, HistoryIncomplete, HistoryUnavailable, TokenRefused
from git_contrib_assets.logs import log
from git_contrib_assets.progress import reporter
from git_contrib_assets.sources.github.authorisation import Authorisation
from git_contrib_assets.sources.histories.cancellation import Cancellation
from git_contrib_assets.sources.histories.git_complaints import requests_made, translate, translate_local

_OLDEST_GIT = (2, 31)  # the first that takes its configuration from the environment, and with it the token
_WALL_CLOCK_SECONDS = 1800.0
_READ_BYTES = 1 << 18  # the fields of a chunk are Python objects for a moment: this bounds the memory of a crawl
_HEADER_BYTES = 1 << 20
_OPTIONS = {
    "advice.graftFileDeprecated": "false",
    "core.hooksPath": "/dev/null",
    "gc.auto": "0",
    "log.mailmap": "false",
    "log.showSignature": "false",
    "maintenance.auto": "false",
    "safe.directory": "*",
}
_NETWORK_OPTIONS = {
    "clone.rejectShallow": "true",
    "credential.helper": "",
    "fetch.fsckObjects": "false",
    "http.lowSpeedLimit": "1000",
    "protocol.version": "2",
}
# Where people name the certificate authorities they trust, for our requests by httpx too.
_AUTHORITIES = {"SSL_CERT_FILE": "http.sslCAInfo", "SSL_CERT_DIR": "http.sslCAPath"}


def unusable() -> str | None:
    """Why git cannot be used here; None if it can."""
    if shutil.which("git") is None:
        return "git was not found"
    done = subprocess.run(["git", "version"], env=_environment({}), capture_output=True, text=True, check=False)
    numbers = re.search(r"(\d+)\.(\d+)", done.stdout)
    if done.returncode or not numbers:
        return "git does not work"
    if (int(numbers[1]), int(numbers[2])) < _OLDEST_GIT:
        return f"git {numbers[0]} is older than {_OLDEST_GIT[0]}.{_OLDEST_GIT[1]}"
    return None


class Git:
    """Runs git for one repository, and counts the requests that it makes.

    ``patience`` is for how many seconds the server may send less than 1,000 bytes a second.
    """

    def __init__(
        self,
        server_url: str,
        authorisation: Authorisation,
        cancellation: Cancellation,
        repository: str,
        *,
        patience: int,
        disk_full: Callable[[], bool],
    ) -> None:
        self.repository = repository
        self._server_url = server_url
        self._authorisation = authorisation
        self._cancellation = cancellation
        self._patience = patience
        self._disk_full = disk_full
        self._local = {**_environment({}), "GIT_ALLOW_PROTOCOL": ""}
        self.requests = 0

    def run(self, *arguments: str) -> str:
        """Run a local command; its output. Raises CacheBroken when it fails."""
        status, output, complaint = self._communicate(arguments, self._local)
        if status:
            raise self._broken(complaint)
        return output

    def try_run(self, *arguments: str) -> str | None:
        """Run a local command whose failure is an answer. A killed one gives no answer: raises what that means."""
        status, output, complaint = self._communicate(arguments, self._local)
        if status < 0:
            raise self._broken(complaint)
        return None if status else output.strip()

    def network(self, *arguments: str) -> str:
        """Run a command that talks to the server; its output. Raises what its complaint means.

        It runs once more where the token is refused and there is another by now.
        """
        token = self._authorisation.token()
        try:
            return self._network(arguments, token)
        except TokenRefused:
            if token is None or not self._authorisation.replaced(token):
                raise
        return self._network(arguments, self._authorisation.token())

    def _network(self, arguments: tuple[str, ...], token: SecretStr | None) -> str:
        began = time.monotonic()
        environment = _network_environment(self._server_url, token, self._patience)
        status, output, complaint = self._communicate(arguments, environment)
        command = next(word for word in arguments if not word.startswith("-"))
        requests = requests_made(command, status, complaint)
        self.requests += requests
        log().debug(
            "git",
            command=command,
            repository=self.repository,
            status=status,
            requests=requests,
            seconds=round(time.monotonic() - began, 3),
        )
        if status or "shallow roots" in complaint:  # a fetch that takes nothing of what is cut off ends well
            if self._cancellation.cancelled:
                raise self._interrupted()
            advice = self._authorisation.advice if token else None
            raise translate(complaint, self.repository, token_advice=advice, disk_full=self._disk_full)
        if "filtering not recognized" in complaint:
            reporter().note(f"{self.repository}: the server cannot leave out trees and sends everything")
        return output

    def chunks(self, *arguments: str) -> Iterator[bytes]:
        """What a local command prints, piece by piece. Raises HistoryIncomplete when it fails."""
        with self._started(arguments, self._local, stderr=subprocess.DEVNULL) as process:
            while chunk := _output(process).read(_READ_BYTES):
                yield chunk
            if process.wait():
                raise self._interrupted() if self._cancellation.cancelled else self._incomplete()

    def headers(self, clone: Path, shas: Sequence[bytes]) -> list[bytes]:
        """The beginnings of these commits, byte by byte as they are stored."""
        with tempfile.TemporaryFile() as names:
            names.write(b"\n".join(shas) + b"\n")
            names.seek(0)
            command = (f"--git-dir={clone}", "cat-file", "--batch")
            with self._started(command, self._local, stdin=names, stderr=subprocess.DEVNULL) as process:
                return [self._header(_output(process)) for _ in shas]

    def pause(self, seconds: float) -> None:
        """Wait for the next try, but not beyond the cancellation."""
        reporter().waiting(f"{self.repository}: the git server did not deliver, next try in {seconds:.1f} s")
        self._cancellation.wait(seconds)

    def _header(self, output: IO[bytes]) -> bytes:
        """The next commit: a line that ends with its size, its content, a line break."""
        size = output.readline().rpartition(b" ")[2]
        if not size.strip().isdigit():
            raise self._interrupted() if self._cancellation.cancelled else self._incomplete()
        header, left = output.read(min(int(size), _HEADER_BYTES)), max(int(size) - _HEADER_BYTES, 0) + 1
        while skipped := output.read(min(left, _READ_BYTES)):
            left -= len(skipped)
        return header.partition(b"\n\n")[0]

    def _communicate(self, arguments: tuple[str, ...], environment: dict[str, str]) -> tuple[int, str, str]:
        """Exit code, output and complaint, within a bound of time."""
        with self._started(arguments, environment) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                output, complaint = process.communicate(timeout=_WALL_CLOCK_SECONDS)
                return process.returncode, output.decode("utf-8", "replace"), complaint.decode("utf-8", "replace")
        return -signal.SIGKILL, "", f"operation timed out after {_WALL_CLOCK_SECONDS:.0f} s"

    @contextlib.contextmanager
    def _started(
        self,
        arguments: tuple[str, ...],
        environment: dict[str, str],
        *,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stderr: int = subprocess.PIPE,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A running git in a process group of its own, which ends with the block or when we are cancelled."""
        process = subprocess.Popen(
            ["git", *arguments],
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            process_group=0,
        )
        with process, self._cancellation.kills(process):
            if self._cancellation.cancelled:
                raise self._interrupted()
            yield process

    def _broken(self, complaint: str) -> GitContribError:
        if self._cancellation.cancelled:
            return self._interrupted()
        return translate_local(complaint, self.repository, disk_full=self._disk_full)

    def _incomplete(self) -> HistoryIncomplete:
        return HistoryIncomplete(
            f"{self.repository}: commits are missing or damaged in what git received: run again, all of it is read again"
        )

    def _interrupted(self) -> HistoryUnavailable:
        return HistoryUnavailable(f"{self.repository}: interrupted")


def _output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
    return process.stdout


def _network_environment(server_url: str, token: SecretStr | None, patience: int) -> dict[str, str]:
    """For a command that talks to the server: the token for its host alone."""
    options = {**_NETWORK_OPTIONS, "http.lowSpeedTime": str(patience)}
    for variable, option in _AUTHORITIES.items():
        if os.environ.get(variable):
            options[option] = os.environ[variable]
    if token:
        secret = base64.b64encode(f"x-access-token:{token.get_secret_value()}".encode()).decode()
        options[f"http.{server_url}/.extraHeader"] = f"Authorization: Basic {secret}"
        options["http.followRedirects"] = "false"  # git would send the header to wherever a redirect leads
    return _environment(options)


def _environment(options: dict[str, str]) -> dict[str, str]:
    """Nothing of the user's configuration or secrets, no prompts, plain English complaints, commits as they are."""
    ours = ("GIT_", "GITHUB_", "GH_", "PGPASSWORD")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    numbered: dict[str, str] = {}
    for number, (key, value) in enumerate({**_OPTIONS, **options}.items()):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        **inherited,
        **numbered,
        "GIT_CONFIG_COUNT": str(len(numbered) // 2),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
    }
