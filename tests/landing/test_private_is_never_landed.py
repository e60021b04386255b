"""Whatever happens to repositories, and whatever starts a crawl: only what was public is ever landed or published."""

import os
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest
from days import QUIET
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import sampled_from
from installations import LONG_AGO, commits

from git_contrib_assets.definitions import defs
from git_contrib_assets.graph.automation import DAILY_TAG, refresh_job
from git_contrib_assets.graph.listings import LISTED_BY_TAG
from git_contrib_assets.graph.partitions import RANGE_TAG
from git_contrib_assets.storage.home import Home
from git_contrib_assets.storage.landing_zone import LandingZone
from github_stand_in.git_objects import run_git
from github_stand_in.server import running

TOKEN = "ghp_may_read_everything"
OWNERS = ("acme", "forge")
TARGETS = ["acme", "forge/fire", "forge"]
IDS = (1, 2, 3, 4)
COMMITS = dg.AssetKey(["landing", "commits"])
LANDING = [dg.AssetKey(["landing", name]) for name in ("repositories", "commits", "crawl_log", "accounts")]
TABLES = refresh_job.selection.resolve(defs.resolve_asset_graph()) - set(LANDING)


class World(RuleBasedStateMachine):
    """Four repositories of two owners, on a stand-in with a token that may read all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = ExitStack()
        folder = Path(self.ends.enter_context(tempfile.TemporaryDirectory()))
        (folder / "github").mkdir()
        (folder / "github" / "repositories.json").write_text("[]")
        self.github = self.ends.enter_context(running(folder / "github", tokens=[f"{TOKEN}=reader:repo:acme,forge"]))
        self.home = Home(folder / "home")
        self.home.prepare()
        self.instance = self.ends.enter_context(dg.DagsterInstance.ephemeral())
        patch = self.ends.enter_context(pytest.MonkeyPatch.context())
        for name, value in {
            **self.github.environment(),
            "GITHUB_TOKEN": TOKEN,
            "GIT_CONTRIB_HOME": str(folder / "home"),
        }.items():
            patch.setenv(name, value)
        self.names = dict(zip(IDS, ("acme/anvil", "acme/bolt", "forge/fire", "forge/gold"), strict=True))
        self.private: set[int] = set()
        self.failing: set[str] = set()
        self.public_shas: dict[int, set[str]] = {number: set() for number in IDS}
        self.pushes = self.renames = 0

    def teardown(self) -> None:
        """Making all tables takes long: what is published is looked at once, at the end."""
        try:
            self.only_what_was_public_is_published()
        finally:
            self.ends.close()

    @initialize()
    def begin(self) -> None:
        for number, name in self.names.items():
            self.github.create(name, id=number)
            self.github.push(name, commits(f"founder{number}"), pushed_at=LONG_AGO)
        self._note_public()
        self.run()

    # What people do at GitHub

    @rule(number=sampled_from(IDS))
    def push(self, number: int) -> None:
        self.pushes += 1
        pushed_at = LONG_AGO + timedelta(hours=self.pushes)
        self.github.push(self.names[number], commits(f"person{self.pushes}"), pushed_at=pushed_at)
        self._note_public()

    @rule(number=sampled_from(IDS))
    def turn_private_and_push(self, number: int) -> None:
        self.private.add(number)
        self.github.update(self.names[number], private=True, visibility="private")
        self.push(number)

    @rule(number=sampled_from(IDS))
    def turn_public(self, number: int) -> None:
        self.private.discard(number)
        self.github.update(self.names[number], private=False, visibility="public")
        self._note_public()

    @rule(number=sampled_from(IDS))
    def rename(self, number: int) -> None:
        self.renames += 1
        owner, _, name = self.names[number].partition("/")
        new = f"{name.partition('-')[0]}-{self.renames}"
        self.github.rename(self.names[number], new)
        self.names[number] = f"{owner}/{new}"

    @rule(number=sampled_from(IDS))
    def give_its_name_to_a_new_one(self, number: int) -> None:
        """A name that is free again is taken by another repository, which nobody may take for the first."""
        freed = self.names[number]
        self.rename(number)
        self.github.create(freed, id=100 + self.renames)
        self.github.push(freed, commits(f"other{self.renames}"), pushed_at=LONG_AGO)
        self.github.remove(freed)

    @rule(owner=sampled_from(OWNERS))
    def let_its_list_fail(self, owner: str) -> None:
        self.failing ^= {owner}
        self.github.clear_faults()
        for one in self.failing:
            self.github.fault(kind="rest", path=f"/orgs/{one}/repos", status=422, body={"message": "no"})

    # What starts a crawl

    @rule()
    def run(self) -> None:
        """As ``git-contrib run``: a listing, then a crawl of what it brought."""
        listing = self._execute("catalogue", listing=True)
        if listing.success:
            self._execute("refresh", tags={LISTED_BY_TAG: listing.run_id, **self._range()}, only=LANDING[1:])

    @rule()
    def collect(self) -> None:
        """As the schedule: all in one run."""
        self._execute("collect", tags={DAILY_TAG: "yes", **self._range()}, only=LANDING, listing=True)

    @rule(number=sampled_from(IDS))
    def second_run_of_a_day_in_which_one_turns_private(self, number: int) -> None:
        """Between the listing and the crawl that it starts."""
        listing = self._execute("catalogue", listing=True)
        self.turn_private_and_push(number)
        if listing.success:
            tags = {DAILY_TAG: "yes", LISTED_BY_TAG: listing.run_id, **self._range()}
            self._execute("refresh", tags=tags, only=LANDING[1:])

    @precondition(lambda self: self._partitions())
    @rule(number=sampled_from(IDS))
    def partition_from_the_ui(self, number: int) -> None:
        partitions = self._partitions()
        tags = {"dagster/partition": partitions[number % len(partitions)]}
        self._execute("refresh", tags=tags, only=[COMMITS])

    @rule()
    def everything_from_the_ui(self) -> None:
        self._execute("refresh", tags=self._range(), only=LANDING[1:])

    # What must hold

    @invariant()
    def only_what_was_public_is_landed(self) -> None:
        for path in (self.home.landing / "commits").glob("*.parquet"):
            number = int(path.stem)
            if number:
                landed = set(pq.read_table(path, columns=["sha"])["sha"].to_pylist())
                assert landed <= self.public_shas.get(number, set()), self.names.get(number)

    def only_what_was_public_is_published(self) -> None:
        """And all that is public, as far as the lists come."""
        self.run()
        self._execute("refresh", only=sorted(TABLES))
        with duckdb.connect(str((self.home.published / "current.duckdb").resolve()), read_only=True) as snapshot:
            published = {number for (number,) in snapshot.execute("select repository_id from repositories").fetchall()}
            shas = {sha for (sha,) in snapshot.execute("select first_commit_sha from first_commits").fetchall()}
        listed = {number for number in IDS if self.names[number].partition("/")[0] not in self.failing}
        assert not published & self.private & listed
        assert shas <= set().union(*self.public_shas.values())
        assert published >= listed - self.private
        for number in listed - self.private:
            landed = LandingZone(self.home).commits.landed(number)
            assert landed is not None
            assert landed.tip == self._tip(number)

    def _note_public(self) -> None:
        """All commits of a repository are public while it is."""
        for number in set(IDS) - self.private:
            self.public_shas[number] |= set(run_git(self._folder(number), "rev-list", "main").split())

    def _folder(self, number: int) -> Path:
        return self.github.root / f"{self.names[number]}.git"

    def _tip(self, number: int) -> str:
        return run_git(self._folder(number), "rev-parse", "main").strip()

    def _partitions(self) -> list[str]:
        return list(self.instance.get_dynamic_partitions("repository"))

    def _range(self) -> dict[str, str]:
        names = self._partitions()
        return {f"{RANGE_TAG}start": names[0], f"{RANGE_TAG}end": names[-1]} if names else {}

    def _execute(
        self,
        job: str,
        *,
        tags: dict[str, str] | None = None,
        only: list[dg.AssetKey] | None = None,
        listing: bool = False,
    ) -> dg.ExecuteInProcessResult:
        config = {"ops": {"landing__repositories": {"config": {"targets": TARGETS}}}} if listing else {}
        return defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            run_config={**config, **QUIET},
            tags=tags,
            asset_selection=only,
            raise_on_error=False,
        )


def test_whatever_happens() -> None:
    """The same sequences each time; ``GIT_CONTRIB_EXAMPLES`` sets their number."""
    examples = int(os.environ.get("GIT_CONTRIB_EXAMPLES", "4"))
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        World,
        settings=settings(
            max_examples=examples,
            stateful_step_count=10,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
