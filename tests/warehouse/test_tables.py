"""The selects themselves: what each says it reads is what it reads, and what its asset waits for."""

import re
from dataclasses import replace
from importlib.resources import files

import pytest
from histories import DAY, NOW, MadeHome, commit, tables_in_order

from git_contrib_assets.definitions import defs
from git_contrib_assets.landing.ask_accounts import open_questions
from git_contrib_assets.landing.crawl import is_unchanged
from git_contrib_assets.storage.landed.addresses import WHITESPACE
from git_contrib_assets.storage.warehouse import code_version, read_select
from git_contrib_assets.tables import DEFINITION_VERSION

LAYERS = {"typed": "warehouse", "marts": "marts"}
LANDING = {
    "landing.repositories": {"landing/repositories"},
    "landing.histories": {"landing/crawl_log"},
    "landing.crawl_log": {"landing/crawl_log"},
    "landing.commits": {"landing/crawl_log"},
    "landing.accounts": {"landing/accounts"},
    "landing.owners": {"landing/owners"},
    "landing.private_repositories": {"landing/repositories"},
    "landing.repository_names": {"landing/repositories"},
}


def tables_read(text: str) -> set[str]:
    """The tables that a select names after from and join."""
    code = re.sub(r"--.*", "", text)
    return set(re.findall(r"\b(?:from|join)\s+((?:typed|marts|landing)\.\w+)", code))


def said(text: str) -> set[str]:
    """The tables that its header says it reads."""
    (line,) = re.findall(r"^-- reads: (.*)$", text, re.MULTILINE)
    return set(re.findall(r"\b(?:typed|marts|landing)\.\w+", line))


TABLES = (*tables_in_order(), *tables_in_order("catalogue"))
every_table = pytest.mark.parametrize(("layer", "name"), TABLES)


@every_table
def test_a_select_reads_what_it_says(layer: str, name: str) -> None:
    text = read_select(layer, name)
    assert tables_read(text) == said(text)


@every_table
def test_an_asset_waits_for_what_its_select_reads(layer: str, name: str) -> None:
    parents = {
        "/".join(key.path)
        for key, node in ((node.key, node) for node in defs.resolve_asset_graph().asset_nodes)
        if key.path == [layer, name]
        for key in node.parent_keys
    }
    for table in tables_read(read_select(layer, name)):
        schema, read = table.split(".")
        wanted = LANDING[table] if schema == "landing" else {f"{LAYERS[schema]}/{read}"}
        assert wanted <= parents, f"{layer}/{name} reads {table}"


def test_every_select_is_an_asset() -> None:
    found = {
        (layer, file.name.removesuffix(".sql"))
        for layer in ("warehouse", "marts")
        for file in files("git_contrib_assets").joinpath(layer).iterdir()
        if file.name.endswith(".sql") and file.name not in {"catalogue_views.sql", "landing_views.sql", "macros.sql"}
    }
    assert found == set(TABLES)


def test_a_code_version_is_that_of_the_text() -> None:
    versions = {code_version(layer, name) for layer, name in TABLES}
    assert len(versions) == len(TABLES)


def test_a_new_version_of_the_definitions_asks_for_no_new_crawl(made: MadeHome) -> None:
    """A file landed under older definitions keeps their number, is not fetched again, and counts by the new ones."""
    made.repository(commit(committed="1970-01-01"), pushed_at=NOW - DAY)
    landed = made.landing.commits.landed(1)
    assert landed
    made.landing.commits.stamp(replace(landed, definition_version=DEFINITION_VERSION - 1))
    old = made.landing.commits.landed(1)
    assert old
    assert old.definition_version == DEFINITION_VERSION - 1
    assert is_unchanged(made.listed[1], old)
    assert made.newcomers() == {"2020-05": 1}


def test_addresses_are_normalised_alike_where_they_are_asked_and_where_answers_are_used(made: MadeHome) -> None:
    """What landing asks about (Arrow) must be what the tables look up (DuckDB): else an answer is never found."""
    letters = "ÀÉÎÕÜßẞÇĞİIıŁŒŠŽΑΣΊΣςЖЯЁЇҐԱႠᎠⅫⒶＡǅǆΩKÅ"  # noqa: RUF001 - that is what they are for
    made.repository(
        *(commit(f"{space}x{letter}y@example.com{space}") for letter in letters for space in (*WHITESPACE, ""))
    )
    asked = {question.email for question in open_questions(made.landing, made.listed.values())}
    with made.building() as connection:
        looked_up = connection.execute("select distinct typed.normalised(author_email) from landing.commits").fetchall()
    assert asked == {row[0] for row in looked_up}
    assert len(asked) < len(letters) + 1
