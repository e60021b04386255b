"""An invented GitHub organisation with real git histories, the same at every build.

`build(directory)` writes what the stand-in serves: bare repositories, `repositories.json` and `accounts.json`. Its shape
follows that of large organisations: few people with very many commits, most with one or two, several addresses per
person, bots, merges, addresses that belong to nobody, blank and malformed ones, histories older than their repository.
"""

import fcntl
import json
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from github_stand_in.git_objects import git_environment, iso_time
from github_stand_in.organisation_people import Cast, Person, assemble
from github_stand_in.rest.replies import Replies
from github_stand_in.world import Fields, World

OWNER = "octo-harbor"
OWNER_ID = 91_400_217
SEED = 20_260_301
# Raised whenever the build changes, so that an older one is not mistaken for this one.
VERSION = 2
MARKER = ".complete"
DAY = 86_400
BRANCH = "main"
WORDS = ("buffer", "index", "parser", "cache", "report", "schema", "queue", "layout", "runner", "session")
VERBS = ("Fix", "Add", "Remove", "Rename", "Document", "Simplify", "Speed up", "Test")

Feature = Literal["merges", "roots", "strange dates", "old history", "service accounts", "exported", "archived"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a repository shall be like."""

    name: str
    language: str | None
    commits: int
    people: int
    first: str
    created: str
    last: str = "2026-02-27"
    features: frozenset[Feature] = frozenset()
    fork_of: str | None = None
    stars: int = 0


def _plan(
    name: str, language: str | None, commits: int, people: int, dates: str, *features: Feature, stars: int
) -> Plan:
    first, created, last = dates.split()
    return Plan(name, language, commits, people, first, created, last, frozenset(features), stars=stars)


PLANS = (
    _plan(
        "lighthouse", "Python", 4200, 520, "2012-04-02 2012-04-02 2026-02-27", "merges", "service accounts", stars=18211
    ),
    _plan("breakwater", "C++", 3100, 340, "2009-09-14 2013-02-06 2026-02-26", "old history", "exported", stars=9120),
    _plan("tide-tables", "TypeScript", 2300, 410, "2015-06-18 2015-06-18 2026-02-27", "merges", stars=12044),
    _plan("dry-dock", "Rust", 1500, 120, "2018-01-22 2018-01-22 2026-02-25", "service accounts", stars=2310),
    _plan("harbor-charts", "Go", 1100, 160, "2016-11-03 2016-11-03 2026-02-20", "merges", "roots", stars=1404),
    _plan("foghorn", "Java", 900, 95, "2013-08-29 2014-01-10 2026-01-31", "old history", stars=803),
    _plan("anchor-kit", "Swift", 620, 88, "2014-03-11 2014-03-11 2021-06-30", "archived", "merges", stars=3120),
    _plan("rope-walk", "JavaScript", 420, 61, "2017-05-05 2017-05-05 2026-02-14", "merges", stars=511),
    _plan("pilot-boat", "Shell", 180, 24, "2020-10-01 2020-10-01 2026-02-01", stars=77),
    _plan("sextant", "Python", 90, 15, "2019-02-19 2021-07-07 2026-02-10", "old history", "strange dates", stars=41),
    Plan("rope-walk-fork", "JavaScript", 35, 6, "2024-01-15", "2024-01-12", "2025-11-30", fork_of="rope-walk", stars=3),
    Plan("new-pier", None, 0, 0, "2026-02-01", "2026-02-01", "2026-02-01"),
)


@dataclass(slots=True)
class Draft:
    """One commit on its way into `git fast-import`."""

    author: tuple[str, str]
    authored: int
    committer: tuple[str, str]
    committed: int
    parents: list[int]
    subject: str


def _seconds(date: str) -> int:
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp())


def _moments(chance: random.Random, plan: Plan) -> list[int]:
    """Commit times: few at first, then about the same number each year."""
    first, last = _seconds(plan.first), _seconds(plan.last)
    drawn = sorted(first + int((last - first) * chance.betavariate(1.4, 1.0)) for _ in range(plan.commits))
    if drawn:
        drawn[0], drawn[-1] = first + 9 * 3600, last + 15 * 3600
    return drawn


class _Authors:
    """Chooses authors: a few write most commits, and each is active for a part of the time only."""

    def __init__(self, chance: random.Random, plan: Plan, cast: Cast) -> None:
        self.chance = chance
        self.cast = cast
        self.plan = plan
        crew = chance.sample(cast.people[:300], plan.people // 5) + chance.sample(
            cast.people[300:], plan.people * 4 // 5
        )
        chance.shuffle(crew)
        regulars = max(plan.people * 29 // 100, 1)
        self.regulars = crew[:regulars]
        self.weights = [1 / (rank + 1.5) for rank in range(regulars)]
        # Each of these has only one or two commits: they are spread over the whole time.
        visits = [person for person in crew[regulars:] for _ in range(chance.choice((1, 1, 2)))]
        self.visits: dict[int, Person] = dict(
            zip(
                sorted(chance.sample(range(max(plan.commits, 1)), min(len(visits), plan.commits))), visits, strict=False
            )
        )
        self.machines = cast.bots if "service accounts" not in plan.features else cast.bots + cast.services

    def choose(self, position: int) -> tuple[str, str]:
        """Name and address of the author of a commit."""
        person = self.visits.get(position)
        if person is None and self.chance.random() < 0.16:
            person = self.chance.choice(self.machines)
        if person is None:
            # More regulars join as the project goes on.
            reach = max(len(self.regulars) * (position + 1) // max(self.plan.commits, 1), 3)
            person = self.chance.choices(self.regulars[:reach], self.weights[: min(reach, len(self.regulars))])[0]
        return self.chance.choice(person.addresses) if self.chance.random() < 0.25 else person.addresses[0]


WEB_FLOW = ("GitHub", "noreply@github.com")
EXPORT = ("Harbor Export Bot", "export-bot@harbor.example")


def _drafts(chance: random.Random, plan: Plan, cast: Cast) -> Iterator[Draft]:
    """The commits of a repository, oldest first; parents are positions in this order."""
    authors = _Authors(chance, plan, cast)
    roots = {plan.commits // 3, plan.commits // 2} if "roots" in plan.features else set()
    side: list[int] = []
    tip: int | None = None
    for position, moment in enumerate(_moments(chance, plan)):
        author = authors.choose(position)
        subject = f"{chance.choice(VERBS)} {chance.choice(WORDS)} (#{position + 1})"
        committer = EXPORT if "exported" in plan.features else WEB_FLOW if chance.random() < 0.6 else author
        authored = moment
        if chance.random() < 0.03:
            authored -= chance.randrange(1, 45 * DAY)
        if "strange dates" in plan.features and position % 9 == 4:
            authored = (0, 86_399, 4_102_444_800, moment + 3 * DAY, moment - 3650 * DAY)[position // 9 % 5]
        if position in roots and tip is not None:
            # An imported project: a history of its own, joined by the next merge.
            yield Draft(author, authored, committer, moment, [], f"Import {subject.lower()}")
            side = [position]
            continue
        if side and (len(side) > 2 or chance.random() < 0.5) and tip is not None:
            yield Draft(author, moment, WEB_FLOW, moment, [tip, side[-1]], f"Merge branch 'topic-{position}'")
            side, tip = [], position
            continue
        branches_off = "merges" in plan.features and tip is not None and not side and chance.random() < 0.05
        if side or branches_off:
            parent = side[-1] if side else tip
            side.append(position)
        else:
            parent, tip = tip, position
        yield Draft(author, authored, committer, moment, [] if parent is None else [parent], subject)


def _stream(plan: Plan, drafts: Sequence[Draft]) -> bytes:
    """The input of `git fast-import`. Each root holds a file, so that there are trees to leave out of a clone."""
    parts: list[str] = []
    tip = 0
    merged = {parent for draft in drafts for parent in draft.parents}
    for position, draft in enumerate(drafts):
        if not draft.parents and position:
            parts.append("reset refs/build/next\n\n")
        parts.append(
            f"commit refs/build/next\nmark :{position + 1}\n"
            f"author {draft.author[0]} <{draft.author[1]}> {draft.authored} +0000\n"
            f"committer {draft.committer[0]} <{draft.committer[1]}> {draft.committed} +0000\n"
            f"data {len(draft.subject)}\n{draft.subject}\n"
        )
        parts += [f"{'merge' if number else 'from'} :{parent + 1}\n" for number, parent in enumerate(draft.parents)]
        if not draft.parents:
            content = plan.fork_of or plan.name
            parts.append(f"M 100644 inline README.md\ndata {len(content)}\n{content}\n")
        parts.append("\n")
        tip = position if position not in merged else tip
    parts.append(f"reset refs/heads/{BRANCH}\nfrom :{tip + 1}\n\n" if drafts else "")
    return "".join(parts).encode()


def _git(directory: Path, *arguments: str, content: bytes | None = None) -> None:
    subprocess.run(
        ["git", "--git-dir", str(directory), *arguments],
        input=content,
        env=git_environment(),
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _write_repository(directory: Path, plan: Plan, drafts: Sequence[Draft]) -> None:
    directory.mkdir(parents=True)
    _git(directory, "init", "--quiet", "--bare", "--template=", f"--initial-branch={BRANCH}")
    for key in ("allowFilter", "allowAnySHA1InWant"):
        _git(directory, "config", f"uploadpack.{key}", "true")
    if drafts:
        stream = _stream(plan, drafts)
        _git(directory, "fast-import", "--quiet", "--date-format=raw-permissive", content=stream)
        _git(directory, "update-ref", "-d", "refs/build/next")


def _fork_drafts(original: Sequence[Draft], own: Sequence[Draft]) -> list[Draft]:
    """The first part of another repository, whose ids it shares, and what was added to it."""
    base = original[: len(original) * 2 // 3]
    # It was forked from the main line: no unmerged side branch may be the tip.
    while sum(1 for position in range(len(base)) if all(position not in draft.parents for draft in base)) > 1:
        base = base[:-1]
    shifted = [
        Draft(
            draft.author,
            draft.authored,
            draft.committer,
            draft.committed,
            [parent + len(base) for parent in draft.parents] or [len(base) - 1],
            draft.subject,
        )
        for draft in own
    ]
    return [*base, *shifted]


def _listing(plan: Plan, number: int, drafts: Sequence[Draft]) -> Fields:
    newest = max((draft.committed for draft in drafts), default=_seconds(plan.created))
    fields: Fields = {
        "id": 402_000_000 + 7_331 * number,
        "name": plan.name,
        "full_name": f"{OWNER}/{plan.name}",
        "private": False,
        "owner": {"login": OWNER, "id": OWNER_ID, "type": "Organization"},
        "description": f"{plan.name.replace('-', ' ').capitalize()} of an invented harbour",
        "fork": plan.fork_of is not None,
        "created_at": iso_time(_seconds(plan.created)),
        "updated_at": iso_time(newest),
        "pushed_at": iso_time(newest),
        "size": len(drafts) // 2,
        "stargazers_count": plan.stars,
        "forks_count": plan.stars // 9,
        "open_issues_count": plan.stars // 40,
        "language": plan.language,
        "archived": "archived" in plan.features,
        "disabled": False,
        "visibility": "public",
        "default_branch": BRANCH,
    }
    if plan.fork_of:
        fields["parent"] = fields["source"] = {"full_name": f"{OWNER}/{plan.fork_of}"}
    return fields


def _histories(cast: Cast) -> dict[str, list[Draft]]:
    histories: dict[str, list[Draft]] = {}
    for number, plan in enumerate(PLANS):
        # A generator for each: changing one repository leaves the ids of all others as they are.
        own = list(_drafts(random.Random(SEED + number), plan, cast))  # noqa: S311 -- invented data
        histories[plan.name] = _fork_drafts(histories[plan.fork_of], own) if plan.fork_of else own
    return histories


def build(directory: Path) -> Path:
    """Make the organisation in a directory, or use the complete one there; an interrupted build is done again."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # if two build at once, the second uses what the first has made
        marker = directory / MARKER
        if not (marker.exists() and marker.read_text() == str(VERSION)):
            _build(directory, marker)
    return directory


def _build(directory: Path, marker: Path) -> None:
    marker.unlink(missing_ok=True)
    shutil.rmtree(directory / OWNER, ignore_errors=True)
    cast = assemble(random.Random(SEED))  # noqa: S311 -- invented data
    histories = _histories(cast)
    with ThreadPoolExecutor(2) as pool:
        made = [
            pool.submit(_write_repository, directory / OWNER / f"{plan.name}.git", plan, histories[plan.name])
            for plan in PLANS
        ]
        for one in made:
            one.result()
    listing = [_listing(plan, number, histories[plan.name]) for number, plan in enumerate(PLANS)]
    (directory / "accounts.json").write_text(json.dumps({email.lower(): who for email, who in cast.accounts.items()}))
    (directory / "aliases.json").write_text(json.dumps({f"{OWNER}/sea-wall": listing[1]["id"]}))
    details = {"name": "Octo Harbor", "email": "crew@harbor.example", "description": "An invented organisation"}
    (directory / "owners.json").write_text(json.dumps({OWNER: {"id": OWNER_ID, "type": "Organization", **details}}))
    (directory / "repositories.json").write_text(json.dumps(listing))
    _complete_listing(directory)
    marker.write_text(str(VERSION))


def _complete_listing(directory: Path) -> None:
    """Write the listing with every field that GitHub's has, including links."""
    world = World(directory)
    replies = Replies(world, "https://api.github.com", "https://github.com")
    listing = []
    for repository in world.catalogue.by_id.values():
        origins: Fields = {key: repository.fields[key] for key in ("parent", "source") if key in repository.fields}
        listing.append({**replies.repository(repository), **origins})
    (directory / "repositories.json").write_text(json.dumps(listing, indent=1))
    world.store.close()
