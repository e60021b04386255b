"""What the supervisor makes of its programs' logs, and where it puts their socket."""

import tempfile
from pathlib import Path

import pytest

from git_contrib_assets import supervisor


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
