"""Who contributed how much, as GitHub's own contributor lists count it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from github_stand_in.git_objects import GitStore, Signature
from github_stand_in.rest.replies import Replies
from github_stand_in.world import Account, Fields, Repository

LINKED_EMAILS = 500
LISTED_PEOPLE = 100
WEEK_SECONDS = 7 * 86_400
# From 1970 to beyond 2160: a commit of the year 9999 must not make a list of eight thousand years.
MOST_WEEKS = 10_000
COMMITS_AT_ONCE = 1_000


def authorships(store: GitStore, repository: Repository, tip: str, *, merges: bool) -> Iterator[Signature]:
    """The authors of all commits that a tip reaches."""
    history = store.history(repository.path, tip)
    for start in range(0, len(history), COMMITS_AT_ONCE):
        for commit in store.commits(repository.path, history.shas(start, start + COMMITS_AT_ONCE)):
            if merges or len(commit.parents) < 2:
                yield commit.author


def week_of(seconds: int) -> int:
    """The Sunday, 00:00 UTC, that begins the week of a time."""
    day = datetime.fromtimestamp(max(seconds, 0), UTC)
    midnight = int(day.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    return midnight - (day.isoweekday() % 7) * 86_400


def statistics(replies: Replies, repository: Repository, tip: str) -> list[Fields]:
    """Weekly counts of the hundred people with most commits, the busiest last; merges and unlinked e-mails left out."""
    weeks: dict[Account, Counter[int]] = defaultdict(Counter)
    for authorship in authorships(replies.world.store, repository, tip, merges=False):
        account = replies.world.account_of_email(authorship.email)
        if account and account.id:
            weeks[account][week_of(authorship.seconds)] += 1
    busiest = sorted(weeks, key=lambda account: (weeks[account].total(), -account.id))[-LISTED_PEOPLE:]
    every = [week for account in busiest for week in weeks[account]]
    span: Sequence[int] = range(min(every), max(every) + 1, WEEK_SECONDS) if every else ()
    if len(span) > MOST_WEEKS:
        span = sorted(set(every))
    return [
        {
            "total": weeks[account].total(),
            "weeks": [{"w": week, "a": 0, "d": 0, "c": weeks[account][week]} for week in span],
            "author": replies.user(account),
        }
        for account in busiest
    ]


def contributors(replies: Replies, repository: Repository, tip: str, *, anonymous: bool) -> list[Fields]:
    """All contributors by number of commits; only the first 500 addresses are linked to accounts."""
    emails: Counter[str] = Counter()
    names: dict[str, str] = {}
    for authorship in authorships(replies.world.store, repository, tip, merges=True):
        emails[authorship.email.lower()] += 1
        names.setdefault(authorship.email.lower(), authorship.name)
    linked: Counter[Account] = Counter()
    others: list[Fields] = []
    for position, (email, commits) in enumerate(emails.most_common()):
        account = replies.world.account_of_email(email)
        if account and account.id and position < LINKED_EMAILS:
            linked[account] += commits
        else:
            others.append({"email": email, "name": names[email], "type": "Anonymous", "contributions": commits})
    found = [{**replies.user(account), "contributions": commits} for account, commits in linked.items()]
    return sorted(found + (others if anonymous else []), key=lambda entry: -int(entry["contributions"]))
