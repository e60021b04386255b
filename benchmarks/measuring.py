"""What all benchmarks share: commands with their cost, the machine they ran on, figures as a table."""

import contextlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("git-contrib", "dagster", "duckdb", "pyarrow", "httpx", "fastapi", "uvicorn")


@dataclass(frozen=True)
class Cost:
    """What a command took. CPU is that of the process and of all it waited for; the peak is the largest process's."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str

    @property
    def peak(self) -> str:
        """The largest resident set, in words."""
        return f"{self.peak_bytes / 1e6:,.0f} MB"


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, *, check: bool = True) -> Cost:
    """Run a command to its end. Raises CalledProcessError when it fails and that is not expected."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=dict(environment or os.environ), stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    if check and process.returncode:
        print(text, file=sys.stderr)
        raise subprocess.CalledProcessError(process.returncode, command, text)
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(seconds, usage.ru_utime + usage.ru_stime, peak, text)


def best(measure: Callable[[], Cost], times: int) -> Cost:
    """The run of several that took the least time: what else the machine does only ever adds."""
    return min((measure() for _ in range(times)), key=lambda cost: cost.seconds)


def git_contrib(
    home: Path, addresses: Mapping[str, str], *arguments: str, token: str | None = None, **more: str
) -> Cost:
    """Run the command line on a home of its own, against a stand-in."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("GIT_CONTRIB_", "GITHUB_", "DAGSTER_"))
    }
    environment = {**kept, **addresses, **more, **({"GITHUB_TOKEN": token} if token else {})}
    command = [sys.executable, "-m", "git_contrib_assets", "--home", str(home), *arguments]
    return run(command, environment)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one benchmark, gone after it."""
    with tempfile.TemporaryDirectory(prefix="git-contrib-benchmark-") as folder:
        yield Path(folder)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print figures as a Markdown table."""
    print(f"| {' | '.join(header)} |\n|{' --- |' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(_written(value) for value in row)} |")
    print()


def _written(value: object) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def machine() -> str:
    """Where and with what this was measured, in two lines."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout.split()[-1:]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, {platform.system()}.\n"
        f"Python {platform.python_version()}, git {''.join(git)}, {versions}."
    )


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
