"""The selects of the API: one per file, beside the code of its subject; parameters by name."""

from functools import cache
from importlib.resources import files


@cache
def select(name: str) -> str:
    """The text of a select; ``contributors/people`` is in ``api/contributors/people.sql``."""
    return files("api").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def count_of(name: str) -> str:
    """How many rows the select has."""
    return f"select count(*) as total from (\n{select(name)}\n)"  # noqa: S608 - text of our own files


def page_of(name: str, columns: tuple[str, ...], order: str) -> str:
    """The select in an order, cut to ``$limit`` rows from ``$offset``.

    ``columns`` and ``order`` are constants of this package (see parameters.py), never what a request said.
    """
    return (
        f"select {', '.join(columns)} from (\n{select(name)}\n)\n"  # noqa: S608 - text of our own files
        f"order by {order}\nlimit $limit offset $offset"
    )
