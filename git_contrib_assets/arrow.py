"""Tables as Arrow schemas: the types of landing files follow from the tables' declarations."""

from collections.abc import Sequence

import pyarrow as pa

from git_contrib_assets.tables import Column

_TYPES = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "VARCHAR": pa.string(),
}


def arrow_schema(columns: Sequence[Column], *, unit: str = "us") -> pa.Schema:
    """The Arrow schema of these columns, with times in ``unit``."""
    kinds = _TYPES | {"TIMESTAMP": pa.timestamp(unit)}
    return pa.schema([pa.field(column.name, kinds[column.type], nullable=column.nullable) for column in columns])
