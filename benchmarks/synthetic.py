"""Invented histories of any size: as bare repositories for the stand-in, or as landing files."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb

from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone
from github_stand_in import changes
from github_stand_in.git_objects import git_environment, iso_time

START, STEP = 1_400_000_000, 600
OWNER = "bench"
_COMMITS = """
copy (
    select
        {repository}::bigint as repository_id,
        sha1('{repository} ' || number) as sha,
        1::integer as parent_count,
        'Author ' || author as author_name,
        'author' || author || '@bench.example' as author_email,
        make_timestamp((1400000000 + number * {step}) * 1000000)::timestamp_ms as authored_at,
        authored_at as committed_at,
    from (
        select
            {commits} - 1 - range as number,
            -- A few people make most commits, most people make few; a part of them is known elsewhere too.
            floor(power((hash({repository} * 7919 + number) % 1000003) / 1000003, 3) * {authors})::bigint
                + if(hash(number) % 5 = 0, 0, {repository} * {authors}) as author
        from range({commits})
    )
) to '{path}' (format parquet, compression zstd, row_group_size 32000, kv_metadata {{git_contrib: '{footer}'}})
"""
_REPOSITORIES = """
copy (
    select
        range + 1 as repository_id,
        '{owner}/repository-' || (range + 1) as repository,
        1::bigint as owner_id,
        '{owner}' as owner,
        'Organization' as owner_type,
        'repository-' || (range + 1) as name,
        false as is_private,
        false as is_fork,
        false as is_archived,
        'main' as default_branch,
        '2014-05-01'::timestamp as created_at,
        now()::timestamp as pushed_at,
        1::bigint as stars,
        'Python' as "language",
        '{owner}' as target,
        now()::timestamp as first_seen_at,
        now()::timestamp as listed_at,
        null::timestamp as missing_since,
        null::varchar as missing_reason,
    from range({repositories})
) to '{path}' (format parquet)
"""


def served(root: Path, name: str, commits: int, *, people: int = 500) -> None:
    """A bare repository ``bench/name`` with one line of commits, in a folder that the stand-in serves."""
    changes.create(root, f"{OWNER}/{name}", created_at=iso_time(START))
    directory = root / OWNER / f"{name}.git"
    command = ["git", "--git-dir", str(directory), "fast-import", "--quiet", "--date-format=raw"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=git_environment()) as process:
        assert process.stdin is not None
        process.stdin.writelines(_stream(commits, people))
        process.stdin.close()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    for key in ("allowFilter", "allowAnySHA1InWant"):
        subprocess.run(["git", "--git-dir", str(directory), "config", f"uploadpack.{key}", "true"], check=True)
    subprocess.run(["git", "--git-dir", str(directory), "repack", "-adq"], env=git_environment(), check=True)
    changes.update(root, f"{OWNER}/{name}", pushed_at=iso_time(START + commits * STEP))


def _stream(commits: int, people: int) -> Iterator[bytes]:
    for number in range(commits):
        author = number * number % people
        who = f"Author {author} <author{author}@bench.example> {START + number * STEP} +0000"
        message = f"Change number {number}\n\nA text of the length that messages have.\n"
        yield f"commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata {len(message)}\n{message}\n".encode()


def landed(home: Home, repositories: int, commits: int) -> None:
    """Landing files of that many repositories with that many commits in all."""
    landing = LandingZone(home)
    landing.commits.folder.mkdir(parents=True, exist_ok=True)
    landing.prepare()
    each = commits // repositories
    connection = duckdb.connect()
    connection.execute(_REPOSITORIES.format(owner=OWNER, repositories=repositories, path=landing.repositories.file))
    for repository in range(1, repositories + 1):
        rows = each + (commits - each * repositories if repository == repositories else 0)
        footer = (
            f'{{"repository_id": {repository}, "tip": "{repository:040x}", "commits": {rows}, '
            '"fetched_at": "2026-01-01T00:00:00", "emptied": false}'
        )
        path = landing.commits.folder / f"{repository}.parquet"
        connection.execute(
            _COMMITS.format(
                repository=repository,
                commits=rows,
                authors=max(20, rows // 25),
                step=STEP,
                path=path,
                footer=footer.replace("'", "''"),
            )
        )
    lines = [
        f'{{"run_id": "bench", "repository_id": {number}, "repository": "{OWNER}/repository-{number}", '
        f'"state": "landed", "started_at": "2026-01-01T00:00:00", "seconds": 1.0, "source": "git", '
        f'"tip": "{number:040x}", "commits": {each}, "requests": 3, "reason": null, "message": null}}\n'
        for number in range(1, repositories + 1)
    ]
    landing.crawl_log.file.write_text("".join(lines))
