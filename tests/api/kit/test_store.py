"""What is served when the current file cannot be read."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import httpx
import pytest
from histories import NOW, MadeHome, commit

from api.kit.settings import Settings
from api.main import create_app


@pytest.fixture
def two(made: MadeHome) -> tuple[MadeHome, str, str]:
    """A home with two snapshots: their ids, oldest first."""
    made.repository(commit(), commit("bob@example.com", "2020-07-01"))
    first = made.publish(NOW).snapshot_id
    made.repository(commit("zoe@example.com", "2020-08-01", sha="b0"), repository_id=2)
    second = made.publish(NOW.replace(hour=13)).snapshot_id
    return made, first, second


def client(made: MadeHome) -> httpx.AsyncClient:
    app = create_app(Settings(published=made.home.published, look_every_seconds=0.0))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def file_of(made: MadeHome, snapshot_id: str) -> Path:
    return made.folder_of_snapshots / f"{snapshot_id}.duckdb"


def flip(file: Path, position: float, *, in_place: bool) -> None:
    """Change one byte; of the same file, or of a copy in its place."""
    content = bytearray(file.read_bytes())
    content[int(len(content) * position)] ^= 0x40
    if in_place:
        file.chmod(0o644)
        file.write_bytes(content)
    else:
        copy = file.with_suffix(".new")
        copy.write_bytes(content)
        copy.replace(file)


@pytest.mark.parametrize("position", [0.0001, 0.2, 0.5, 0.8, 0.9999])
async def test_a_flipped_byte_makes_the_older_file_served(two: tuple[MadeHome, str, str], position: float) -> None:
    made, first, second = two
    flip(file_of(made, second), position, in_place=False)
    async with client(made) as http:
        ready = (await http.get("/readyz")).json()
        assert ready["snapshot"] == first
        assert f"Snapshot {second} is" in ready["problem"]
        assert "damaged" in ready["problem"]
        assert (await http.get("/v1/new-contributors")).json()["snapshot"] == first
        made.publish(NOW.replace(hour=14))
        ready = (await http.get("/readyz")).json()
        assert "problem" not in ready
        assert ready["snapshot"] not in {first, second}


async def test_a_file_that_is_damaged_while_it_is_served_is_given_up(two: tuple[MadeHome, str, str]) -> None:
    """The bytes are not read before they are needed: the question that comes to them is the last."""
    made, first, second = two
    async with client(made) as http:
        assert (await http.get("/readyz")).json()["snapshot"] == second
        for position in range(1, 100):
            flip(file_of(made, second), position / 100, in_place=True)
        for path in ("/v1/new-contributors.parquet", "/v1/contributors/new", "/v1/repositories.csv", "/v1/meta"):
            answer = await http.get(path)
            assert answer.status_code in {200, 503}, answer.text
            if answer.status_code == 503:
                assert f"Snapshot {second} is damaged" in answer.json()["detail"]
                break
        else:
            pytest.fail("no question came to the damaged bytes")
        assert (await http.get("/readyz")).json()["snapshot"] == first
        assert (await http.get("/v1/contributors/new")).status_code == 200


async def test_what_a_stray_program_changed_is_not_served(two: tuple[MadeHome, str, str]) -> None:
    made, first, second = two
    file_of(made, second).chmod(0o644)
    with duckdb.connect(str(file_of(made, second))) as connection:
        connection.execute("update monthly_new_contributors set number_of_new_contributors = 99")
    async with client(made) as http:
        ready = (await http.get("/readyz")).json()
        assert ready["snapshot"] == first
        assert "another program has changed it" in ready["problem"]


async def test_without_a_file_that_reads_the_reason_is_told(two: tuple[MadeHome, str, str]) -> None:
    made, first, second = two
    flip(file_of(made, second), 0.5, in_place=False)
    file_of(made, first).unlink()
    async with client(made) as http:
        answer = await http.get("/v1/new-contributors")
        assert answer.status_code == 503
        assert f"Snapshot {second} is not as it was published" in answer.json()["detail"]
        file_of(made, second).unlink()
        assert f"Snapshot {second} is missing" in (await http.get("/readyz")).json()["detail"]


@contextmanager
def opened_for_writing(files: list[Path]) -> Iterator[subprocess.Popen[str]]:
    """Another program that has these files open, until it is told something."""
    program = (
        "import duckdb, sys; held = [duckdb.connect(one) for one in sys.argv[1:]]; print('open', flush=True); input()"
    )
    for file in files:
        file.chmod(0o644)
    command = [sys.executable, "-c", program, *map(str, files)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        yield holder
        holder.communicate("\n")


async def test_a_locked_file_is_called_locked(two: tuple[MadeHome, str, str]) -> None:
    """By a program that opened it for writing."""
    made, first, second = two
    async with client(made) as http:
        with opened_for_writing([file_of(made, one) for one in (first, second)]) as holder:
            answer = await http.get("/readyz")
            assert answer.status_code == 503
            assert f"is locked: another program (PID {holder.pid}) has it open for writing" in answer.json()["detail"]
        assert (await http.get("/readyz")).status_code == 200


async def test_what_was_withdrawn_is_not_served_again(two: tuple[MadeHome, str, str]) -> None:
    """The current file is damaged, and all older ones hold a repository that went private since."""
    made, first, second = two
    made.repository(repository_id=2, never_read=True, is_private=True)
    third = made.publish(NOW.replace(hour=14)).snapshot_id
    assert not file_of(made, second).exists()
    assert file_of(made, first).exists()
    shutil.copy(file_of(made, third), made.root / "copy")
    os.truncate(made.root / "copy", 4096 * 3)
    (made.root / "copy").replace(file_of(made, third))
    async with client(made) as http:
        assert (await http.get("/readyz")).json()["snapshot"] == first
