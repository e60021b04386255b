"""The copy as an asset: there where a database is named, and telling nothing of the way into it."""

import json

import asset_graph
import dagster as dg
import pytest
from dagster._core.test_utils import instance_for_test
from histories import MadeHome, commit
from postgresql_scene import Database
from pydantic import SecretStr

from git_contrib_assets.definitions import definitions, defs
from git_contrib_assets.graph.automation import collect_job, refresh_job
from git_contrib_assets.progress import Reporter, reporting_to
from git_contrib_assets.settings import Settings, using

KEY = dg.AssetKey(["serving", "postgresql"])
SNAPSHOT = dg.AssetKey(["serving", "snapshot"])


class Notes(Reporter):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, message: str) -> None:
        self.said.append(message)


def test_it_is_there_where_a_database_is_named() -> None:
    with_one = definitions(Settings.from_environment(postgres_url=SecretStr("postgresql://db.example/stats")))
    graph = with_one.resolve_asset_graph()
    plain = defs.resolve_asset_graph()
    assert graph.materializable_asset_keys - plain.materializable_asset_keys == {KEY}
    here, neighbour = graph.get(KEY), graph.get(SNAPSHOT)
    assert here.parent_keys == {SNAPSHOT, dg.AssetKey(["serving", "catalogue"])}
    assert here.group_name == neighbour.group_name
    assert here.automation_condition == neighbour.automation_condition
    assert here.description
    moved = {dg.AssetCheckKey(key, "every_repository_was_crawled") for key in (KEY, SNAPSHOT)}
    assert (
        graph.asset_check_keys ^ plain.asset_check_keys == moved
    )  # it stands on the last asset: it would hold back the copy
    for job in (collect_job, refresh_job):
        assert KEY in job.selection.resolve(graph)
    dg.Definitions.validate_loadable(with_one)


def test_without_one_the_graph_is_the_stored_one() -> None:
    assert KEY.to_user_string() not in json.loads(asset_graph.FILE.read_text("utf-8"))["assets"]
    assert (
        KEY not in definitions(Settings.from_environment(postgres_url=None)).resolve_asset_graph().get_all_asset_keys()
    )


def test_what_it_tells(made: MadeHome, database: Database, capfd: pytest.CaptureFixture[str]) -> None:
    """How many rows it changed, and where: without the user, the password or the URL, in Dagster's files too."""
    made.repository(commit(), commit("bob@example.com"))
    made.publish()
    settings = Settings.from_environment(home=made.home.root, postgres_url=SecretStr(database.url))
    graph, notes = definitions(settings), Notes()
    with using(settings), reporting_to(notes), instance_for_test() as instance:
        job = graph.resolve_implicit_global_asset_job_def()
        told, logs = [], ""
        for _ in range(2):
            result = job.execute_in_process(instance=instance, asset_selection=[KEY])
            (event,) = result.asset_materializations_for_node("serving__postgresql")
            told.append(event.metadata)
            logs += str(instance.all_logs(result.run_id))
    first, second = told
    assert (first["changed"].value, second["changed"].value) == (True, False)
    assert first["database"].value == database.place
    assert first["snapshots"].value == second["snapshots"].value
    rows = {row.data["table"]: row.data["inserted"] for row in first["rows"].records}
    assert rows["contributors"] == 2
    assert second["rows"].records == []
    assert [database.place in one for one in notes.said] == [True, True]
    assert database.place in logs
    shown = f"{logs} {notes.said} {capfd.readouterr()}"
    for secret in (*database.address.secrets, database.url, database.url.partition("@")[0]):
        assert secret not in shown


def test_a_failure_is_one_of_ours_and_holds_no_password(made: MadeHome, database: Database) -> None:
    made.repository(commit())
    made.publish()
    url = database.server.url(database.name, password="open-sesame")
    settings = Settings.from_environment(home=made.home.root, postgres_url=SecretStr(url))
    with using(settings), instance_for_test() as instance:
        job = definitions(settings).resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance, asset_selection=[KEY], raise_on_error=False)
        logs = str(instance.all_logs(result.run_id))
    assert not result.success
    assert "refuses the user or the password" in logs
    assert "sesame" not in logs
