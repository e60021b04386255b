"""The account look-up: which e-mails are asked about, and the answers landed as they come."""

import re
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow.compute as pc

from git_contrib_assets.errors import AccountsUnavailable, GitContribError
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import AccountQuestion, Repository
from git_contrib_assets.sources.github.accounts import ask_accounts
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.storage.landed.accounts import OLDEST_ANSWER
from git_contrib_assets.storage.landed.addresses import BOT_ADDRESS
from git_contrib_assets.storage.landing_zone import LandingZone

_BOT_ADDRESS = re.compile(BOT_ADDRESS)


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


def open_questions(landing: LandingZone, repositories: Iterable[Repository]) -> list[AccountQuestion]:
    """Every e-mail of these repositories without an answer, or with one that is too old.

    Blank addresses and bots' own are nobody's account (definitions, rules 1 and 4): they are not asked.
    Repositories that vanished cannot be asked through.
    """
    cutoff = datetime.now(UTC).replace(tzinfo=None) - OLDEST_ANSWER
    answers = landing.accounts.answers()
    fresh = set(answers.filter(pc.field("asked_at") >= cutoff)["email"].to_pylist())
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


async def look_up_accounts(
    client: GitHubClient, landing: LandingZone, questions: list[AccountQuestion]
) -> AccountsReport:
    """Ask, and land each batch of answers as it comes, so that a kill loses none. The caller holds the crawl lock.

    Whatever stops it ends in the report: what is answered is kept, the next run asks the rest.
    """
    report = AccountsReport(asked=len(questions))
    if not questions:
        return report
    reporter().accounts_asked(0, len(questions))
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
            "GitHub did not find the commits that bear some e-mails: the next run asks again"
        )
    if report.error:
        reporter().accounts_failed(report.error, report.not_asked)
    return report
