"""Commits in one order, however many there are and in whatever order they come.

Newest first, by committer date, then by sha: so every source gives the same file for the same tip. Up to a run's
length they are sorted in memory; what is more is written to disk as sorted runs, which are merged as they are read.
"""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

ROWS_PER_RUN = 100_000  # 13 MB; twice that while it is sorted
ROWS_PER_READ = 8_000  # of each run, while they are merged
_ORDER = [("committed_at", "descending"), ("sha", "ascending")]


@contextlib.contextmanager
def in_order(
    batches: Iterable[pa.RecordBatch],
    beside: Path,
    *,
    landed: Iterator[pa.Table] | None = None,
    rows_per_run: int = ROWS_PER_RUN,
    rows_per_read: int = ROWS_PER_READ,
) -> Iterator[Iterator[pa.Table]]:
    """All commits of ``batches`` as tables in order, together with the ``landed`` ones, which are in order already.

    Runs lie in files beside ``beside`` for the length of the block. Raises what reading the batches raises, and OSError.
    """
    files: list[Path] = []
    try:
        runs: list[Iterator[pa.Table]] = [] if landed is None else [landed]
        waiting: list[pa.RecordBatch] = []
        rows = 0
        for batch in batches:
            waiting.append(batch)
            rows += batch.num_rows
            if rows >= rows_per_run:
                path = beside.with_name(f"{beside.name}.run{len(files)}")
                files.append(path)
                _write_run(_sorted(pa.Table.from_batches(waiting)), path, rows_per_read)
                waiting, rows = [], 0
        if waiting:
            runs.append(iter([_sorted(pa.Table.from_batches(waiting))]))
        runs += [_read_run(path) for path in files]
        yield runs[0] if len(runs) == 1 else _merged(runs)
    finally:
        for path in files:
            path.unlink(missing_ok=True)


def _sorted(table: pa.Table) -> pa.Table:
    whole = table.combine_chunks()  # sorting many small pieces takes much longer
    return whole.take(pc.sort_indices(whole, sort_keys=_ORDER))


def _write_run(table: pa.Table, path: Path, rows_per_read: int) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows_per_read)


def _read_run(path: Path) -> Iterator[pa.Table]:
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])


def _merged(runs: list[Iterator[pa.Table]]) -> Iterator[pa.Table]:
    """One table after the other, each with all rows up to the point that every run has been read to."""
    heads: list[tuple[pa.Table, Iterator[pa.Table]]] = []
    while True:
        heads = [(table, run) for table, run in heads if table.num_rows]
        heads += [(table, run) for run in runs for table in _next(run)]
        runs = []
        if not heads:
            return
        if len(heads) == 1:
            yield heads[0][0]
            yield from heads[0][1]
            return
        first = min(range(len(heads)), key=lambda number: _key(heads[number][0]))
        moment, sha = heads[first][0]["committed_at"][-1], heads[first][0]["sha"][-1]
        ready: list[pa.Table] = []
        for number, (table, run) in enumerate(heads):
            rows = table.num_rows if number == first else _rows_up_to(table, moment, sha)
            ready.append(table.slice(0, rows))
            heads[number] = (table.slice(rows), run)
            if rows == table.num_rows:
                runs.append(run)
        yield _sorted(pa.concat_tables(ready))


def _next(run: Iterator[pa.Table]) -> list[pa.Table]:
    """The next table of a run that has rows, if there is one."""
    return next(([table] for table in run if table.num_rows), [])


def _key(table: pa.Table) -> tuple[int, str]:
    """Where the last row of a table stands in the order."""
    return -table["committed_at"][-1].value, table["sha"][-1].as_py()


def _rows_up_to(table: pa.Table, moment: pa.Scalar, sha: pa.Scalar) -> int:
    """How many rows of a table come before that place in the order, or are at it."""
    newer = pc.greater(table["committed_at"], moment)
    same = pc.and_(pc.equal(table["committed_at"], moment), pc.less_equal(table["sha"], sha))
    return pc.sum(pc.or_(newer, same)).as_py() or 0
