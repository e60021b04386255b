"""Runs of an installation that names a database: whatever they publish is copied, and the way into it is told nowhere."""

from pathlib import Path

from installations import OWNER, Installation
from postgresql_scene import Database, address_of

from github_stand_in.server import StandIn

TOKEN = "ghp_may_read_private_repositories"
UNREACHABLE = "postgresql://ann:open-sesame@127.0.0.1:1/stats"


def run(installation: Installation, url: str) -> tuple[int, str]:
    """In a process of its own: the prepared one has loaded the asset graph without a database."""
    process = installation.start("run", OWNER, GIT_CONTRIB_POSTGRES_URL=url)
    _, said = process.communicate(timeout=240)
    return process.returncode, said


def current(installation: Installation) -> Path:
    return (installation.home / "published" / "current.duckdb").resolve()


def test_every_run_copies_what_it_has_published(
    installation: Installation, github: StandIn, database: Database
) -> None:
    """Also where a repository failed. A database that is away costs the copy alone, and the next run makes up for it.

    A repository that turned private leaves the copy too.
    """
    github.add_token(f"{TOKEN}=reader:repo:{OWNER}")
    installation.environment["GITHUB_TOKEN"] = TOKEN
    github.fault("not_found", kind="git", path=r"^/acme/docs\.git")
    code, said = run(installation, database.url)
    assert code == 3, said
    assert f"copied to PostgreSQL at {database.place}" in said
    assert database.difference(current(installation)) == {}
    before, first = database.rows_as_written(), current(installation)

    github.clear_faults()
    code, said = run(installation, UNREACHABLE)
    assert code == 3, said
    assert "PostgreSQL at 127.0.0.1:1/stats cannot be reached" in said
    assert current(installation) != first
    assert database.rows_as_written() == before

    turned = f"{OWNER}/site"
    counts = [
        f"select count(*) from git_contrib.{table} where repository = '{turned}'"  # noqa: S608
        for table in ("repositories", "monthly_new_contributors", "first_commits")
    ]
    assert all(int(database.query(count)) for count in counts)
    github.update(turned, private=True, visibility="private")
    code, said = run(installation, database.url)
    assert code == 0, said
    assert [database.query(count) for count in counts] == ["0", "0", "0"]
    assert database.difference(current(installation)) == {}
    secrets = [*database.address.secrets, *address_of(UNREACHABLE).secrets]
    for path in installation.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert [secret for secret in secrets if secret.encode() in content] == [], path
