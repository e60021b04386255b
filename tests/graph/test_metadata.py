"""What an asset's page in the Dagster UI shows: of every table its grain, columns, code, and numbers that can be plotted."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from histories import NOW, MadeHome, commit

from api.kit.settings import Settings as ApiSettings
from api.main import create_app
from git_contrib_assets.definitions import defs
from git_contrib_assets.graph import metadata
from git_contrib_assets.graph.metadata import published_metadata
from git_contrib_assets.marts import catalogue
from git_contrib_assets.records import AccountAnswer
from git_contrib_assets.serving.contract import catalogue as catalogue_contract
from git_contrib_assets.serving.contract.contributors import PUBLICATION, SNAPSHOT
from git_contrib_assets.settings import OUR_API
from git_contrib_assets.storage import landing_zone as landing
from git_contrib_assets.storage.landed.catalogue import OWNERS
from git_contrib_assets.storage.warehouse import table_name
from git_contrib_assets.tables import Table
from git_contrib_assets.warehouse import tables as warehouse

SHORTEST_HIDDEN = 1000
"""The UI hides Markdown of so many characters behind a link."""
GRAPH = defs.resolve_asset_graph()
NODES = {node.key.to_user_string(): node for node in GRAPH.asset_nodes if node.is_materializable}
MARTS = {f"marts/{table.name}": table for table in PUBLICATION.all_tables if f"marts/{table.name}" in NODES}
DESCRIBED = {
    **MARTS,
    **{f"warehouse/{table.name}": table for table in warehouse.TABLES},
    **{f"landing/{table.name}": table for table in landing.TABLES},
    **{f"marts/{mart.table.name}": mart.table for mart in catalogue.MARTS},
    "landing/owners": OWNERS,
    "serving/snapshot": SNAPSHOT,
    "serving/catalogue": catalogue_contract.SNAPSHOT,
}
ABOUT_THE_CATALOGUE = {
    "landing/owners",
    "serving/catalogue",
    *(f"marts/{mart.table.name}" for mart in catalogue.MARTS),
}
every_asset = pytest.mark.parametrize("key", sorted(NODES))
every_mart = pytest.mark.parametrize("key", sorted(MARTS))


def value(key: str, name: str) -> Any:
    """A value of an asset's definition, or None."""
    found = NODES[key].metadata.get(name)
    return getattr(found, "value", found)


def test_every_asset_is_described() -> None:
    assert DESCRIBED.keys() == NODES.keys()


@every_asset
def test_the_first_sentence_is_the_grain(key: str) -> None:
    description = NODES[key].description or ""
    assert description.startswith(DESCRIBED[key].grain + ".")
    if not key.startswith("serving/"):
        assert f"Key: {', '.join(f'`{column}`' for column in DESCRIBED[key].key)}" in description


@every_asset
def test_columns_are_those_of_the_data_dictionary(key: str) -> None:
    schema = value(key, "dagster/column_schema")
    found = [(column.name, column.type, column.description) for column in schema.columns]
    assert found == [(column.name, column.type, column.description) for column in DESCRIBED[key].columns]
    assert {column.name for column in schema.columns if not column.constraints.nullable} == set(DESCRIBED[key].key)


@every_asset
def test_everything_has_a_kind_an_owner_a_group_and_a_version(key: str) -> None:
    node = NODES[key]
    assert node.kinds
    assert node.owners == ["team:data"]
    subject = "catalogue" if key in ABOUT_THE_CATALOGUE else "contributors"
    assert node.group_name == f"{subject}/{node.key.path[0]}"
    assert node.tags["layer"] == key.partition("/")[0]
    assert node.code_version


def test_personal_data_are_marked() -> None:
    """Where there is a name, a login or an address of a person, or something private; snapshots hold such tables."""
    assert {key for key, node in NODES.items() if "pii" in node.tags} == {
        "landing/commits",
        "landing/accounts",
        "warehouse/commits",
        "warehouse/authors",
        "marts/contributors",
        "marts/first_commits",
        "marts/catalogue_names",
        "marts/catalogue_owners",
        "marts/catalogue_repositories",
        "marts/public_owners",
        "landing/owners",
        "serving/snapshot",
        "serving/catalogue",
    }


@every_mart
def test_a_mart_is_fresh_for_a_day_and_a_half(key: str) -> None:
    policy = NODES[key].freshness_policy_or_from_metadata
    assert policy is not None
    assert policy.fail_window.to_timedelta().total_seconds() == 36 * 3600


def test_links_lead_to_the_api(tmp_path: Path) -> None:
    app = create_app(ApiSettings(published=tmp_path))
    links = [str(link) for key in NODES if (link := value(key, "served_by"))]
    assert len(links) == 5
    for link in links:
        assert link.removeprefix(OUR_API) in app.openapi()["paths"]
    app.state.store.close()


def test_links_lead_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONTRIB_API_URL", "https://contributors.example/ ")
    found = metadata.definition_metadata(SNAPSHOT, api="/v1/meta")
    assert found["served_by"].value == "https://contributors.example/v1/meta"


# Code


def test_from_a_checkout_every_asset_leads_to_its_code() -> None:
    for key in NODES:
        references = value(key, "dagster/code_references").code_references
        assert references
        assert all(Path(one.file_path).is_file() for one in references)
        if key.partition("/")[0] in {"marts", "warehouse"}:
            assert [Path(one.file_path).name for one in references] == [f"{DESCRIBED[key].name}.sql"]


def test_an_installed_package_names_no_path(tmp_path: Path) -> None:
    assert metadata.code_references(["marts/contributors.sql"], checkout=tmp_path) == {}


# The columns are there


def test_described_columns_are_those_of_the_tables(made: MadeHome) -> None:
    with made.building() as connection:
        for layer, tables in (("warehouse", warehouse.TABLES), ("landing", landing.TABLES)):
            for table in tables:
                name = table_name(layer, table.name) if layer == "warehouse" else f"landing.{table.name}"
                rows = connection.execute(f"describe {name}").fetchall()
                assert [(row[0], row[1]) for row in rows] == [(one.name, one.type) for one in table.columns], name


# What a run adds


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeHome:
    """Two repositories, and a person with a name."""
    made = MadeHome(tmp_path_factory.mktemp("pages") / "home")
    made.repository(
        commit("secret@example.com", "2021-02-03", name="Secret Name"),
        *(commit(f"p{number}@example.com", "2020-09-01", name=f"Person {number}") for number in range(12)),
    )
    made.repository(commit("bob@example.com", "2019-05-01"), repository_id=2, name="acme/with|bar")
    made.answers([AccountAnswer("secret@example.com", 7, "secret-login", NOW, "graphql")])
    return made


def shown(made: MadeHome, table: Table) -> dict[str, Any]:
    with made.building() as connection:
        return published_metadata(connection, table, as_of=NOW)


@every_mart
def test_a_run_shows_numbers_rows_and_a_plot(made: MadeHome, key: str) -> None:
    found = shown(made, MARTS[key])
    assert {name for name, one in found.items() if isinstance(one, int)} == {
        "dagster/row_count",
        "new_in_12_months",
        "new_last_month",
    }
    assert 0 < len(found["newest_rows"].records) <= 10
    text = found["last_24_months"].value
    assert len(text) < SHORTEST_HIDDEN
    everything = repr(found)
    assert "@" not in everything
    assert "Secret Name" not in everything
    assert "Person " not in everything


def test_the_numbers_are_those_of_the_months(made: MadeHome) -> None:
    found = shown(made, MARTS["marts/monthly_new_contributors"])
    assert (found["new_last_month"], found["new_in_12_months"]) == (1, 13)
    people = shown(made, MARTS["marts/contributors"])
    assert (people["dagster/row_count"], people["new_last_month"], people["new_in_12_months"]) == (14, 1, 13)
    first = shown(made, MARTS["marts/first_commits"])["newest_rows"].records[0].data
    assert (first["login"], first["since"]) == ("secret-login", "2021-02-03")


def test_rows_keep_their_types() -> None:
    table = metadata.rows_as_table(("a", "b", "c"), [(1, None, date(2020, 1, 1))])
    assert isinstance(table, dg.TableMetadataValue)
    assert table.records[0].data == {"a": 1, "b": None, "c": "2020-01-01"}
