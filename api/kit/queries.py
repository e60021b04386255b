"""Reads the selects of the API: one per file, beside the code that uses it, with named parameters."""

from functools import cache
from importlib.resources import files


@cache
def select(name: str) -> str:
    """The text of a select, such as ``contributors/people`` in ``api/contributors/people.sql``."""
    return files("api").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def count_of(name: str) -> str:
    """A select of the number of its rows."""
    return f"select count(*) as total from (\n{select(name)}\n)"  # noqa: S608 - text of our own files


def page_of(name: str, columns: tuple[str, ...], order: str) -> str:
    """The select with an order, cut to ``$limit`` rows from ``$offset`` on.

    ``columns`` and ``order`` must be names of columns (see ``ListQuery``), never text from a request.
    """
    return (
        f"select {', '.join(columns)} from (\n{select(name)}\n)\n"  # noqa: S608 - text of our own files
        f"order by {order}\nlimit $limit offset $offset"
    )
