"""The catalogue: which repositories there are, and what became of those that are no longer listed.

Public ones are kept in one list, from which everything else follows. Private ones are kept apart, and only if they are
asked for; nothing but the catalogue is made of them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
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
from git_contrib_assets.records import Repository, RepositoryName, Target
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
    private: set[int] = field(default_factory=set)
    """Repositories that were public once and were seen private just now: the tables are to be made without them."""
    private_repositories: list[Repository] = field(default_factory=list)
    """All repositories ever listed that were not public when they were listed last."""
    left_out: int = 0
    """Repositories seen just now that are not public, of which nothing was kept."""
    listed: int = 0
    """Targets that could be listed, if only in part."""
    rejected: int = 0
    """Records that made no sense."""


async def refresh_catalogue(
    client: GitHubClient, landing: LandingZone, targets: Sequence[Target], *, run_id: str, with_private: bool = False
) -> Catalogue:
    """List the targets for a run and land the result. If a target fails, the others are listed all the same.

    With ``with_private``, private repositories that the token may see are listed and kept, too. Raises TokenRefused and
    LimitReached at once; what was listed before is landed all the same.
    """
    catalogue = Catalogue()
    work = _Refresh(
        client,
        landing,
        run_id,
        catalogue,
        known={one.repository_id: one for one in landing.repositories.all()},
        known_private={one.repository_id: one for one in landing.catalogue.private_repositories.all()},
        with_private=with_private,
    )
    before = present(work.known.values(), work.known_private.values())
    try:
        for target in dict.fromkeys(targets):
            try:
                await work.refresh(target)
            except TokenRefused:
                raise
            except (TargetFailed, NotAllowed, GitHubUnavailable) as error:
                catalogue.failed[str(target)] = error
                reporter().target_failed(str(target), error)
    finally:
        catalogue.current = list(work.current.values())
        catalogue.everything = sorted(work.known.values(), key=lambda repository: repository.repository_id)
        catalogue.private_repositories = list(work.known_private.values())
        landing.repositories.write(catalogue.everything)
        landing.catalogue.private_repositories.write(catalogue.private_repositories)
        now = present(catalogue.everything, catalogue.private_repositories)
        landing.catalogue.names.write(names_since(landing.catalogue.names.all(), before, now))
    return catalogue


def mark_private(landing: LandingZone, repository_ids: Collection[int]) -> None:
    """Land that these repositories were seen private. The caller holds the crawl lock."""
    if repository_ids:
        landing.repositories.write(
            seen_private(one) if one.repository_id in repository_ids else one for one in landing.repositories.all()
        )


def seen_private(repository: Repository) -> Repository:
    """How a repository is kept that was seen private: under the name that it had while it was public."""
    since = repository.missing_since or repository.listed_at
    return replace(repository, is_private=True, missing_since=since, missing_reason="private")


@dataclass
class _Refresh:
    """Lists target after target.

    ``known`` are all repositories that were ever listed as public, ``known_private`` those that are not public, ``current``
    the public ones listed just now, by id.
    """

    client: GitHubClient
    landing: LandingZone
    run_id: str
    catalogue: Catalogue
    known: dict[int, Repository]
    known_private: dict[int, Repository]
    with_private: bool
    current: dict[int, Repository] = field(default_factory=dict)

    async def refresh(self, target: Target) -> None:
        """List one target, take over what is listed, then ask about what is not. Of an unknown target nothing is listed."""
        try:
            owner_type = _owner_type(self.known.values(), target)
            listing = await list_target(self.client, target, owner_type=owner_type, with_private=self.with_private)
        except UnknownTarget:
            await self._mark_missing(Listing(target))
            raise
        self._mark_private(listing.private)
        if target.name and listing.private and not self.with_private:
            await self._mark_missing(listing)
            raise TargetFailed(f"{target} is private: only public repositories are collected")
        self._merge(listing)
        self._merge_private(listing)
        self.landing.files.reject("repository", listing.rejected)
        reporter().listed(str(target), listing.repositories)
        if listing.rejected:
            reporter().rejected(len(listing.rejected), f"records in the list of {target} make no sense")
        await self._mark_missing(listing)
        await self._mark_private_missing(listing)
        if listing.note:
            raise TargetFailed(f"{target}: {listing.note}")

    def _merge(self, listing: Listing) -> None:
        """Take over what is listed; a repository of several targets is there once."""
        for listed in listing.repositories:
            if listed.repository_id not in listing.private:  # it may have turned private from one page to the next
                self._take(listed, of_owner=listing.target.name is None)
        self.catalogue.listed += 1
        self.catalogue.rejected += len(listing.rejected)

    def _merge_private(self, listing: Listing) -> None:
        """Keep the private repositories that were asked for; count the others."""
        public = {one.repository_id for one in listing.repositories} - listing.private
        for repository_id in public & self.known_private.keys():  # it is public now
            del self.known_private[repository_id]
        for listed in listing.private_repositories:
            before = self.known_private.get(listed.repository_id) or self.known.get(listed.repository_id)
            first_seen_at = before.first_seen_at if before else listed.first_seen_at
            self.known_private[listed.repository_id] = replace(
                listed, first_seen_at=first_seen_at, listed_by=self.run_id
            )
        if not listing.with_private:
            self.catalogue.left_out += len(listing.private)

    def _take(self, listed: Repository, *, of_owner: bool) -> None:
        """A repository that was just seen to be public."""
        before = self.known.get(listed.repository_id)
        # What landed before it was private is not built upon: it counts as seen for the first time.
        first_seen_at = before.first_seen_at if before and before.missing_reason != "private" else listed.first_seen_at
        # An owner's listing is worth more than a single target's: it also tells when the repository goes.
        target = before.target if before and before.missing_since is None and not of_owner else listed.target
        current = replace(listed, first_seen_at=first_seen_at, target=target, listed_by=self.run_id)
        self.known[listed.repository_id] = self.current[listed.repository_id] = current
        self.catalogue.private.discard(listed.repository_id)

    def _mark_private(self, repository_ids: Iterable[int]) -> None:
        for repository_id in set(repository_ids) & self.known.keys():
            self.known[repository_id] = seen_private(self.known[repository_id])
            self.current.pop(repository_id, None)
            self.catalogue.private.add(repository_id)

    async def _mark_missing(self, listing: Listing) -> None:
        """Ask once about each repository that this target listed before, and that no target has listed now."""
        if not listing.complete or listing.rejected:
            return
        target = str(listing.target).lower()
        for gone in [one for one in self.known.values() if one.target.lower() == target]:
            if gone.repository_id in self.current or gone.missing_since is not None:
                continue
            found, reason = await find_again(self.client, gone)
            if reason == "private":
                self._mark_private([gone.repository_id])
            elif found and found.owner_id == gone.owner_id and found.name == gone.name:
                self._take(found, of_owner=False)  # it slipped from page to page while we read them
            elif reason != "unavailable":  # then the next run asks again
                self._mark_gone(gone, found or gone, reason)

    async def _mark_private_missing(self, listing: Listing) -> None:
        """The same for private repositories, if this listing would have shown them."""
        shows_private = listing.with_private and self.client.signed_in
        if not shows_private or not listing.complete or listing.rejected:
            return
        target = str(listing.target).lower()
        for gone in [one for one in self.known_private.values() if one.target.lower() == target]:
            if gone.listed_by == self.run_id or gone.missing_since is not None:
                continue
            found, reason = await find_again(self.client, gone)
            if reason not in {"private", "unavailable"}:  # private: it slipped from page to page, or was moved
                now = found or gone
                self.known_private[gone.repository_id] = replace(
                    gone, missing_since=gone.listed_at, missing_reason=reason, repository=now.repository, name=now.name
                )

    def _mark_gone(self, gone: Repository, now: Repository, reason: str) -> None:
        self.known[gone.repository_id] = replace(
            gone,
            repository=now.repository,
            owner=now.owner,
            owner_id=now.owner_id,
            name=now.name,
            missing_since=gone.listed_at,
            missing_reason=reason,
        )


def present(public: Iterable[Repository], private: Iterable[Repository]) -> dict[int, Repository]:
    """Each repository as it was listed last, by id. One that is in both lists is public only if it was last seen so.

    The select ``marts/catalogue_repositories.sql`` says the same.
    """
    found = {one.repository_id: one for one in private}
    for one in public:
        if one.repository_id not in found or (not one.is_private and one.missing_since is None):
            found[one.repository_id] = one
    return found


def names_since(
    names: Iterable[RepositoryName], before: Mapping[int, Repository], now: Mapping[int, Repository]
) -> list[RepositoryName]:
    """The names, owners and visibilities that repositories had, after they changed from ``before`` to ``now``.

    What a repository is now has no last day. That of what it was is the day on which it was last listed so.
    """
    found = [one for one in names if one.last_day is not None]
    still = {one.repository_id: one for one in names if one.last_day is None}
    for repository_id, one in now.items():
        held = still.pop(repository_id, None)
        named = RepositoryName(
            repository_id=repository_id,
            repository=one.repository,
            owner_id=one.owner_id,
            owner=one.owner,
            visibility=_visibility(one),
            first_day=held.first_day if held else one.first_seen_at.date(),
            last_day=None,
        )
        if held and held != named:
            last_day = before[repository_id].listed_at.date() if repository_id in before else held.first_day
            found.append(replace(held, last_day=max(held.first_day, last_day)))
            named = replace(named, first_day=one.listed_at.date())
        found.append(named)
    # what a repository was, and is again on the same day, is one row: the later one
    return list({_key(one): one for one in [*found, *still.values()]}.values())


def _key(name: RepositoryName) -> tuple[object, ...]:
    return name.repository_id, name.first_day, name.repository, name.visibility


def _visibility(repository: Repository) -> str:
    """In GitHub's words; of one that an older version listed, only whether it is private is known."""
    if not repository.is_private:
        return "public"
    return repository.visibility if repository.visibility in {"private", "internal"} else "private"


def _owner_type(known: Iterable[Repository], target: Target) -> str | None:
    """What an earlier listing told of the owner: it saves a request."""
    return next((one.owner_type for one in known if one.owner.lower() == target.owner.lower()), None)
