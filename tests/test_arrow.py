"""Arrow schemas follow from the declarations of tables."""

import pyarrow as pa
import pytest

from git_contrib_assets.arrow import arrow_schema
from git_contrib_assets.tables import Column


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("BIGINT", pa.int64()),
        ("BOOLEAN", pa.bool_()),
        ("DATE", pa.date32()),
        ("DOUBLE", pa.float64()),
        ("INTEGER", pa.int32()),
        ("TIMESTAMP", pa.timestamp("us")),
        ("VARCHAR", pa.string()),
    ],
)
def test_a_type_has_one_arrow_type(declared: str, expected: pa.DataType) -> None:
    """Times are kept to the microsecond, without a zone."""
    assert arrow_schema([Column("one", declared, "")]).field("one").type == expected


def test_names_order_and_nullability_are_kept() -> None:
    """A column that may not be null may not be null in the file either."""
    schema = arrow_schema([Column("b", "BIGINT", "", nullable=False), Column("a", "VARCHAR", "")])
    assert [(field.name, field.nullable) for field in schema] == [("b", False), ("a", True)]


def test_times_are_in_the_unit_asked_for() -> None:
    """Landing files of commits hold milliseconds."""
    schema = arrow_schema([Column("at", "TIMESTAMP", ""), Column("day", "DATE", "")], unit="ms")
    assert schema.types == [pa.timestamp("ms"), pa.date32()]


def test_an_unknown_type_is_refused() -> None:
    """A mistyped declaration ends at import, not in a file."""
    with pytest.raises(KeyError, match="BIGNIT"):
        arrow_schema([Column("one", "BIGNIT", "")])
