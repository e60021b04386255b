"""``git-contrib catalogue``: repositories and owners, private ones too, in few requests, and told only to whom they belong."""

import csv
import json
import os
from collections.abc import Iterator
from io import StringIO
from math import ceil
from pathlib import Path
from typing import Any
from zlib import crc32

import duckdb
import pytest
from installations import Installation, commits

from git_contrib_assets.serving.contract.catalogue import CSV_COLUMNS, PRIVATE_PUBLICATION, PUBLICATION
from git_contrib_assets.serving.publish import current_file
from git_contrib_assets.storage.home import Home
from github_stand_in.changes import create, push, rename, update
from github_stand_in.server import StandIn, running
from github_stand_in.world import TokenHolder

ZOE = TokenHolder("ghp_token_of_zoe", "zoe", crc32(b"zoe") >> 1, ("repo", "user:email", "read:org"), ("acme",))
REPOSITORIES, OWNERS = 1000, 300
SECRETS = ("secret", "inner", "own", "hi@acme.invalid", "zoe@public.invalid")


@pytest.fixture
def github(tmp_path: Path) -> Iterator[StandIn]:
    """An organisation with public, private and internal repositories, and a member of it with two."""
    root = tmp_path / "github"
    for name in ("tools", "docs"):
        create(root, f"acme/{name}", stargazers_count=5)
    push(root, "acme/tools", commits("ann"))
    create(root, "acme/secret", private=True, visibility="private")
    create(root, "acme/inner", private=True, visibility="internal")
    create(root, "zoe/own", owner_type="User", private=True, visibility="private")
    create(root, "zoe/open", owner_type="User")
    owners = {
        "acme": {"name": "Acme", "email": "hi@acme.invalid"},
        "zoe": {"name": "Zoé", "email": "zoe@public.invalid"},
    }
    (root / "owners.json").write_text(json.dumps(owners))
    with running(root, tokens=[ZOE]) as stand_in:
        yield stand_in


@pytest.fixture
def installation(github: StandIn, tmp_path: Path) -> Iterator[Installation]:
    installed = signed_in(github, tmp_path / "home")
    yield installed
    installed.end()


def signed_in(github: StandIn, home: Path) -> Installation:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GIT", "DAGSTER"))}
    variables = {"GIT_CONTRIB_HOME": str(home), "GIT_CONTRIB_TARGETS": "@me", "GITHUB_TOKEN": ZOE.token}
    return Installation(home, {**inherited, **github.environment(), **variables})


def exported(installation: Installation, *options: str) -> list[list[str]]:
    """The rows of repositories.csv."""
    done = installation.run("export", "repositories.csv", *options)
    assert done.returncode == 0, done.stderr
    return list(csv.reader(StringIO(done.stdout)))


def rows(installation: Installation, query: str, *, private: bool) -> list[tuple[object, ...]]:
    """Rows of a query over the catalogue's current snapshot."""
    file = current_file(Home(installation.home), PRIVATE_PUBLICATION if private else PUBLICATION)
    assert file is not None
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_everything_that_the_user_can_see(installation: Installation, github: StandIn) -> None:
    done = installation.run("catalogue")
    assert done.returncode == 0, done.stderr
    assert "6 repositories (3 of them private), published" in done.stderr
    assert github.requests("git") == []
    header, *found = exported(installation, "--include-private")
    assert tuple(header) == CSV_COLUMNS
    assert [row[1:3] + row[4:] for row in found] == [
        ["acme", "hi@acme.invalid", "docs", "Public", "5"],
        ["acme", "hi@acme.invalid", "inner", "Private", "0"],
        ["acme", "hi@acme.invalid", "secret", "Private", "0"],
        ["acme", "hi@acme.invalid", "tools", "Public", "5"],
        ["zoe", "zoe@public.invalid", "open", "Public", "0"],
        ["zoe", "zoe@public.invalid", "own", "Private", "0"],
    ]
    public = [[*row[:2], "", *row[3:]] for row in found if row[5] == "Public"]
    assert exported(installation) == [header, *public]


def test_an_unchanged_run_asks_for_the_listing_and_publishes_nothing(
    installation: Installation, github: StandIn
) -> None:
    assert installation.run("catalogue").returncode == 0
    github.forget_requests()
    again = installation.run("catalogue")
    assert "nothing changed" in again.stderr
    assert [entry["path"] for entry in github.requests()] == ["/api/v3/user/repos"]


def test_changes_are_updates_and_leave_a_history(installation: Installation, github: StandIn) -> None:
    assert installation.run("catalogue").returncode == 0
    rename(github.root, "acme/secret", "hidden")
    update(github.root, "acme/inner", private=False, visibility="public")
    update(github.root, "acme/docs", private=True, visibility="private", stargazers_count=9)
    github.reload()
    done = installation.run("catalogue")
    assert done.returncode == 0, done.stderr
    everything = "select repository, visibility, stars from repositories order by all"
    assert rows(installation, everything, private=True) == [
        ("acme/docs", "private", 9),
        ("acme/hidden", "private", 0),
        ("acme/inner", "public", 0),
        ("acme/tools", "public", 5),
        ("zoe/open", "public", 0),
        ("zoe/own", "private", 0),
    ]
    names = "select repository, visibility, last_day is null from repository_names where repository like 'acme/%' order by all"
    assert rows(installation, names, private=True) == [
        ("acme/docs", "private", True),
        ("acme/docs", "public", False),
        ("acme/hidden", "private", True),
        ("acme/inner", "internal", False),
        ("acme/inner", "public", True),
        ("acme/secret", "private", False),
        ("acme/tools", "public", True),
    ]
    public = "select repository from repository_names order by all"
    assert rows(installation, public, private=False) == [("acme/inner",), ("acme/tools",), ("zoe/open",)]


def test_a_run_takes_the_public_ones_and_says_what_it_left_out(installation: Installation, github: StandIn) -> None:
    done = installation.run("run")
    assert done.returncode == 0, done.stderr
    assert "3 private repositories are left out" in done.stderr
    asked = {entry["path"].split(".git")[0] for entry in github.requests("git")}
    assert asked == {"/acme/tools", "/acme/docs", "/zoe/open"}
    assert [row[4] for row in exported(installation)[1:]] == ["docs", "tools", "open"]
    assert list((installation.home / "landing" / "catalogue").glob("private*")) != []
    assert [row[4] for row in exported(installation, "--include-private")[1:]] == ["docs", "tools", "open"]


def test_one_that_turned_private_leaves_everything_public_with_the_next_run(
    installation: Installation, github: StandIn
) -> None:
    assert installation.run("catalogue").returncode == 0
    assert installation.run("run").returncode == 0
    update(github.root, "acme/docs", private=True, visibility="private")
    github.reload()
    done = installation.run("run")
    assert done.returncode == 0, done.stderr
    assert [row[4] for row in exported(installation)[1:]] == ["tools", "open"]
    assert installation.query("select name from repositories order by all") == [("open",), ("tools",)]
    published = installation.home / "published"
    assert not [path for path in published.rglob("*") if path.is_file() and b"acme/docs" in path.read_bytes()]


def test_what_is_private_is_nowhere_but_where_it_belongs(installation: Installation) -> None:
    """In landing's own folder, its links, the working file of the catalogue, and the private snapshots."""
    said = ""
    for command in (("catalogue",), ("run",), ("status",), ("export", "repositories.csv"), ("catalogue", "-vv")):
        options = [one for one in command if one.startswith("-")]
        done = installation.run(*options, *(one for one in command if not one.startswith("-")))
        assert done.returncode == 0, done.stderr
        said += done.stdout + done.stderr
    # DuckDB packs short texts, so they are looked for in what is read back, too
    assert [one for one in (*SECRETS, ZOE.token) if f"acme/{one}" in said or (len(one) > 8 and one in said)] == []
    home = installation.home
    may = (
        home / "private",
        home / "landing" / "catalogue",
        home / "landing" / "catalogue_built_from",
        home / "catalogue.duckdb",
    )
    found = set()
    for path in home.rglob("*"):
        if path.is_file() and not path.is_relative_to(may[0]) and not any(path.is_relative_to(one) for one in may):
            content = path.read_bytes()
            found |= {
                (one, path.name)
                for one in ("acme/secret", "acme/inner", "zoe/own", ZOE.token, *SECRETS[3:])
                if one.encode() in content
            }
    assert found == set()
    everything = [rows(installation, f"from {table.published_name}", private=False) for table in PUBLICATION.all_tables]
    assert not [one for one in SECRETS if repr(everything).count(f"'{one}'") or f"acme/{one}" in repr(everything)]


def test_without_a_token_the_public_ones_are_catalogued(installation: Installation) -> None:
    done = installation.run("catalogue", "acme", GITHUB_TOKEN="")
    assert done.returncode == 0, done.stderr
    assert "2 repositories, published" in done.stderr
    assert "1 owners were not asked for name and address: there is no token" in done.stderr


def test_an_unknown_owner_is_told(installation: Installation) -> None:
    done = installation.run("catalogue", "nobody")
    assert done.returncode == 1
    assert "knows no owner 'nobody'" in done.stderr
    beside = installation.run("catalogue", "nobody", "acme")
    assert beside.returncode == 3
    assert "knows no owner 'nobody'" in beside.stderr


def test_a_thousand_repositories_of_three_hundred_owners(tmp_path: Path) -> None:
    """One row per id, and no more requests than pages, a query per hundred owners, and a few."""
    root = tmp_path / "many"
    root.mkdir()
    owners = {f"owner-{number:03}": 5000 + number for number in range(OWNERS)}
    listing = []
    for number in range(REPOSITORIES):
        login = f"owner-{number % OWNERS:03}"
        private = number % 7 == 0
        listing.append(
            {
                "id": number + 1,
                "name": f"r{number}",
                "full_name": f"{login}/r{number}",
                "private": private,
                **({"visibility": "internal"} if private and number % 2 else {}),
                "owner": {
                    "login": login,
                    "id": owners[login],
                    "type": "Organization" if number % OWNERS % 2 else "User",
                },
                "fork": number % 5 == 0,
                "created_at": "2020-01-01T00:00:00Z",
                "updated_at": "2020-01-01T00:00:00Z",
                "pushed_at": "2020-01-01T00:00:00Z",
                "default_branch": "main",
                "stargazers_count": number,
            }
        )
    (root / "repositories.json").write_text(json.dumps(listing))
    details = {
        login: {
            "name": None if number % 3 else f"Owner {number}",
            "email": None if number % 4 else f"o{number}@example.invalid",
        }
        for number, login in enumerate(owners)
    }
    (root / "owners.json").write_text(json.dumps(details))
    holder = TokenHolder(ZOE.token, ZOE.login, ZOE.id, ZOE.scopes, tuple(owners))
    with running(root, tokens=[holder]) as github:
        installation = signed_in(github, tmp_path / "home")
        done = installation.run("catalogue")
        assert done.returncode == 0, done.stderr
        assert len(github.requests()) <= ceil(REPOSITORIES / 100) + ceil(OWNERS / 100) + 3
        _, *found = exported(installation, "--include-private")
        assert len({row[3] for row in found}) == len(found) == REPOSITORIES
        assert len({row[0] for row in found}) == OWNERS
        assert sum(row[5] == "Private" for row in found) == sum(one["private"] for one in listing)
        assert found == sorted(found, key=lambda row: (row[1], row[4]))
        assert {(row[1], row[2]) for row in found} == {(login, one["email"] or "") for login, one in details.items()}
        github.forget_requests()
        again = installation.run("catalogue")
        assert "nothing changed" in again.stderr
        assert len(github.requests()) <= ceil(REPOSITORIES / 100) + 1  # the last page is full: is there another?

        changed = change(listing)
        (root / "repositories.json").write_text(json.dumps(listing))
        github.reload()
        github.forget_requests()
        done = installation.run("catalogue")
        assert done.returncode == 0, done.stderr
        assert len(github.requests()) <= ceil(REPOSITORIES / 100) + 1
        everything = (
            "select repository_id, repository, owner_id, visibility <> 'public', stars from repositories order by all"
        )
        assert rows(installation, everything, private=True) == [
            (one["id"], one["full_name"], one["owner"]["id"], one["private"], one["stargazers_count"])
            for one in listing
        ]
        history = "select repository_id, count(*) from repository_names group by all having count(*) > 1 order by all"
        assert rows(installation, history, private=True) == [(number, 2) for number in changed]


def change(listing: list[dict[str, Any]]) -> list[int]:
    """Rename, transfer, star, hide and show some; the ids of those whose name, owner or visibility is another."""
    for number, one in enumerate(listing[:80]):
        match number % 4:
            case 0:
                one["name"] += "-renamed"
            case 1:
                one["owner"] = listing[number + 1]["owner"]
            case 2:
                one["stargazers_count"] += 1000
            case 3:
                one["private"] = not one["private"]
                one.pop("visibility", None)
        one["full_name"] = f"{one['owner']['login']}/{one['name']}"
    return [one["id"] for number, one in enumerate(listing[:80]) if number % 4 != 2]
