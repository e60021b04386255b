"""Reads commits out of bare git repositories: live, lazily, and with little memory."""

import contextlib
import os
import re
import subprocess
import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

MAXIMUM_IDLE_READERS = 16
MAXIMUM_HISTORIES = 96
MAXIMUM_COMMITS = 20_000
# This many names fit into a pipe's buffer, so all can be written before the first answer is read.
NAMES_PER_WRITE = 500
LATEST_SECOND = 253_402_300_799

# GitHub has no SHA-256 repositories today. One that is put here is served with its whole ids.
OBJECT_ID = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
# What git allows in the name of a branch: no spaces, and nothing that makes a revision of it, such as `~1`.
REFERENCE_NAME = re.compile(r"(?!.*(?:\.\.|@\{|//))[^\x00-\x20\x7f~^:?*\[\\]+\Z")
SIGNATURE_TIME = re.compile(rb"> *(-?)0*(\d+)(?: +[+-]\d+)?\s*\Z")
DIGITS_OF_A_TIME = 12
# Characters that an encoding must leave as they are; the last ones are an escape in some.
ASCII = rb"Az09 .,+-_'<@>\u0041"


def git_environment(**extra: str) -> dict[str, str]:
    """The environment of every git process: no settings of this machine or user, no replaced objects, any owner."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        **extra,
    }


def run_git(repository: Path, *arguments: str, check: bool = True) -> str:
    """What a git command prints about a repository; empty if it fails and `check` is off."""
    done = subprocess.run(
        ["git", "--git-dir", str(repository), *arguments],
        env=git_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=check,
    )
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def iso_time(seconds: int) -> str:
    """A time as GitHub writes it; one outside the calendar becomes the nearest time inside it."""
    return datetime.fromtimestamp(min(max(seconds, 0), LATEST_SECOND), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Signature:
    """Who wrote or committed something, and when."""

    name: str
    email: str
    seconds: int

    @property
    def date(self) -> str:
        """The time as GitHub writes it."""
        return iso_time(self.seconds)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as git stores it."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@cache
def codec_of(declared: bytes) -> str:
    """The codec for the encoding that a commit declares: UTF-8 unless Python knows it and it leaves ASCII as it is.

    Git reads the lines of a commit as ASCII, so they cannot be in UTF-16 or EBCDIC, whatever is declared.
    """
    try:
        name = declared.decode("ascii")
        return name if ASCII.decode(name, "replace") == ASCII.decode("ascii") else "utf-8"
    except (LookupError, ValueError):
        return "utf-8"


def _seconds(line: bytes) -> int:
    time = SIGNATURE_TIME.search(line)
    if time is None or time.group(1):
        return 0
    return LATEST_SECOND if len(time.group(2)) > DIGITS_OF_A_TIME else min(int(time.group(2)), LATEST_SECOND)


def parse_signature(line: bytes, codec: str = "utf-8") -> Signature:
    """Split an author or committer line the way git does: name to the first `<`, address to the next `>`."""
    name, _, rest = line.partition(b"<")
    email, _, _ = rest.partition(b">")
    return Signature(name.strip().decode(codec, "replace"), email.strip().decode(codec, "replace"), _seconds(line))


def parse_commit(sha: str, content: bytes) -> Commit:
    """Read a commit object."""
    header, _, message = content.partition(b"\n\n")
    lines = [line.partition(b" ")[::2] for line in header.split(b"\n")]
    first = dict(reversed(lines))  # if there are two authors, git reads the first
    codec = codec_of(first.get(b"encoding", b"utf-8"))
    return Commit(
        sha,
        first.get(b"tree", b"").decode("ascii", "replace"),
        tuple(value.decode("ascii", "replace") for key, value in lines if key == b"parent"),
        parse_signature(first.get(b"author", b""), codec),
        parse_signature(first.get(b"committer", b""), codec),
        message.decode(codec, "replace").rstrip("\n"),
    )


@dataclass(frozen=True, slots=True)
class History:
    """Commits in the order of `git log`, with their committer times: 28 bytes for each."""

    packed: bytes
    seconds: "array[int]"
    width: int = 20

    def __len__(self) -> int:
        return len(self.seconds)

    def shas(self, start: int, stop: int) -> list[str]:
        """The ids from position `start` up to `stop`."""
        return [self._id(position).hex() for position in range(max(start, 0), min(stop, len(self)))]

    def _id(self, position: int) -> bytes:
        return self.packed[self.width * position : self.width * (position + 1)]

    def within(self, since: int | None, until: int | None) -> "History":
        """Those committed in a span of time, both ends included."""
        if since is None and until is None:
            return self
        low, high = since if since is not None else 0, until if until is not None else LATEST_SECOND
        kept = [position for position, second in enumerate(self.seconds) if low <= second <= high]
        seconds = array("q", [self.seconds[position] for position in kept])
        return History(b"".join(self._id(position) for position in kept), seconds, self.width)


class BatchReader:
    """One long-lived `git cat-file --batch`, which sees new objects and moved branches as they come."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self.process = subprocess.Popen(
            ["git", "--git-dir", str(repository), "cat-file", "--batch"],
            env=git_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def read(self, names: Sequence[str]) -> list[tuple[str, str, bytes] | None]:
        """For each name its id, kind and content, or None if there is no such object."""
        source, sink = self.process.stdout, self.process.stdin
        if source is None or sink is None:
            raise BrokenPipeError("git cat-file has no pipes")
        found: list[tuple[str, str, bytes] | None] = []
        for start in range(0, len(names), NAMES_PER_WRITE):
            part = names[start : start + NAMES_PER_WRITE]
            sink.write("".join(f"{name}\n" for name in part).encode())
            sink.flush()
            for _ in part:
                answer = source.readline().decode("utf-8", "replace").rstrip("\n").split(" ")
                if len(answer) != 3:
                    if answer == [""]:
                        raise BrokenPipeError(f"git cat-file ended in {self.repository}")
                    found.append(None)
                    continue
                content = source.read(int(answer[2]) + 1)[:-1]
                found.append((answer[0], answer[1], content))
        return found

    def close(self) -> None:
        """Kill the process, whatever it is doing."""
        self.process.kill()
        with contextlib.suppress(OSError):
            self.process.communicate()


class GitStore:
    """The objects of all repositories, with small caches of what never changes. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[BatchReader] = []
        self._closed = 0
        self._commits: OrderedDict[tuple[Path, str], Commit] = OrderedDict()
        self._histories: OrderedDict[tuple[Path, str], History] = OrderedDict()
        self._history_locks: dict[Path, threading.Lock] = {}

    def close(self) -> None:
        """End all git processes and forget everything: repositories may have been replaced on disk."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._closed += 1
            self._commits.clear()
            self._histories.clear()
        for reader in idle:
            reader.close()

    @contextlib.contextmanager
    def _reader(self, repository: Path) -> Iterator[BatchReader]:
        with self._lock:
            position = next((i for i, reader in enumerate(self._idle) if reader.repository == repository), None)
            reader = self._idle.pop(position) if position is not None else None
            closed = self._closed
        reader = reader or BatchReader(repository)
        try:
            yield reader
        except BaseException:
            # After an error, what git would answer next is unknown.
            reader.close()
            raise
        with self._lock:
            # After a close, the directory may hold another repository.
            surplus = reader if closed != self._closed else None
            if surplus is None:
                self._idle.append(reader)
                surplus = self._idle.pop(0) if len(self._idle) > MAXIMUM_IDLE_READERS else None
        if surplus:
            surplus.close()

    def objects(self, repository: Path, names: Sequence[str]) -> list[tuple[str, str, bytes] | None]:
        """For each name its id, kind and content, or None."""
        if not names or not repository.is_dir():
            return [None] * len(names)
        with self._reader(repository) as reader:
            return reader.read(names)

    def resolve(self, repository: Path, name: str) -> str | None:
        """The id of the commit that a branch, tag, full or abbreviated id stands for."""
        if not REFERENCE_NAME.match(name):
            return None
        tries = [f"{name}^{{commit}}"] if OBJECT_ID.match(name) else []
        tries += [f"refs/heads/{name}^{{commit}}", f"refs/tags/{name}^{{commit}}", f"{name}^{{commit}}"]
        return next((found[0] for found in self.objects(repository, tries) if found), None)

    def commit(self, repository: Path, sha: str) -> Commit | None:
        """One commit, or None if this repository has no commit with that id."""
        with self._lock:
            known = self._commits.get((repository, sha))
        if known or not OBJECT_ID.match(sha):
            return known
        (found,) = self.objects(repository, [sha])
        return self._remember(repository, found)

    def commits(self, repository: Path, shas: Sequence[str]) -> list[Commit]:
        """Several commits in the order asked for."""
        found = [self._remember(repository, item) for item in self.objects(repository, shas)]
        return [commit for commit in found if commit]

    def _remember(self, repository: Path, found: tuple[str, str, bytes] | None) -> Commit | None:
        if not found or found[1] != "commit":
            return None
        commit = parse_commit(found[0], found[2])
        with self._lock:
            self._commits[repository, commit.sha] = commit
            if len(self._commits) > MAXIMUM_COMMITS:
                self._commits.popitem(last=False)
        return commit

    def history(self, repository: Path, *revisions: str) -> History:
        """What `git log` lists for these ids. They must be full ids: answers are cached, so they must never change."""
        key = (repository, " ".join(revisions))
        with self._lock:
            guard = self._history_locks.setdefault(repository, threading.Lock())
        # One thread walks the history, the others wait for its result.
        with guard:
            with self._lock:
                known = self._histories.get(key)
                if known is not None:
                    self._histories.move_to_end(key)
                    return known
            packed, seconds, width = bytearray(), array("q"), 20
            for line in run_git(repository, "rev-list", "--timestamp", *revisions, "--").splitlines():
                second, _, sha = line.partition(" ")
                packed += bytes.fromhex(sha)
                seconds.append(min(int(second), LATEST_SECOND))
                width = len(sha) // 2
            history = History(bytes(packed), seconds, width)
            with self._lock:
                self._histories[key] = history
                if len(self._histories) > MAXIMUM_HISTORIES:
                    self._histories.popitem(last=False)
            return history

    def merge_base(self, repository: Path, one: str, other: str) -> str | None:
        """The best common ancestor of two commits."""
        return run_git(repository, "merge-base", one, other, check=False).strip() or None
