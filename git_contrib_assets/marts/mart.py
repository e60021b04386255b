"""What a mart is: everything about one answer table, declared in one place. Standard library only."""

from dataclasses import dataclass

from git_contrib_assets.tables import Table


@dataclass(frozen=True)
class Rule:
    """A select that must return no row (``violations/<name>.sql``).

    ``counts`` are the columns of the mart's measures (``measures/<mart>.sql``) that are shown with the result, so that a
    passing check says how many rows it covered. A rule that is not ``blocking`` only warns.
    """

    name: str
    description: str
    counts: tuple[str, ...] = ()
    blocking: bool = True


@dataclass(frozen=True)
class Mart:
    """A table of answers, built by the select ``marts/<table>.sql``.

    From it follow its asset with the dependencies that its select reads, the checks of its key and of its texts, its part of
    the data dictionary, and its place in the publication of its ``subject``. What the Dagster UI shows beside the columns is
    optional: the files ``plots/<table>.sql`` (numbers per month), ``previews/<table>.sql`` (a few rows) and
    ``measures/<table>.sql`` (one row of numbers for the checks) are used if they exist.
    """

    table: Table
    subject: str
    about: str
    """What a reader of the asset page must know beyond the grain and the key."""
    api: str | None = None
    """The path under which the API serves it."""
    rules: tuple[Rule, ...] = ()
    is_private: bool = False
    """It may hold what is not public, so it is never part of a public publication; its texts may be addresses."""
