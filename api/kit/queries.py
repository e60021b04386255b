"""Reads the selects of the API: one per file, beside the code that uses it, with named parameters."""

from functools import cache
from importlib.resources import files


@cache
def select(name: str) -> str:
    """The text of a select, such as ``contributors/people`` in ``api/contributors/people.sql``."""
    return files("api").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def count_of(text: str) -> str:
    """A select of the number of rows of a select."""
    return f"select count(*) as total from (\n{text}\n)"  # noqa: S608 - text of our own files


def page_of(text: str, columns: tuple[str, ...], order: str) -> str:
    """A select with an order, cut to ``$limit`` rows from ``$offset`` on.

    ``columns`` and ``order`` must be names of columns (see ``ListQuery``), never text from a request.
    """
    return (
        f"select {', '.join(columns)} from (\n{text}\n)\n"  # noqa: S608 - text of our own files
        f"order by {order}\nlimit $limit offset $offset"
    )
