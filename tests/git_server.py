"""Bare repositories, and git's own HTTP server before them, with switches for everything that goes wrong on the way."""

import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}
DAY = 86_400
FIRST_DAY = 1_600_000_000


def git(folder: Path, *arguments: str, given: bytes = b"") -> str:
    """Run git in a bare repository; its output."""
    command = ["git", f"--git-dir={folder}", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, env=ENVIRONMENT, check=True)
    return done.stdout.decode().strip()


@dataclass
class Upstream:
    """A repository as its owners see it."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, branch: str = "main") -> "Upstream":
        """An empty one."""
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}")
        with (folder / "config").open("a") as file:
            file.write("[uploadpack]\nallowFilter = true\nallowAnySHA1InWant = true\n[http]\nuploadpack = true\n")
        return cls(folder)

    def push(self, *authors: bytes, branch: str = "main", onto: str | None = None, first_day: int = FIRST_DAY) -> str:
        """Add a commit with a file for each author (``b"Ann <ann@x> 1600000000 +0000"``, or ``b"Ann <ann@x>"``); the new tip.

        ``onto`` is the commit to begin from: else the branch's tip, and nothing where that is not there. "" is nothing.
        """
        start = self.tip(branch) if onto is None else onto
        stream = [b"feature done\n"]
        for number, author in enumerate(authors):
            moment = first_day + number * DAY
            written = author if author.rstrip()[-5:-4] in (b"+", b"-") else author + b" %d +0000" % moment
            text = b"commit %d\n" % number
            stream.append(b"commit refs/heads/%s\n" % branch.encode())
            stream.append(b"author %s\ncommitter Web <web@x> %d +0000\n" % (written, moment))
            stream.append(b"data %d\n%s" % (len(text), text))
            if number == 0 and start:
                stream.append(b"from %s\n" % start.encode())
            stream.append(b"M 100644 inline file\ndata 3\n%03d\n" % (number % 1000))
        if onto is not None and self.tip(branch):
            git(self.folder, "update-ref", "-d", f"refs/heads/{branch}")
        git(self.folder, "fast-import", "--quiet", "--force", given=b"".join(stream) + b"done\n")
        return self.tip(branch) or ""

    def push_raw(self, *headers: bytes, branch: str = "main") -> str:
        """Put a commit object on the tip exactly as told, sense or no sense; the new tip."""
        tree = git(self.folder, "hash-object", "-t", "tree", "-w", "--stdin")
        parent = self.tip(branch)
        lines = [b"tree " + tree.encode(), *([b"parent " + parent.encode()] if parent else []), *headers]
        content = b"\n".join(lines) + b"\n\nraw\n"
        tip = git(self.folder, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=content)
        git(self.folder, "update-ref", f"refs/heads/{branch}", tip)
        return tip

    def merge(self, other: str, author: bytes = b"Merger <merger@x>", branch: str = "main") -> str:
        """A commit with two parents."""
        return self.push_raw(b"parent " + other.encode(), author_line(author), committer_line(), branch=branch)

    def tip(self, branch: str = "main") -> str | None:
        """The branch's tip."""
        try:
            return git(self.folder, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}")
        except subprocess.CalledProcessError:
            return None

    def make_default(self, branch: str) -> None:
        """Another branch is the default one."""
        git(self.folder, "symbolic-ref", "HEAD", f"refs/heads/{branch}")

    def delete(self, branch: str) -> None:
        """A branch goes."""
        git(self.folder, "update-ref", "-d", f"refs/heads/{branch}")

    def shas(self, tip: str = "HEAD") -> list[str]:
        """All commits reachable from there, as git itself counts them."""
        return git(self.folder, "rev-list", tip).split()


def author_line(author: bytes, moment: int = FIRST_DAY) -> bytes:
    """As it stands in a commit."""
    return b"author %s %d +0000" % (author, moment)


def committer_line(moment: int = FIRST_DAY) -> bytes:
    """As it stands in a commit."""
    return b"committer Web <web@x> %d +0000" % moment


@dataclass
class Fault:
    """What goes wrong: a status in place of the answer, or a spoilt answer.

    ``times`` None is for ever; the first ``after`` requests are answered well.
    """

    status: int = 0
    text: str = ""
    location: str = ""
    kind: str = "text/plain"
    spoil: str = ""
    stall: bool = False
    drip: bool = False
    times: int | None = None
    after: int = 0


@dataclass
class Seen:
    """A request as it came."""

    method: str
    path: str
    authorization: str | None


@dataclass
class GitServer:
    """Serves ``root/owner/name.git`` and remembers what was asked."""

    root: Path
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    faults: dict[str, Fault] = field(default_factory=dict)
    stalled: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    filters: bool = True
    leaves_out: str = ""

    def create(self, name: str, *authors: bytes, branch: str = "main") -> Upstream:
        """A repository with a commit for each author."""
        made = Upstream.create(self.root / f"{name}.git", branch)
        if authors:
            made.push(*authors, branch=branch)
        return made

    def requests(self, name: str) -> int:
        """How many came for one repository."""
        return sum(one.path.startswith(f"/{name}.git/") for one in self.seen)

    def take_fault(self, name: str) -> Fault | None:
        """The fault for this request, if there is one left."""
        fault = self.faults.get(name)
        if fault is None or fault.times == 0:
            return None
        if fault.after:
            fault.after -= 1
            return None
        if fault.times is not None:
            fault.times -= 1
        return fault


@contextmanager
def serving(root: Path, tls: ssl.SSLContext | None = None) -> Iterator[GitServer]:
    """A server on a port of its own, for the length of the block; with ``tls`` it speaks HTTPS."""
    state = GitServer(root)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the base class
            pass

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            if self.headers.get("transfer-encoding") == "chunked":
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                body = b"".join(parts)
            else:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
            self._answer(body)

        def _answer(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            name = path.lstrip("/").partition(".git/")[0]
            state.seen.append(Seen(self.command, path, self.headers.get("authorization")))
            fault = state.take_fault(name)
            if fault and fault.stall:
                state.stalled.set()
                state.released.wait(600)
                return
            if fault and fault.drip:
                self._drip()
                return
            if fault and fault.status:
                self._reply(fault.status, fault.kind, fault.text.encode(), fault.location)
                return
            status, kind, content = self._backend(path, query, body)
            if state.leaves_out and b"command=fetch" in body:
                content = commits_without(state.root / f"{name}.git", state.leaves_out)
            if fault and fault.spoil and b"packfile" in content[:200]:
                content = spoilt(content, fault.spoil)
            self._reply(status, kind, content)

        def _drip(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
            self.end_headers()
            while not state.released.wait(0.1):
                self.wfile.write(b"0")

        def _backend(self, path: str, query: str, body: bytes) -> tuple[int, str, bytes]:
            environment = {
                **ENVIRONMENT,
                "GIT_PROJECT_ROOT": str(state.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("content-type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
                "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
                "REMOTE_ADDR": "127.0.0.1",
            }
            if not state.filters:
                environment |= {
                    "GIT_CONFIG_COUNT": "2",
                    "GIT_CONFIG_KEY_1": "uploadpack.allowFilter",
                    "GIT_CONFIG_VALUE_1": "false",
                }
            done = subprocess.run(
                ["git", "http-backend"], input=body, capture_output=True, env=environment, check=False
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
            return int(lines.get("Status", "200").split()[0]), lines.get("Content-Type", "text/plain"), content

        def _reply(self, status: int, kind: str, content: bytes, location: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            if location:
                self.send_header("Location", location + self.path)
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that was killed hangs up
        state.url = f"http://127.0.0.1:{server.server_port}"
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
            state.url = f"https://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.released.set()
            server.shutdown()
            thread.join()


def commits_without(folder: Path, left_out: str) -> bytes:
    """The answer to a fetch, with all commits but one."""
    names = [sha for sha in git(folder, "rev-list", "--all").split() if sha != left_out]
    command = ["git", f"--git-dir={folder}", "pack-objects", "--quiet", "--stdout"]
    done = subprocess.run(command, input="\n".join(names).encode(), capture_output=True, env=ENVIRONMENT, check=True)
    return b"000dpackfile\n%04x\x01%s0000" % (len(done.stdout) + 5, done.stdout)


def spoilt(content: bytes, how: str) -> bytes:
    """A pack that is not what was sent."""
    middle = content.index(b"PACK") + 12 + (len(content) - content.index(b"PACK")) // 2
    match how:
        case "flipped":
            return (
                content[:middle] + bytes(byte ^ 0xFF for byte in content[middle : middle + 8]) + content[middle + 8 :]
            )
        case "truncated":
            return content[:middle]
        case "garbage":
            return b"\x00\xff garbage" * 50
        case "nothing":
            return b""
    raise ValueError(how)
