"""Asks GitHub about the owners of catalogued repositories, each once a month, and keeps the answers."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from git_contrib_assets.landing.catalogue import present
from git_contrib_assets.records import OwnerAnswer, Repository
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.sources.github.owners import OwnerAnswers, ask_owners
from git_contrib_assets.storage.landing_zone import LandingZone

OLDEST_ANSWER = timedelta(days=30)


def open_questions(landing: LandingZone, now: datetime) -> dict[int, str]:
    """Logins of the owners about whom there is no answer of the last 30 days, by id."""
    answered = {one.owner_id for one in landing.catalogue.owners.all() if now - one.asked_at < OLDEST_ANSWER}
    everything = present(landing.repositories.all(), landing.catalogue.private_repositories.all()).values()
    return {owner_id: login for owner_id, login in _logins(everything).items() if owner_id not in answered}


async def refresh_owners(client: GitHubClient, landing: LandingZone) -> OwnerAnswers:
    """Ask what is not known yet and keep the answers, the newest of each owner. Raises TokenRefused, LimitReached."""
    questions = open_questions(landing, client.github_time())
    if not questions:
        return OwnerAnswers()
    found = await ask_owners(client, questions)
    answers = {one.owner_id: one for one in landing.catalogue.owners.all()}
    landing.catalogue.owners.write(_newest(answers, found.answers).values())
    return found


def _newest(answers: dict[int, OwnerAnswer], found: Iterable[OwnerAnswer]) -> dict[int, OwnerAnswer]:
    return answers | {one.owner_id: one for one in found}


def _logins(repositories: Iterable[Repository]) -> dict[int, str]:
    """The login of each owner by the newest listing: an owner may have been renamed."""
    oldest_first = sorted(repositories, key=lambda one: one.listed_at)
    return {one.owner_id: one.owner for one in oldest_first}
