"""The catalogue: which repositories there are, and what became of those that are listed no more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from git_contrib_assets.errors import (
    GitContribError,
    GitHubUnavailable,
    NotAllowed,
    TargetFailed,
    TokenRefused,
    UnknownTarget,
)
from git_contrib_assets.progress import reporter
from git_contrib_assets.records import Repository, Target
from git_contrib_assets.sources.github.client import GitHubClient
from git_contrib_assets.sources.github.listing import Listing, find_again, list_target
from git_contrib_assets.storage.landing_zone import LandingZone


@dataclass
class Catalogue:
    """What listing the targets brought."""

    current: list[Repository] = field(default_factory=list)
    """The targets' repositories as listed just now."""
    everything: list[Repository] = field(default_factory=list)
    """All repositories ever listed, of any target."""
    failed: dict[str, GitContribError] = field(default_factory=dict)
    """Targets that could not be listed."""
    listed: int = 0
    """Targets that could be listed, if only in part."""
    rejected: int = 0
    """Records that made no sense."""


async def refresh_catalogue(client: GitHubClient, landing: LandingZone, targets: Sequence[Target]) -> Catalogue:
    """List the targets and land the result. One target's failure is one target's failure.

    Raises TokenRefused and LimitReached at once; what was listed before is landed all the same.
    """
    known = {repository.repository_id: repository for repository in landing.repositories.all()}
    catalogue = Catalogue()
    try:
        for target in dict.fromkeys(targets):
            try:
                await _refresh(client, landing, target, catalogue, known)
            except TokenRefused:
                raise
            except (TargetFailed, NotAllowed, GitHubUnavailable) as error:
                catalogue.failed[str(target)] = error
                reporter().target_failed(str(target), error)
    finally:
        catalogue.everything = sorted(known.values(), key=lambda repository: repository.repository_id)
        landing.repositories.write(catalogue.everything)
    return catalogue


async def _refresh(
    client: GitHubClient, landing: LandingZone, target: Target, catalogue: Catalogue, known: dict[int, Repository]
) -> None:
    """List one target, take over what is listed, then ask about what is not. Of an unknown target nothing is listed."""
    try:
        listing = await list_target(client, target, owner_type=_owner_type(known.values(), target))
    except UnknownTarget:
        await _mark_missing(client, Listing(target), catalogue, known)
        raise
    _merge(catalogue, listing, known)
    landing.files.reject("repository", listing.rejected)
    reporter().listed(str(target), listing.repositories)
    if listing.rejected:
        reporter().rejected(len(listing.rejected), f"records in the list of {target} make no sense")
    await _mark_missing(client, listing, catalogue, known)
    if listing.note:
        raise TargetFailed(f"{target}: {listing.note}")


def _owner_type(known: Iterable[Repository], target: Target) -> str | None:
    """What an earlier listing told of the owner: it saves a request."""
    return next((one.owner_type for one in known if one.owner.lower() == target.owner.lower()), None)


def _merge(catalogue: Catalogue, listing: Listing, known: dict[int, Repository]) -> None:
    """Take over what is listed; a repository of several targets is there once."""
    taken = {repository.repository_id for repository in catalogue.current}
    for listed in listing.repositories:
        before = known.get(listed.repository_id)
        first_seen_at = before.first_seen_at if before else listed.first_seen_at
        # An owner's listing is worth more than a single target's: it also tells when the repository goes.
        target = before.target if before and before.missing_since is None and listing.target.name else listed.target
        known[listed.repository_id] = current = replace(listed, first_seen_at=first_seen_at, target=target)
        if listed.repository_id not in taken:
            catalogue.current.append(current)
            taken.add(listed.repository_id)
    catalogue.listed += 1
    catalogue.rejected += len(listing.rejected)


async def _mark_missing(
    client: GitHubClient, listing: Listing, catalogue: Catalogue, known: dict[int, Repository]
) -> None:
    """Ask once about each repository that this target listed before, and that no target has listed now."""
    if not listing.complete or listing.rejected:
        return
    listed = {repository.repository_id for repository in catalogue.current}
    target = str(listing.target).lower()
    for gone in [one for one in known.values() if one.target.lower() == target and one.repository_id not in listed]:
        if gone.missing_since is not None:
            continue
        found, reason = await find_again(client, gone)
        if reason == "unavailable" or (found and found.owner_id == gone.owner_id and found.name == gone.name):
            continue  # the next run asks again; one that is still there slipped from page to page while we read them
        now = found or gone
        known[gone.repository_id] = replace(
            gone,
            repository=now.repository,
            owner=now.owner,
            owner_id=now.owner_id,
            name=now.name,
            missing_since=gone.listed_at,
            missing_reason=reason,
        )
