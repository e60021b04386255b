"""The selects are files, and are put together from them alone."""

from pathlib import Path

import duckdb
import pytest

import api
from api.kit import queries

FOLDER = Path(api.__file__).parent
SELECTS = sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.sql"))


@pytest.mark.parametrize("name", SELECTS)
def test_every_select_is_read_by_its_path(name):
    """And can be counted and cut into pages: each is one statement without a semicolon at its end."""
    text = queries.select(name)
    assert text == (FOLDER / f"{name}.sql").read_text("utf-8")
    for statement in (queries.count_of(text), queries.page_of(text, ("a", "b"), "a")):
        assert len(duckdb.extract_statements(statement)) == 1


@pytest.mark.parametrize("name", SELECTS)
def test_every_select_is_used(name):
    """One that no module names is left over."""
    code = "\n".join(path.read_text("utf-8") for path in FOLDER.rglob("*.py"))
    assert f'"{name}"' in code
