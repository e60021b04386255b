"""What the supervisor makes of its programs' logs, where it puts their socket, and how it waits."""

import json
import os
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from git_contrib_assets.runtime import supervisor
from git_contrib_assets.settings import Settings

SCHEDULE = {
    "workspaceOrError": {"locationEntries": []},
    "scheduleOrError": {
        "scheduleState": {"status": "RUNNING"},
        "futureTicks": {"results": [{"timestamp": 1_893_467_820}]},
    },
}


def test_the_end_of_a_log_without_the_bindings_leak_report(tmp_path: Path) -> None:
    log = tmp_path / "code.log"
    log.write_text(
        "starting\nValueError: Path name should not have more than 107 characters\n"
        "nanobind: leaked 84 functions!\n"
        + ' - leaked function "execute"\n' * 20
        + " - ... skipped remainder\nnanobind: this is likely caused by a reference counting issue in the binding code.\n"
    )
    program = supervisor._Program("code", [], log)
    assert program.last_lines() == "starting\nValueError: Path name should not have more than 107 characters"


@pytest.mark.parametrize(
    ("usual", "parent"), [("/var/tmp", "/var/tmp"), ("/long" * 20, "/tmp"), ("/a%41", "/tmp"), ("/what?", "/tmp")]
)
def test_the_socket_lies_where_its_path_is_short_and_plain(
    monkeypatch: pytest.MonkeyPatch, usual: str, parent: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", usual)
    assert supervisor._scratch_parent() == parent


def test_a_first_answer_that_comes_too_late_is_asked_for_again() -> None:
    slow = threading.Event()
    asked = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            if len(asked) == 1:
                slow.wait(60)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": SCHEDULE}).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ui = f"http://127.0.0.1:{server.server_port}"
        line = supervisor._until(lambda: supervisor._about_the_schedule(ui, timeout=1.0), [], supervisor._Stop())
        slow.set()
        server.shutdown()
    assert line == "Daily schedule is on, next at 2030-01-01 03:17 UTC"
    assert asked[:2] == ["/graphql"] * 2


def test_only_the_api_is_given_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the UI, the daemon and the code, whatever our own environment holds."""
    monkeypatch.setenv("GIT_CONTRIB_API_TOKEN", "x" * 40)
    settings = Settings.from_environment()
    environment = supervisor._environment(settings, os.environ)
    assert "x" * 40 not in environment.values()
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["GIT_CONTRIB_HOME"] == str(settings.home)
