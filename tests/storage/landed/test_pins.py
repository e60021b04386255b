"""Tables and checks of a run see one state of landing, whatever crawls of other runs land meanwhile."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from histories import MadeHome, commit

from git_contrib_assets.definitions import defs
from git_contrib_assets.errors import StorageError
from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.publish import current_file
from git_contrib_assets.storage.landed.pins import link_or_copy, pin
from git_contrib_assets.storage.landing_zone import LandingZone
from git_contrib_assets.storage.subjects import CONTRIBUTORS
from git_contrib_assets.storage.warehouse import open_warehouse
from git_contrib_assets.warehouse.tables import TABLES

COMMITS = "select count(*) from landing.commits"


@pytest.fixture
def landed(made: MadeHome) -> MadeHome:
    """Two repositories."""
    made.repository(commit(), commit("bob@example.com", "2020-07-01"))
    made.repository(commit(when="2020-06-01"), repository_id=2)
    return made


def commits(home: MadeHome, *, landing_as_before: bool) -> int:
    with open_warehouse(home.home, landing_as_before=landing_as_before) as connection:
        return int(connection.execute(COMMITS).fetchall()[0][0])


def test_what_lands_later_is_seen_when_landing_is_read_anew(landed: MadeHome) -> None:
    assert commits(landed, landing_as_before=False) == 3
    landed.land(2, [commit(), commit(), commit()])
    assert commits(landed, landing_as_before=True) == 3
    assert commits(landed, landing_as_before=False) == 5
    landed.landing.files.set_aside(landed.landing.commits.file(1), "as a damaged one is")
    assert commits(landed, landing_as_before=True) == 5
    assert commits(landed, landing_as_before=False) == 3


def test_what_lands_while_a_table_is_read_is_not_seen(landed: MadeHome) -> None:
    with open_warehouse(landed.home) as connection:
        landed.land(2, [commit(), commit(), commit()])
        assert connection.execute(COMMITS).fetchall() == [(3,)]


@pytest.mark.parametrize("after", TABLES, ids=lambda table: table.name)
def test_a_run_whose_tables_are_made_while_another_lands_is_a_good_one(
    landed: MadeHome, after: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any table: of new commits, earlier than all others, the checks and the snapshot see nothing."""
    monkeypatch.setenv("GIT_CONTRIB_HOME", str(landed.home.root))

    @dg.success_hook
    def land(context: dg.HookContext) -> None:
        if context.op.name == f"warehouse__{after.name}":
            landed.land(1, [commit("zoe@example.com", "2019-01-01"), commit("ann@example.com", "2019-02-01"), commit()])
            landed.landing.prepare()
            steps.append(context.op.name)

    steps: list[str] = []
    job = defs.resolve_job_def("refresh").with_hooks({land})
    tables = [key for key in job.asset_layer.executable_asset_keys if key.path[0] in {"warehouse", "marts", "serving"}]
    with dg.DagsterInstance.ephemeral() as instance:
        done = job.execute_in_process(instance=instance, asset_selection=tables, raise_on_error=False)
    assert done.success
    assert steps == [f"warehouse__{after.name}"]
    failed = [one for one in done.get_asset_check_evaluations() if not one.passed]
    assert not failed
    with duckdb.connect(str(current_file(landed.home, PUBLICATION)), read_only=True) as connection:
        counted = "select sum(number_of_new_contributors) from monthly_new_contributors"
        assert connection.execute(counted).fetchall() == [(3,)]


def test_a_kill_while_landing_is_pinned_leaves_what_was_or_nothing(
    landed: MadeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each rename and each removal may be the last thing that a process does."""
    pin_landing(landed)
    moments = ("link", "rename", "rmtree")
    for moment in moments:
        landed.land(2, [commit(), commit()])
        with monkeypatch.context() as patch:
            if moment != "link":
                patch.setattr(Path if moment == "rename" else shutil, moment, _die)
            with pytest.raises(KeyboardInterrupt):
                pin_landing(landed, link=_die if moment == "link" else link_or_copy)
        assert commits(landed, landing_as_before=True) in {3, 4}
        landed.land(2, [commit()])
        assert commits(landed, landing_as_before=False) == 3
        assert sorted(path.name for path in landed.landing.folder.glob("built_from*")) == ["built_from"]


def pin_landing(landed: MadeHome, link: Callable[[Path, Path], None] = link_or_copy) -> None:
    """Pin what the contributors' tables are built from."""
    pin(landed.home.landing, CONTRIBUTORS.landed, landed.home.built_from, link=link)


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_files_that_go_while_they_are_linked_make_it_look_again(landed: MadeHome) -> None:
    """A crawl that begins puts the answers of many files into one."""
    gone = []

    def link_late(file: Path, to: Path) -> None:
        if not gone:
            gone.append(file)
            landed.landing.files.set_aside(file, "as a damaged one is")
        link_or_copy(file, to)

    pin_landing(landed, link=link_late)
    pinned = {path.name for path in (landed.home.built_from / "commits").iterdir()}
    assert pinned == {path.name for path in landed.landing.commits.folder.iterdir()}
    with pytest.raises(StorageError, match="come and go"):
        pin_landing(landed, link=_is_gone)


def _is_gone(file: Path, to: Path) -> None:
    raise FileNotFoundError(errno.ENOENT, "No such file")


def test_where_there_are_no_links_files_are_copied(landed: MadeHome, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(self: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    landed.build()
    assert landed.newcomers(2) == {"2020-06": 1}
    for file in landed.landing.commits.folder.iterdir():
        assert (landed.home.built_from / "commits" / file.name).read_bytes() == file.read_bytes()


def test_the_key_is_only_written_where_there_is_none(landed: MadeHome) -> None:
    """Tables need it while a crawl sweeps half-written files away."""
    key, before = landed.landing.key(), landed.landing.folder.stat().st_mtime_ns
    assert LandingZone(landed.home).key() == key
    assert landed.landing.folder.stat().st_mtime_ns == before
