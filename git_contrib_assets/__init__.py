"""Who is new in a GitHub organisation: new contributors per month, as a Dagster asset graph on DuckDB."""
