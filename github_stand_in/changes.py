"""Changes to what the stand-in serves: new commits, renames, other fields. All of them only touch files."""

import json
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from github_stand_in.git_objects import codec_of, git_environment, iso_time, run_git
from github_stand_in.world import Fields


@dataclass(frozen=True, slots=True)
class NewCommit:
    """A commit to be made; the committer is the author unless given.

    `parents` are ids or positions in the same push; without them the parent is the commit before, or the branch's tip.
    `encoding` is what the commit declares. Its text is stored in it, or in UTF-8 if git cannot hold it (UTF-16).
    """

    author_name: str
    author_email: str
    date: datetime
    committer_date: datetime | None = None
    committer_name: str | None = None
    committer_email: str | None = None
    message: str = "Change something"
    parents: Sequence[str | int] | None = None
    encoding: str | None = None

    def _lines(self) -> Iterator[str]:
        yield f"author {_person(self.author_name, self.author_email, self.date)}"
        yield "committer " + _person(
            self.author_name if self.committer_name is None else self.committer_name,
            self.author_email if self.committer_email is None else self.committer_email,
            self.committer_date or self.date,
        )
        if self.encoding:
            yield f"encoding {self.encoding}"

    def stream(self) -> bytes:
        """The commit's lines for `git fast-import`, from the author to the message."""
        codec = codec_of((self.encoding or "utf-8").encode())
        message = self.message.encode(codec)
        lines = "".join(f"{line}\n" for line in self._lines()).encode(codec)
        return lines + f"data {len(message)}\n".encode() + message + b"\n"


def _person(name: str, email: str, moment: datetime) -> str:
    return f"{name} <{email}> {int(moment.timestamp())} +0000"


def _edit(root: Path, change: Callable[[list[Fields]], None]) -> None:
    path = root / "repositories.json"
    repositories: list[Fields] = json.loads(path.read_text())
    change(repositories)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(repositories))
    fresh.replace(path)


def _find(repositories: list[Fields], repository: str) -> Fields:
    return next(fields for fields in repositories if fields["full_name"].lower() == repository.lower())


def create(root: Path, repository: str, *, owner_type: str = "Organization", **fields: object) -> None:
    """Make an empty repository `owner/name`, and the files around it if they are missing; `fields` go to the listing.

    Its id depends on its name alone. If it takes the name of a removed repository, give it another `id`."""
    owner, _, name = repository.partition("/")
    listing = root / "repositories.json"
    root.mkdir(parents=True, exist_ok=True)
    if not listing.exists():
        listing.write_text("[]")
    branch = str(fields.get("default_branch", "main"))
    command = ["git", "init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}"]
    subprocess.run([*command, str(root / owner / f"{name}.git")], env=git_environment(), check=True)

    def change(repositories: list[Fields]) -> None:
        known = next((entry["owner"] for entry in repositories if entry["owner"]["login"] == owner), None)
        # Two builds of a test's repositories are the same.
        identity = zlib.crc32(repository.lower().encode()) >> 1
        created = fields.get("created_at", "2020-01-01T00:00:00Z")
        repositories.append(
            {
                "id": identity,
                "name": name,
                "full_name": repository,
                "private": False,
                "owner": known or {"login": owner, "id": zlib.crc32(owner.lower().encode()) >> 1, "type": owner_type},
                "description": None,
                "fork": False,
                "created_at": created,
                "updated_at": created,
                "pushed_at": created,
                "default_branch": branch,
                **fields,
            }
        )

    _edit(root, change)


def link(root: Path, email: str, login: str | None, identity: int = 0, **fields: object) -> None:
    """Let an address belong to an account (`type="Bot"` for a bot, no login for a deleted account)."""
    path = root / "accounts.json"
    accounts: Fields = json.loads(path.read_text()) if path.exists() else {}
    accounts[email.lower()] = {"login": login, "id": identity, **fields} if login else {}
    path.write_text(json.dumps(accounts))


def unlink(root: Path, email: str) -> None:
    """Let an address belong to nobody."""
    path = root / "accounts.json"
    accounts: Fields = json.loads(path.read_text()) if path.exists() else {}
    accounts.pop(email.lower(), None)
    path.write_text(json.dumps(accounts))


def profile(root: Path, login: str, **fields: object) -> None:
    """Say more of an owner, or add one without repositories (a `User` unless `type` says else).

    A person's `emails` are as `/user/emails` lists them (`email`, `primary`, `verified`, `visibility`), its
    `organisations` are logins; `email` is the public one.
    """
    path = root / "owners.json"
    owners: Fields = json.loads(path.read_text()) if path.exists() else {}
    listed: list[Fields] = json.loads((root / "repositories.json").read_text())
    known: Fields = next((entry["owner"] for entry in listed if entry["owner"]["login"] == login), {})
    usual = {"id": zlib.crc32(login.lower().encode()) >> 1, "type": "User"}
    owners[login] = {**usual, **known, **owners.get(login, {}), **fields}
    path.write_text(json.dumps(owners))


def update(root: Path, repository: str, **fields: object) -> None:
    """Change what the listing says of a repository (`owner/name`)."""
    _edit(root, lambda repositories: _find(repositories, repository).update(fields))


def remove(root: Path, repository: str) -> None:
    """Delete a repository. Its name is free for another."""

    def change(repositories: list[Fields]) -> None:
        fields = _find(repositories, repository)
        repositories.remove(fields)
        shutil.rmtree(root / f"{fields['full_name']}.git")

    _edit(root, change)


def rename(root: Path, repository: str, name: str) -> None:
    """Give a repository another name; the old name redirects to it from now on."""
    owner, _, old = repository.partition("/")

    def change(repositories: list[Fields]) -> None:
        fields = _find(repositories, repository)
        path = root / "aliases.json"
        aliases: Fields = json.loads(path.read_text()) if path.exists() else {}
        aliases[repository] = fields["id"]
        path.write_text(json.dumps(aliases))
        fields |= {"name": name, "full_name": f"{owner}/{name}"}
        (root / owner / f"{old}.git").rename(root / owner / f"{name}.git")

    _edit(root, change)


def push(
    root: Path,
    repository: str,
    commits: Sequence[NewCommit],
    *,
    branch: str | None = None,
    start: str | None = "",
    pushed_at: datetime | None = None,
) -> list[str]:
    """Put commits on a branch of `owner/name` (its default branch), set `pushed_at` (now), and return their ids.

    They follow the branch's tip. `start` names another commit to follow, or is None for a new root: that rewrites it.
    """
    listed: list[Fields] = json.loads((root / "repositories.json").read_text())
    fields = _find(listed, repository)
    owner, _, name = str(fields["full_name"]).partition("/")
    directory = root / owner / f"{name}.git"
    reference = f"refs/heads/{branch or fields.get('default_branch') or 'main'}"
    tip = run_git(directory, "rev-parse", "--verify", "--quiet", reference, check=False).strip()
    parent = (start or tip) if start is not None else ""
    # A reference of its own: on the branch itself, fast-import would object to rewritten history.
    stream = [b"feature done\n", b"reset refs/stand-in/push\n\n"]
    for position, commit in enumerate(commits, 1):
        wanted = commit.parents if commit.parents is not None else [position - 2] if position > 1 else [parent]
        parents = [f":{item + 1}" if isinstance(item, int) else item for item in wanted if item != ""]
        stream += [
            b"" if parents or position == 1 else b"reset refs/stand-in/push\n\n",
            f"commit refs/stand-in/push\nmark :{position}\n".encode(),
            commit.stream(),
            *(f"{'merge' if number else 'from'} {item}\n".encode() for number, item in enumerate(parents)),
        ]
    stream += [f"get-mark :{position}\n".encode() for position in range(1, len(commits) + 1)]
    done = subprocess.run(
        ["git", "--git-dir", str(directory), "fast-import", "--quiet", "--date-format=raw-permissive", "--force"],
        input=b"".join([*stream, b"done\n"]),
        env=git_environment(),
        capture_output=True,
        check=True,
    )
    shas = done.stdout.decode().split()
    run_git(directory, "update-ref", "-d", "refs/stand-in/push")
    # Without commits, the branch only moves to `start`.
    fresh = shas[-1] if shas else parent
    if fresh:
        run_git(directory, "update-ref", reference, fresh)
    moment = iso_time(int((pushed_at or datetime.now(UTC)).timestamp()))
    update(root, repository, pushed_at=moment, updated_at=moment)
    return shas


# The changes that a fault can make.
ACTIONS: dict[str, Callable[..., None]] = {
    "create": create,
    "link": link,
    "profile": profile,
    "remove": remove,
    "rename": rename,
    "unlink": unlink,
    "update": update,
}


def apply(root: Path, entries: Iterable[Fields]) -> None:
    """Make changes given as data: `{"action": "rename", "repository": "acme/tools", "name": "toolbox"}`."""
    for entry in entries:
        arguments = {name: value for name, value in entry.items() if name != "action"}
        ACTIONS[entry["action"]](root, **arguments)
