"""The definitions once more, in plain Python: written from their sentences, not from the selects, and slow on purpose."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from histories import Commit, at, month_after

from git_contrib_assets.records import AccountAnswer

BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0"
NOREPLY = "@users.noreply.github.com"
DIGITS = "0123456789"
FIRST_PLAUSIBLE = at("1980-01-02")
FIRST_SEEN = at("2020-11-30T12:00:00")
LISTED_ADDRESSES = {"noreply@anthropic.com"}
LISTED_LOGINS = {"actions-user", "dependabot-preview", "pyup-bot"}
LISTED_NAMES = {"renovate", "circleci"}
NUMBERED = {"facebook-github-bot", "generatedunixname"}


@dataclass(frozen=True)
class Answer:
    """GitHub's answer about an address."""

    email: str
    account: int | None
    login: str | None
    asked_at: datetime

    def landed(self) -> AccountAnswer:
        """The answer as it lands."""
        return AccountAnswer(self.email, self.account, self.login, self.asked_at, "graphql")


@dataclass(frozen=True)
class Listed:
    """A repository and its commits; ``commits`` None if it never was read."""

    repository_id: int
    created_at: datetime | None
    commits: tuple[Commit, ...] | None
    vanished_at: datetime | None = None
    is_fork: bool = False
    first_seen_at: datetime = FIRST_SEEN
    is_private: bool = False


@dataclass(frozen=True)
class First:
    """The first commit of a person in a repository."""

    person: str
    at: datetime
    sha: str
    month: date
    is_bot: bool


@dataclass(frozen=True)
class Month:
    """A month of a repository."""

    new: int
    bots: int
    total: int


def lowered(written: str) -> str:
    """Trimmed, and every character lower-cased on its own."""
    return "".join(character.lower()[0] for character in written.strip(BLANKS))


def person_and_login(email: str, name: str, answers: Mapping[str, Answer]) -> tuple[str, str | None]:
    """Who it is, by the first rule that fits, and the login that tells it."""
    address = lowered(email)
    local = address.removesuffix(NOREPLY) if address.endswith(NOREPLY) else ""
    first, plus, rest = local.partition("+")
    number = first if plus and first and not first.strip(DIGITS) and "@" not in rest and rest else None
    if local.endswith("[bot]") and "@" not in local:
        login = (rest if number else local).removesuffix("[bot]")
        return f"bot {login}", f"{login}[bot]"
    answer = answers.get(address)
    if answer is not None and answer.account is not None:
        return f"account {answer.account}", answer.login
    if number is not None and int(number) < 2**63:
        return f"account {int(number)}", rest if "+" not in rest else None
    if "@" in address:
        return f"address {address}", None
    return f"name {lowered(name)}", None


def listed(text: str, values: set[str]) -> bool:
    """Whether a login or a name is in the list; of some entries a number at the end is left out."""
    stem = text.rstrip(DIGITS)
    if stem != text and stem[-1:] in {"-", "_", " "}:
        stem = stem[:-1]
    return text in values or stem in NUMBERED


def marks_a_bot(person: str, login: str | None, commit: Commit) -> bool:
    """Whether one commit alone says that its author is a program."""
    address, called = lowered(commit.email), lowered(commit.name)
    if person.startswith("bot ") or called.endswith("[bot]") or address in LISTED_ADDRESSES:
        return True
    if not person.startswith("account ") and listed(called, LISTED_NAMES):
        return True
    known_as = login or ""
    if not known_as and address.endswith(NOREPLY) and "+" not in address and address.count("@") == 1:
        known_as = address.removesuffix(NOREPLY)
    return known_as.lower().endswith("[bot]") or listed(known_as.lower(), LISTED_LOGINS)


def created(repository: Listed) -> datetime | None:
    """When a repository was created, if that can be known."""
    at = repository.created_at
    return None if at is None or at < FIRST_PLAUSIBLE else at


def when(commit: Commit, repository: Listed) -> datetime:
    """The time of a commit."""
    author_fits, committer_fits = (at >= FIRST_PLAUSIBLE for at in (commit.authored_at, commit.committed_at))
    if committer_fits and (not author_fits or commit.authored_at - commit.committed_at > timedelta(days=1)):
        return commit.committed_at
    if author_fits:
        return commit.authored_at
    return created(repository) or repository.first_seen_at


def newest(answers: Sequence[Answer]) -> dict[str, Answer]:
    """The answer about each address that landed last."""
    return {lowered(answer.email): answer for answer in answers}


def public(repositories: Sequence[Listed]) -> list[Listed]:
    """Those that were not seen private."""
    return [repository for repository in repositories if not repository.is_private]


def first_commits(
    repositories: Sequence[Listed], answers: Sequence[Answer], now: datetime
) -> dict[int, dict[str, First]]:
    """Per public repository and person the first commit."""
    known = newest(answers)
    seen: dict[int, dict[str, list[tuple[datetime, str]]]] = {}
    bots, names = set(), defaultdict[str, list[bool]](list)
    for repository in public(repositories):
        people = seen.setdefault(repository.repository_id, {})
        for commit in repository.commits or ():
            person, login = person_and_login(commit.email, commit.name, known)
            people.setdefault(person, []).append((when(commit, repository), commit.sha))
            names[person].append(listed(lowered(commit.name), LISTED_NAMES))
            if marks_a_bot(person, login, commit):
                bots.add(person)
    bots |= {person for person, of_the_list in names.items() if of_the_list.count(True) > of_the_list.count(False)}
    firsts: dict[int, dict[str, First]] = {}
    for repository in public(repositories):
        end = repository.vanished_at or now
        firsts[repository.repository_id] = {}
        for person, commits in seen[repository.repository_id].items():
            at, sha = min(commits)
            month = min(at, end).date().replace(day=1)
            firsts[repository.repository_id][person] = First(person, at, sha, month, person in bots)
    return firsts


def monthly(repositories: Sequence[Listed], answers: Sequence[Answer], now: datetime) -> dict[tuple[int, date], Month]:
    """The months of every public repository."""
    table = {}
    for repository in public(repositories):
        if repository.commits is None:
            continue
        firsts = first_commits(repositories, answers, now)[repository.repository_id].values()
        last = (repository.vanished_at or now).date().replace(day=1)
        starts = [first.month for first in firsts]
        creation = created(repository)
        if creation is not None:
            starts.append(creation.date().replace(day=1))
        month, total = min([last, *starts]), 0
        while month <= last:
            new = [first for first in firsts if first.month == month]
            total += len(new)
            table[repository.repository_id, month] = Month(len(new), sum(first.is_bot for first in new), total)
            month = month_after(month)
    return table
