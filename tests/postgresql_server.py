"""A PostgreSQL server of one's own: Debian's programs in a folder that is gone afterwards. Standard library only."""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

ADMINISTRATOR = "postgres"
PASSWORD = "of/the:administrator@tests"
"""With all that must be written otherwise in a URL."""
_START_SECONDS = 120.0
_numbers = itertools.count(1)


def programs() -> Path | None:
    """The folder of the newest server's programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def why_not() -> str | None:
    """Why no server can be started here; None if one can."""
    if programs() is None:
        return "there is no PostgreSQL on this machine: install Debian's package postgresql"
    if shutil.which("setpriv") is None:
        return "there is no setpriv on this machine, which ends the server with the tests"
    if os.getuid() == 0 and _server_user() is None:
        return "PostgreSQL does not run as root, and there is no user postgres"
    return None


@dataclass(frozen=True)
class Server:
    """A running server that wants passwords, on a port of loopback and on a socket in ``folder``."""

    folder: Path
    port: int

    def url(self, database: str, user: str = ADMINISTRATOR, password: str | None = PASSWORD) -> str:
        """A database's URL, by default the administrator's."""
        who = user if password is None else f"{user}:{quote(password, safe='')}"
        return f"postgresql://{who}@127.0.0.1:{self.port}/{database}"

    def query(self, statement: str, database: str = "postgres") -> str:
        """What psql prints for a statement of the administrator's: rows in lines, values between |."""
        command = [
            "psql",
            "-XAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            ADMINISTRATOR,
        ]
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        done = subprocess.run(
            [*command, database, "-c", statement], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @contextlib.contextmanager
    def database(self, options: str = "") -> Iterator[str]:
        """The name of a new database, dropped afterwards whoever is in it."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self.query(f"create database {name} {options}")
        try:
            yield name
        finally:
            self.query(f"drop database {name} with (force)")


@contextlib.contextmanager
def running(*, durable: bool = False) -> Iterator[Server]:
    """A server, started and stopped. Unless ``durable`` it does not wait for the disk."""
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        with _process(folder, durable=durable) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _process(folder: Path, *, durable: bool) -> Iterator[Server]:
    found, data, password = programs(), folder / "data", folder / "password"
    assert found is not None
    password.write_text(PASSWORD)
    as_server = ["setpriv", "--pdeathsig", "INT"]  # it ends with us, however we end
    if user := _server_user() if os.getuid() == 0 else None:
        as_server += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        for path in (folder, password):
            os.chown(path, user.pw_uid, user.pw_gid)
    initdb = [str(found / "initdb"), "-D", str(data), "-U", ADMINISTRATOR, "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(
        [*as_server, *initdb, "--auth=scram-sha-256", f"--pwfile={password}"], check=True, capture_output=True
    )
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(_free_port()),
        "unix_socket_directories": str(folder),
        # nothing but the tests writes: what they count is theirs
        "autovacuum": "off",
        **({} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*as_server, str(found / "postgres"), "-D", str(data), *options], stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while "ready to accept connections" not in log.read_text("utf-8", "replace"):
            assert process.poll() is None, log.read_text("utf-8", "replace")
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.02)
        yield Server(folder, int(settings["port"]))
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        process.wait()


def _server_user() -> pwd.struct_passwd | None:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres")
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
