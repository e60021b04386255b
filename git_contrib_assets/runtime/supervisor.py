"""Everything on one home: Dagster's UI and daemon, the code they share, and the API, as processes that end together."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, TypeVar

from git_contrib_assets.errors import GitContribError, LockBusy, UsageError
from git_contrib_assets.runtime.child import kill_session, signal_group
from git_contrib_assets.runtime.ports import free_ports, ui_hosts, web_address
from git_contrib_assets.settings import OUR_API, Settings, current
from git_contrib_assets.storage.files import storage_errors
from git_contrib_assets.storage.home import Home, prepare_instance
from git_contrib_assets.storage.locks import try_flock

SCHEDULE = "collect_every_day"
LOCATION = "git_contrib"
REPOSITORY = "__repository__"  # what Dagster calls the definitions of a location
_MODULE = "git_contrib_assets.definitions"
_START_SECONDS = (
    600.0  # a crash is noticed at once; this timeout is for a program that hangs, and a slow machine may take minutes
)
_STOP_SECONDS = 8.0
_STOP_RUNS_SECONDS = 60.0  # until they have written how they ended; who cannot wait presses Ctrl-C again
_ANSWER_SECONDS = 10.0
_POLL_SECONDS = 0.1
_LOOK_SECONDS = 0.5
_LOG_BYTES = 10 * 1024 * 1024
_TAIL_LINES = 12
_NOISE = re.compile(r"^nanobind: |^ - (leaked |\.\.\. skipped)")  # of DuckDB's binding, when a process ends in haste
_SCRATCH = "git-contrib-"
_LONGEST_SCRATCH = 70  # the path of a socket may have a hundred letters
_LOADED = """query Loaded($schedule: ScheduleSelector!) {
  workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
    __typename ... on PythonError { message } } } } }
  scheduleOrError(scheduleSelector: $schedule) { ... on Schedule {
    scheduleState { status } futureTicks(limit: 1) { results { timestamp } } } }
}"""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Addresses:
    """Where people reach what runs."""

    ui: str
    api: str


@dataclass
class _Program:
    """A program of ours: a Python module in a process and session of its own."""

    name: str
    arguments: Sequence[str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self, lifeline: int, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it; it ends when the other end of the pipe ``lifeline`` is closed."""
        with storage_errors(self.log):
            self.log.parent.mkdir(exist_ok=True)
            with self.log.open("wb"):  # emptied: it tells of this start only
                log_descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND)
        try:
            self.process = subprocess.Popen(
                # -P: what lies in the current folder must not be taken for a package.
                [sys.executable, "-P", "-m", "git_contrib_assets.runtime.child", str(lifeline), *self.arguments],
                cwd=folder,
                # Dagster may still find what it noted before its telemetry was switched off. This keeps it from sending it.
                env=dict(environment, DAGSTER_DISABLE_TELEMETRY="yes"),
                stdin=subprocess.DEVNULL,
                stdout=log_descriptor,
                stderr=log_descriptor,
                pass_fds=[lifeline],
                start_new_session=True,  # Ctrl-C reaches us alone
            )
        finally:
            os.close(log_descriptor)

    @property
    def ended(self) -> bool:
        """Whether it is not there any more."""
        return self.process is not None and self.process.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        """Signal it and its children."""
        if self.process is not None:
            signal_group(self.process.pid, number)

    def kill(self) -> None:
        """End whatever is left of it."""
        if self.process is not None:
            kill_session(self.process.pid)
            self.process.wait()

    def keep_log_small(self) -> None:
        """Start the log again when it has grown large; the part before is kept beside it."""
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > _LOG_BYTES:
                shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
                os.truncate(self.log, 0)

    def last_lines(self) -> str:
        """The end of its log."""
        with contextlib.suppress(OSError):
            lines = self.log.read_text("utf-8", "replace").splitlines()
            return "\n".join([line for line in lines if not _NOISE.search(line)][-_TAIL_LINES:])
        return ""


class _Stop:
    """Whether we were asked to end, and how often."""

    def __init__(self) -> None:
        self.times = 0
        self._asked = threading.Event()

    def __call__(self, _number: int, _frame: object) -> None:
        self.times += 1
        self._asked.set()

    def wait(self, seconds: float) -> bool:
        """Sleep, but not beyond being asked; whether we were."""
        return self._asked.wait(seconds)


def run(home: Home, *, host: str, port: int, ui_port: int, print_line: Callable[[str], None]) -> None:
    """Run everything until a signal asks to end, then end everything.

    Raises PortTaken, LockBusy, or GitContribError when a program ended by itself.
    """
    stop = _Stop()
    with _signals_go_to(stop):
        if port == ui_port != 0:
            raise UsageError(f"--port and --ui-port are both {port}: give them two ports")
        ui_hosts()  # a mistake in the setting is said here, and not in the log of the UI
        dagster_home = prepare_instance(home)
        with _only_one(home) as lock, _scratch_folder() as scratch:
            ports = free_ports(host, {"--ui-port": ui_port, "--port": port})
            addresses = Addresses(ui=web_address(host, ports["--ui-port"]), api=web_address(host, ports["--port"]))
            _write_holder(lock, addresses, scratch)
            settings = current().model_copy(update={"home": home.root, "dagster_home": dagster_home})
            if settings.our_api == OUR_API:
                settings = settings.model_copy(update={"our_api": addresses.api})
            programs = _programs(home, host, ports, scratch)
            _supervise(programs, home, addresses, scratch / "code", settings, stop, print_line)


def _environment(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """What every program finds in its environment. The token of the API is left out, for only the API is asked with it.

    Whether there is a database to copy to, the settings say: those of the demo have none.
    """
    left_out = {"GIT_CONTRIB_API_TOKEN", "GIT_CONTRIB_POSTGRES_URL"}
    others = {name: value for name, value in inherited.items() if name not in left_out}
    return {**others, **settings.environment()}


def _programs(home: Home, host: str, ports: Mapping[str, int], scratch: Path) -> list[_Program]:
    """The code first, which the UI and the daemon share; without them it costs half the memory of ``dagster dev``."""
    code, workspace = scratch / "code", scratch / "workspace.yaml"
    location = {"grpc_server": {"socket": str(code), "location_name": LOCATION}}
    workspace.write_text(json.dumps({"load_from": [location]}))  # JSON is YAML
    at_port, at_ui_port = (["--host", host, "--port", str(ports[option])] for option in ("--port", "--ui-port"))
    load = ["--socket", str(code), "--module-name", _MODULE, "--location-name", LOCATION]
    here, where = "git_contrib_assets.runtime", ["--workspace", str(workspace)]
    commands = {
        "code": [f"{here}.code_server", "api", "grpc", *load, "--log-level", "warning"],
        "api": ["git_contrib_assets", "serve", *at_port],
        "ui": [f"{here}.guarded_webserver", *where, *at_ui_port, "--dagster-log-level", "warning"],
        "daemon": [f"{here}.daemon", "run", *where],
    }
    return [_Program(name, command, home.logs / f"{name}.log") for name, command in commands.items()]


def _supervise(
    programs: Sequence[_Program],
    home: Home,
    addresses: Addresses,
    code_socket: Path,
    settings: Settings,
    stop: _Stop,
    print_line: Callable[[str], None],
) -> None:
    code, api, ui, daemon = programs
    environment = _environment(settings, os.environ)
    ours, theirs = os.pipe()  # nobody else holds the writing end: it closes when we end, however that is
    try:
        code.start(ours, home.dagster, environment)
        api.start(ours, home.dagster, {**environment, **settings.api_environment()})
        if not _until(lambda: _listens(code_socket), programs, stop):
            return
        ui.start(ours, home.dagster, environment)
        daemon.start(ours, home.dagster, environment)
        ready: list[Callable[[], str | None]] = [
            lambda: f"UI on {addresses.ui}" if _get(addresses.ui, "/server_info") else None,
            lambda: f"API on {addresses.api}/docs" if _get(addresses.api, "/healthz") else None,
            lambda: f"Page on {addresses.api}/",
            lambda: _about_the_schedule(addresses.ui),
        ]
        for tell in ready:
            line = _until(tell, programs, stop)
            if not line:
                return
            print_line(line)
        print_line("Ctrl-C stops everything")
        while not stop.wait(_LOOK_SECONDS):
            _look_after(programs)
    finally:
        _end(programs, stop)
        os.close(theirs)
        os.close(ours)


def _until(look: Callable[[], Found], programs: Sequence[_Program], stop: _Stop) -> Found | None:
    """What is found, once it is something, as long as all programs live; None when we were asked to end.

    Raises GitContribError when it does not come to that.
    """
    deadline = time.monotonic() + _START_SECONDS
    while not (found := look()):
        _look_after(programs)
        if time.monotonic() > deadline:
            raise GitContribError(
                f"Not everything answered within {_START_SECONDS:.0f} s: see {programs[0].log.parent}"
            )
        if stop.wait(_POLL_SECONDS):
            return None
    return found


def _look_after(programs: Sequence[_Program]) -> None:
    for program in programs:
        if program.ended:
            code = program.process.returncode if program.process else 0
            raise GitContribError(
                f"The program '{program.name}' ended by itself (code {code}), so everything was stopped. "
                f"The end of {program.log}:\n{program.last_lines()}"
            )
        program.keep_log_small()


def _end(programs: Sequence[_Program], stop: _Stop) -> None:
    """End all: first what starts runs and what answers, then the code with its runs; at once when asked twice."""
    code, *others = programs
    for group, seconds in ((others, _STOP_SECONDS), ([code], _STOP_RUNS_SECONDS)):
        for program in group:
            program.signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while not all(program.ended or program.process is None for program in group):
            if time.monotonic() > deadline or stop.times > 1:
                break
            time.sleep(_POLL_SECONDS)
        for program in group:
            program.kill()


@contextlib.contextmanager
def _signals_go_to(stop: _Stop) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# One per home


@contextlib.contextmanager
def _only_one(home: Home) -> Iterator[IO[bytes]]:
    path = home.locks / "up.lock"
    with storage_errors(path):
        handle = path.open("a+b")
    with handle:
        if not try_flock(handle):
            holder = _read_holder(handle)
            process, ui = holder.get("process", "?"), holder.get("ui", "an address not known yet")
            raise LockBusy(
                f"Everything already runs on {home.root} (process {process}, UI on {ui}): stop that first, or use another "
                "--home"
            )
        left = _read_holder(handle).get("scratch")  # of one that was killed
        if left and Path(left).parent == Path(_scratch_parent()) and Path(left).name.startswith(_SCRATCH):
            shutil.rmtree(left, ignore_errors=True)
        try:
            yield handle
        finally:
            handle.truncate(0)


def _read_holder(handle: IO[bytes]) -> dict[str, Any]:
    handle.seek(0)
    with contextlib.suppress(ValueError):
        held = json.loads(handle.read())
        return held if isinstance(held, dict) else {}
    return {}


def _write_holder(handle: IO[bytes], addresses: Addresses, scratch: Path) -> None:
    handle.truncate(0)
    held = {"process": os.getpid(), "ui": addresses.ui, "api": addresses.api, "scratch": str(scratch)}
    handle.write(json.dumps(held).encode())
    handle.flush()


@contextlib.contextmanager
def _scratch_folder() -> Iterator[Path]:
    """A folder with a short, plain name. The path of a socket must be short, and that of a home may be long."""
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=_scratch_parent(), ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _scratch_parent() -> str:
    usual = tempfile.gettempdir()
    return "/tmp" if len(usual) > _LONGEST_SCRATCH or set(usual) & set("%?#") else usual  # noqa: S108


# Ports and answers


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
        client.connect(str(path))
        return True
    return False


def _get(address: str, path: str) -> bool:
    """Whether a GET is answered well."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return _ask(address, "GET", path)[0] == 200
    return False


def _ask(
    address: str, method: str, path: str, body: bytes | None = None, timeout: float = _ANSWER_SECONDS
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()


def _about_the_schedule(ui: str, timeout: float = _ANSWER_SECONDS) -> str | None:
    """What the UI says of the daily schedule; None where it does not answer yet, as its first answer takes long.

    Raises GitContribError when it could not load the assets.
    """
    selector = {
        "repositoryName": REPOSITORY,
        "repositoryLocationName": LOCATION,
        "scheduleName": SCHEDULE,
    }
    body = json.dumps({"query": _LOADED, "variables": {"schedule": selector}}).encode()
    try:
        answer = _ask(ui, "POST", "/graphql", body, timeout)[1]
    except (OSError, http.client.HTTPException):
        return None
    try:
        found = json.loads(answer)["data"]
        for entry in found["workspaceOrError"]["locationEntries"]:
            if "message" in entry["locationOrLoadError"]:
                raise GitContribError(f"Dagster cannot load the assets: {entry['locationOrLoadError']['message']}")
        schedule = found["scheduleOrError"]
        if schedule["scheduleState"]["status"] != "RUNNING":
            return f"Daily schedule is off: switch {SCHEDULE} on in the UI, under Automation"
        following = datetime.fromtimestamp(schedule["futureTicks"]["results"][0]["timestamp"], UTC)
    except (ValueError, KeyError, TypeError, IndexError):
        return "Daily schedule: see the UI, under Automation"
    return f"Daily schedule is on, next at {following:%Y-%m-%d %H:%M} UTC"
