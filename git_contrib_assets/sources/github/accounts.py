"""Which account owns an e-mail: asked of GraphQL, many e-mails per query."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from git_contrib_assets.errors import (
    AccountsUnavailable,
    GitContribError,
    GitHubUnavailable,
)
from git_contrib_assets.records import AccountAnswer, AccountQuestion, is_repository_name
from git_contrib_assets.sources.github.client import CONCURRENCY, GitHubClient, QueryTooHeavy
from git_contrib_assets.sources.github.listing import _SENSELESS, _number, _text
from git_contrib_assets.sources.text import cut, printable

QUESTIONS_PER_QUERY = 100
_FEWEST_QUESTIONS = 12
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


async def ask_accounts(
    client: GitHubClient, questions: Sequence[AccountQuestion]
) -> AsyncGenerator[list[AccountAnswer], None]:
    """Which accounts own these e-mails: one GraphQL query per hundred, several at a time; a batch of answers at a time.

    A query on which GitHub times out is asked again in halves. Questions that GitHub cannot answer, because their
    repository or commit is gone, are missing from the answers. Raises AccountsUnavailable at the end if some could not
    be asked, NotAllowed or LimitReached at once.
    """
    places = asyncio.Semaphore(CONCURRENCY)
    batches = [
        list(questions[start : start + QUESTIONS_PER_QUERY]) for start in range(0, len(questions), QUESTIONS_PER_QUERY)
    ]
    failures: list[GitHubUnavailable] = []
    stops: list[GitContribError] = []

    async def ask(batch: list[AccountQuestion]) -> list[AccountAnswer]:
        answers: list[AccountAnswer] = []
        async with places:
            if stops or len(failures) >= CONCURRENCY:
                return []  # GitHub is down or refuses: the other batches would fail as well
            try:
                await _ask_halving(client, batch, answers)
            except GitHubUnavailable as error:
                failures.append(error)
            except GitContribError as error:
                stops.append(error)
        return answers

    pending = [asyncio.create_task(ask(batch)) for batch in batches]
    try:
        for next_done in asyncio.as_completed(pending):
            yield await next_done
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
    if stops:
        raise stops[0]
    if failures:
        raise AccountsUnavailable(f"GitHub could not say who owns some e-mails ({failures[0]}): the next run asks them")


async def _ask_halving(client: GitHubClient, batch: list[AccountQuestion], answers: list[AccountAnswer]) -> None:
    """Add to ``answers``, so that those of one half are there even if the other half fails."""
    try:
        answers += await _ask(client, batch)
    except QueryTooHeavy:
        if len(batch) <= _FEWEST_QUESTIONS:
            raise
        half = len(batch) // 2
        await _ask_halving(client, batch[:half], answers)
        await _ask_halving(client, batch[half:], answers)


async def _ask(client: GitHubClient, batch: list[AccountQuestion]) -> list[AccountAnswer]:
    by_repository: dict[str, list[AccountQuestion]] = {}
    for question in batch:
        if _SHA.fullmatch(question.sha) and is_repository_name(question.repository):
            by_repository.setdefault(question.repository, []).append(question)
    asked = list(by_repository.items())
    if not asked:
        return []
    data, errors = await client.graphql(_query(asked))
    asked_at = client.github_time()  # our own clock may be years ahead, and the answer then never be asked again
    paths = [error.get("path") for error in errors]
    failed = {tuple(map(str, path))[:2] for path in paths if isinstance(path, list)}
    placeless = any(not isinstance(path, list) for path in paths)
    if errors and not any(data.values()):
        types = {str(error.get("type") or "an error without a type") for error in errors}
        text = f"GraphQL answered with {printable(', '.join(sorted(types)))}"
        if any(_is_too_heavy(error) for error in errors):
            raise QueryTooHeavy(text)
        if types - {"NOT_FOUND"}:
            raise GitHubUnavailable(text)
    answers = []
    for r, (_, questions) in enumerate(asked):
        commits = data.get(f"r{r}")
        for c, question in enumerate(questions):
            try:
                user = commits[f"c{c}"]["author"]["user"]  # type: ignore[index]  # a null on the way is caught below
                account_id, login = _account(user)
            except _SENSELESS:
                continue  # a commit or an author that is not there
            # A null that an error explains is no answer; an error that does not say where it happened may be any null's.
            if (f"r{r}", f"c{c}") not in failed and (user or not placeless):
                answers.append(AccountAnswer(question.email, account_id, login, asked_at, "graphql"))
    return answers


def _account(user: Any) -> tuple[int | None, str | None]:
    """Id and login; only null means nobody. Raises one of _SENSELESS for an account that does not say which it is."""
    if user is None:
        return None, None
    account_id, login = _number(user, "databaseId"), _text(user, "login")
    if account_id is None:
        raise ValueError("an account without an id")
    return account_id, login and cut(login)


def _is_too_heavy(error: Mapping[str, Any]) -> bool:
    """Whether less at a time may go well: the second is what GitHub says when a query took too long."""
    message = str(error.get("message", "")).lower()
    return error.get("type") == "RESOURCE_LIMITS_EXCEEDED" or message.startswith("something went wrong")


def _query(asked: list[tuple[str, list[AccountQuestion]]]) -> str:
    """One alias per commit. Names and shas were checked against their alphabets, so they need no escaping."""
    parts = []
    for r, (repository, questions) in enumerate(asked):
        owner, _, name = repository.partition("/")
        commits = "".join(f'c{c}:object(oid:"{question.sha}"){{...a}}' for c, question in enumerate(questions))
        parts.append(f'r{r}:repository(owner:"{owner}",name:"{name}"){{{commits}}}')
    return f"query{{{''.join(parts)}}}fragment a on GitObject{{...on Commit{{author{{user{{databaseId login}}}}}}}}"
