"""The account look-up: which e-mails are asked about, and the answers landed as they come."""

import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc

from git_contrib_assets.errors import AccountsUnavailable, GitContribError, RepositoryPrivate
from git_contrib_assets.landing.catalogue import mark_private
from git_contrib_assets.landing.visibility import Visibility
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import AccountQuestion, Repository
from git_contrib_assets.sources.github.accounts import ask_accounts
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.storage.landed.accounts import OLDEST_ANSWER
from git_contrib_assets.storage.landed.addresses import BOT_ADDRESS
from git_contrib_assets.storage.landing_zone import LandingZone

_BOT_ADDRESS = re.compile(BOT_ADDRESS)
_CLOCKS_DIFFER = timedelta(days=1)


@dataclass
class AccountsReport:
    """How far the look-up came. ``error`` says why it ended early."""

    asked: int = 0
    answered: int = 0
    error: GitContribError | None = None

    @property
    def not_asked(self) -> int:
        """Addresses without an answer although somebody could have given one."""
        return self.asked - self.answered


@dataclass
class Questions:
    """What may be asked. ``unseen`` e-mails stand only in repositories of which it is not known whether they are public."""

    askable: list[AccountQuestion]
    unseen: int


async def questions_through_public(
    landing: LandingZone, visibility: Visibility, listed: Sequence[Repository], unlisted: Sequence[Repository]
) -> Questions:
    """The open questions, each through a repository that was seen to be public in this run.

    ``listed`` are those that were. Of the others, those through which something is to be asked are looked at now.
    Raises TokenRefused or LimitReached. The caller holds the crawl lock.
    """
    public, unknown = list(listed), []
    candidates = {one.repository: one for one in unlisted}
    questions = open_questions(landing, public, now=visibility.now())
    while candidates:
        more = open_questions(
            landing, candidates.values(), without={one.email for one in questions}, now=visibility.now()
        )
        through = [candidates.pop(name) for name in sorted({question.repository for question in more})]
        if not through:
            break
        refusals = await visibility.refusals(through)
        private = {number for number, error in refusals.items() if isinstance(error, RepositoryPrivate)}
        mark_private(landing, private)
        public += [one for one in through if one.repository_id not in refusals]
        unknown += [one for one in through if one.repository_id in refusals.keys() - private]
        questions = open_questions(landing, public, now=visibility.now())
    asked = {one.email for one in questions}
    return Questions(
        questions, unseen=len(open_questions(landing, unknown, without=asked, now=visibility.now())) if unknown else 0
    )


def open_questions(
    landing: LandingZone,
    repositories: Iterable[Repository],
    *,
    without: Collection[str] = (),
    now: datetime | None = None,
) -> list[AccountQuestion]:
    """Every e-mail of these repositories without an answer, or with one that is too old, except those in ``without``.

    Blank addresses and bots' own are nobody's account (definitions, rules 1 and 4): they are not asked.
    Repositories that vanished cannot be asked through. ``now`` is GitHub's time, if it is known: an answer from its future
    was dated by a wrong clock, and is asked for again.
    """
    now = now or datetime.now(UTC).replace(tzinfo=None)
    asked_at = pc.field("asked_at")
    recent = (asked_at >= now - OLDEST_ANSWER) & (asked_at <= now + _CLOCKS_DIFFER)
    fresh = {*without, *landing.accounts.answers().filter(recent)["email"].to_pylist()}
    questions: dict[str, AccountQuestion] = {}
    failed = {
        attempt.repository_id: attempt.failed for attempt in landing.crawl_log.attempts()
    }  # the last attempt counts
    # An address is asked through one repository: rather not through one that GitHub refuses just now.
    for repository in sorted(repositories, key=lambda one: (failed.get(one.repository_id, False), one.repository_id)):
        if repository.missing_since is not None or not landing.commits.file(repository.repository_id).exists():
            continue
        for email, sha in landing.commits.first_shas(repository.repository_id).items():
            if email and email not in fresh and email not in questions and not _BOT_ADDRESS.fullmatch(email):
                questions[email] = AccountQuestion(email, repository.repository, sha)
    # Those of one repository stay together: a query names each repository once.
    return sorted(questions.values(), key=lambda question: (question.repository, question.email))


async def ask_through_public(
    client: GitHubClient,
    landing: LandingZone,
    visibility: Visibility,
    listed: Sequence[Repository],
    unlisted: Sequence[Repository],
) -> AccountsReport:
    """Ask all open questions that may be asked (``questions_through_public``), as ``look_up_accounts`` does."""
    try:
        questions = await questions_through_public(landing, visibility, listed, unlisted)
    except GitContribError as error:
        report = AccountsReport(asked=len(open_questions(landing, [*listed, *unlisted])), error=error)
        reporter().accounts_failed(error, report.not_asked)
        return report
    return await look_up_accounts(client, landing, questions.askable, unseen=questions.unseen)


async def look_up_accounts(
    client: GitHubClient, landing: LandingZone, questions: list[AccountQuestion], *, unseen: int = 0
) -> AccountsReport:
    """Ask, and land each batch of answers as it comes, so that a kill loses none. The caller holds the crawl lock.

    Whatever stops it ends in the report: what is answered is kept, the next run asks the rest. ``unseen`` e-mails beside
    the questions cannot be asked about in this run.
    """
    report = AccountsReport(asked=len(questions) + unseen)
    if not report.asked:
        return report
    reporter().accounts_asked(0, report.asked)
    try:
        async with aclosing(ask_accounts(client, questions)) as batches:
            async for answers in batches:
                landing.accounts.add(answers)
                report.answered += len(answers)
                reporter().accounts_asked(report.answered, report.asked)
    except GitContribError as error:  # limits and refusals too: the tables are built with what there is
        report.error = error
    if report.not_asked and not report.error:
        report.error = AccountsUnavailable(
            "GitHub did not find the commits that bear some e-mails, or did not say whether their repositories are public: "
            "the next run asks again"
        )
    if report.error:
        reporter().accounts_failed(report.error, report.not_asked)
    return report
