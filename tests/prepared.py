"""A process that has imported the command line once, and forks for each command: a process of its own, without the wait.

Each command still has its own process, environment, streams and end, as a shell would start it. Only the three seconds
of imports are shared. It holds no connection, no thread and no event loop when it forks.
"""

import atexit
import gc
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn

import orjson

_LENGTH = struct.Struct("!I")


def run(arguments: Sequence[str], environment: dict[str, str], *, timeout: float) -> subprocess.CompletedProcess[str]:
    """``python -m git_contrib_assets ARGUMENTS`` to its end. Raises TimeoutExpired; the command is killed then.

    With ``-c`` and a text as arguments, it is that program instead, as for ``python``.
    """
    with socket.socket(socket.AF_UNIX) as connection, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        connection.settimeout(timeout)
        connection.connect(str(_server()))
        request = orjson.dumps({"arguments": list(arguments), "environment": environment, "folder": str(Path.cwd())})
        socket.send_fds(connection, [_LENGTH.pack(len(request))], [out.fileno(), err.fileno()])
        connection.sendall(request)
        try:
            (code,) = struct.unpack("!i", _exactly(connection, 4))
        except TimeoutError as error:
            raise subprocess.TimeoutExpired(list(arguments), timeout) from error
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode().replace("\r\n", "\n"))
    return subprocess.CompletedProcess(list(arguments), code, *texts)


@cache
def _server() -> Path:
    """The address of the prepared process, started once. It ends with the process that started it."""
    folder = tempfile.mkdtemp(prefix="prepared-")
    address = Path(folder) / "socket"
    reading, writing = os.pipe()
    command = [sys.executable, __file__, str(address), str(writing)]
    process = subprocess.Popen(command, pass_fds=[writing], stdin=subprocess.PIPE)
    atexit.register(_end, process, folder)
    os.close(writing)
    with os.fdopen(reading) as ready:
        assert ready.read() == "ready"
    return address


def _end(process: subprocess.Popen[bytes], folder: str) -> None:
    """It ends when its input does."""
    process.communicate()
    shutil.rmtree(folder, ignore_errors=True)


def _exactly(connection: socket.socket, number: int) -> bytes:
    content = b""
    while len(content) < number:
        part = connection.recv(number - len(content))
        if not part:
            raise ConnectionError("the prepared process ended")
        content += part
    return content


def _serve(address: str, ready: int) -> None:
    _import_everything()
    gc.freeze()  # what was imported is never looked at again, and its memory stays shared
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for the commands
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(16)
    os.write(ready, b"ready")
    os.close(ready)
    import select

    while True:
        readable, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in readable:
            return
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _attend(connection)
        connection.close()


def _attend(connection: socket.socket) -> NoReturn:
    """Fork the command, wait for it, and send how it ended; kill it when nobody listens any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    header, streams, _, _ = socket.recv_fds(connection, _LENGTH.size, 2)
    request = orjson.loads(_exactly(connection, *_LENGTH.unpack(header)))
    command = os.fork()
    if command == 0:
        connection.close()
        _become(request, streams)
    while True:
        ended, status = os.waitpid(command, os.WNOHANG)
        if ended:
            break
        connection.settimeout(0.02)
        try:
            if connection.recv(1) == b"":
                os.kill(command, signal.SIGKILL)
        except TimeoutError:
            continue
    connection.settimeout(None)
    connection.sendall(struct.pack("!i", os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _become(request: dict[str, object], streams: list[int]) -> NoReturn:
    """Be the command."""
    code = 1
    try:
        with Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(streams[0], 1)
        os.dup2(streams[1], 2)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
        os.chdir(str(request["folder"]))
        os.environ.clear()
        os.environ.update(request["environment"])  # type: ignore[call-overload]
        random.seed()
        from git_contrib_assets.cli.main import main

        arguments = [str(one) for one in request["arguments"]]  # type: ignore[attr-defined]
        try:
            if arguments[:1] == ["-c"]:
                exec(arguments[1], {"__name__": "__main__"})  # noqa: S102 - a program of the tests
            else:
                main(arguments, prog_name="git-contrib")
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does at the top
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                code = code or 120
        os._exit(code)


def _import_everything() -> None:
    import alembic.command  # noqa: F401
    import dagster._core.storage.event_log  # noqa: F401

    import git_contrib_assets.cli.main
    import git_contrib_assets.runtime.pipeline  # noqa: F401


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
