"""The examples of docs/first-ten-minutes.md, word for word but for the port."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "first-ten-minutes.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```(bash|python)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
COLLECTING, *USING = EXAMPLES
WRITTEN = "http://127.0.0.1:8000"


class Reader:
    """Somebody who follows the page, in a folder of his own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT", "DAGSTER"))}
        self.environment = {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"}
        self.address = WRITTEN

    def command(self, language: str, example: str) -> list[str]:
        program = ["bash", "-ec"] if language == "bash" else [sys.executable, "-c"]
        return [*program, example.replace(WRITTEN, self.address)]

    def follow(self, language: str, example: str) -> str:
        command = self.command(language, example)
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """He has collected, and serves."""
    reader = Reader(tmp_path_factory.mktemp("reader"))
    collect, serve = COLLECTING[1].strip().splitlines()
    reader.follow("bash", collect)
    command = reader.command("bash", f"exec {serve} --port 0")
    with subprocess.Popen(
        command, cwd=reader.folder, env=reader.environment, stderr=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stderr
        told = serving.stderr.readline()
        (reader.address,) = re.findall(r"http://127\.0\.0\.1:\d+", told)
        subprocess.run(
            [
                "curl",
                "-s",
                "-o",
                os.devnull,
                "--retry",
                "300",
                "--retry-connrefused",
                "--retry-delay",
                "1",
                f"{reader.address}/readyz",
            ],
            check=True,
        )
        yield reader
        serving.terminate()


def test_curl(reader: Reader) -> None:
    lines = reader.follow(*USING[0]).splitlines()
    assert lines[0].startswith("repository,date,number_of_new_contributors")
    assert [line.split(",")[1] for line in lines[1:13]] == [f"2024-{month:02}-01" for month in range(1, 13)]
    people = int(lines[1].split(",")[2])
    assert people > 0
    assert lines[13].startswith("repository,contributor,")
    assert len(lines[14:]) == people


def test_pandas(reader: Reader) -> None:
    told = reader.follow(*USING[1])
    with duckdb.connect(str(reader.folder / "data/demo/published/current.duckdb"), read_only=True) as snapshot:
        years = snapshot.execute(
            "select year(date), sum(number_of_new_contributors) from monthly_new_contributors group by all"
        ).fetchall()
    assert {(int(year), int(people)) for year, people in re.findall(r"^(\d{4})\s+(\d+)$", told, re.MULTILINE)} == set(
        years
    )


def test_duckdb_on_the_snapshot_and_on_a_file(reader: Reader) -> None:
    assert "octo-harbor/lighthouse" in reader.follow(*USING[2])
    reader.follow(*USING[3])
    assert re.search(r"│ \d{4}-\d\d-01 │ +\d+ │", reader.follow(*USING[4]))


def test_duckdb_on_an_address(reader: Reader) -> None:
    try:
        duckdb.sql("install httpfs; load httpfs")
    except duckdb.Error:
        pytest.skip("DuckDB's extension httpfs cannot be fetched here")
    assert re.search(r"│ \d{4}-\d\d-01 │ +\d+ │", reader.follow(*USING[5]))


def test_every_example_is_followed() -> None:
    assert [language for language, _ in EXAMPLES] == ["bash", "bash", "python", "python", "bash", "python", "python"]
