"""The bundled organisation is always the same, and has what makes real ones difficult."""

import json
import subprocess
import sys
from pathlib import Path

from github_stand_in import organisation
from github_stand_in.git_objects import run_git
from github_stand_in.organisation import OWNER, PLANS


def tips(root: Path) -> dict[str, str]:
    return {plan.name: run_git(root / OWNER / f"{plan.name}.git", "rev-parse", "main", check=False) for plan in PLANS}


def authors(root: Path, name: str) -> list[list[str]]:
    text = run_git(root / OWNER / f"{name}.git", "log", "--format=%an%x00%ae%x00%at%x00%ct", "main")
    return [line.split("\0") for line in text.splitlines()]


def test_two_builds_are_equal(bundled: Path, tmp_path: Path) -> None:
    again = organisation.build(tmp_path)
    assert tips(again) == tips(bundled)
    for name in ("repositories.json", "accounts.json", "aliases.json", "owners.json"):
        assert (again / name).read_text() == (bundled / name).read_text()


def test_a_complete_build_is_used_again_and_an_interrupted_one_is_not(tmp_path: Path) -> None:
    organisation.build(tmp_path)
    trace = tmp_path / OWNER / "trace"
    trace.touch()
    organisation.build(tmp_path)
    assert trace.exists()
    (tmp_path / organisation.MARKER).unlink()
    organisation.build(tmp_path)
    assert not trace.exists()


def test_two_at_once_build_one(bundled: Path, tmp_path: Path) -> None:
    build = "import sys; from github_stand_in import organisation; organisation.build(sys.argv[1])"
    both = [subprocess.Popen([sys.executable, "-c", build, str(tmp_path)]) for _ in range(2)]
    assert [process.wait(timeout=600) for process in both] == [0, 0]
    assert tips(tmp_path) == tips(bundled)


def test_has_what_makes_real_organisations_difficult(bundled: Path) -> None:
    listing = {fields["name"]: fields for fields in json.loads((bundled / "repositories.json").read_text())}
    accounts = json.loads((bundled / "accounts.json").read_text())
    everyone = [entry for name in listing if name != "new-pier" for entry in authors(bundled, name)]
    emails = [entry[1] for entry in everyone]
    assert 10_000 <= len(everyone) <= 20_000
    assert "" in emails
    assert any(email and "@" not in email for email in emails)
    assert any(email.endswith("[bot]@users.noreply.github.com") for email in emails)
    assert any(email.endswith("@users.noreply.github.com") and "+" not in email for email in emails)
    assert any(email and email.lower() not in accounts for email in emails)
    assert any(account == {} for account in accounts.values())
    assert any(account.get("type") == "Bot" for account in accounts.values())
    assert sum(entry[2] != entry[3] for entry in everyone) > 100
    assert listing["anchor-kit"]["archived"]
    assert listing["rope-walk-fork"]["fork"]
    charts = bundled / OWNER / "harbor-charts.git"
    assert int(run_git(charts, "rev-list", "--count", "--max-parents=0", "main")) == 3
    assert int(run_git(charts, "rev-list", "--count", "--merges", "main")) > 20
    first = run_git(bundled / OWNER / "breakwater.git", "log", "--reverse", "--format=%cs", "main").split()[0]
    assert first < listing["breakwater"]["created_at"]
    for name, fields in listing.items():
        dates = run_git(bundled / OWNER / f"{name}.git", "log", "--format=%cI", "main", check=False).split()
        assert fields["pushed_at"] < "2026-03-01"
        assert not dates or max(dates)[:19] == fields["pushed_at"][:19]
