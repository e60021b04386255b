"""A table that fails its checks is not published, and who ran it is told which check it was."""

from collections.abc import Callable

import dagster as dg
import pytest
from histories import MadeHome, commit

from git_contrib_assets.definitions import defs
from git_contrib_assets.errors import NotPublished
from git_contrib_assets.runtime import pipeline
from git_contrib_assets.serving.contract.contributors import PUBLICATION
from git_contrib_assets.serving.publish import current_file, current_snapshot
from git_contrib_assets.storage.warehouse import open_warehouse

MakeTables = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def make_tables(made: MadeHome, monkeypatch: pytest.MonkeyPatch) -> MakeTables:
    """All that comes after landing, as one run."""
    monkeypatch.setenv("GIT_CONTRIB_HOME", str(made.home.root))
    made.repository(commit(), commit("bob@example.com", "2020-07-01"))
    job = defs.resolve_job_def("refresh")
    tables = [key for key in job.asset_layer.executable_asset_keys if key.path[0] in {"warehouse", "marts", "serving"}]

    def make(*hooks: dg.HookDefinition) -> dg.ExecuteInProcessResult:
        with dg.DagsterInstance.ephemeral() as instance:
            return job.with_hooks(set(hooks)).execute_in_process(
                instance=instance, asset_selection=tables, raise_on_error=False
            )

    return make


def test_the_last_good_snapshot_stays_and_the_check_is_named(
    made: MadeHome, make_tables: MakeTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make_tables().success
    before = current_snapshot(made.home, PUBLICATION)

    @dg.success_hook
    def damage(context: dg.HookContext) -> None:
        if context.op.name == "marts__first_commits":
            with open_warehouse(made.home, landing_as_before=True) as connection:
                connection.execute("delete from marts.first_commits where date = '2020-05-01'")

    made.land(1, [commit(), commit("zoe@example.com", "2020-08-01")])
    done = make_tables(damage)
    assert not done.success
    assert current_snapshot(made.home, PUBLICATION) == before
    error = pipeline._unexplained(made.home, done)
    assert isinstance(error, NotPublished)
    assert "first_commit_is_the_earliest of marts/first_commits" in str(error)
    assert "The previous snapshot is still served" in str(error)


@pytest.mark.parametrize("position", [0.0, 0.3, 0.6, 0.95])
def test_a_damaged_snapshot_stops_no_run(made: MadeHome, make_tables: MakeTables, position: float) -> None:
    """The comparison with it is a warning, and it is published again."""
    assert make_tables().success
    file = current_file(made.home, PUBLICATION)
    assert file is not None
    content = bytearray(file.read_bytes())
    content[int(len(content) * position)] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    done = make_tables()
    assert done.success
    (warned,) = [one for one in done.get_asset_check_evaluations() if not one.passed]
    assert warned.severity is dg.AssetCheckSeverity.WARN
    assert file.stem in str(warned.metadata)
    metadata = done.asset_materializations_for_node("serving__snapshot")[0].metadata
    assert file.stem in str(metadata["replaced"].value)
    assert current_snapshot(made.home, PUBLICATION)[0] == metadata["snapshot"].value != file.stem
