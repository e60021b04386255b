"""GitHub's lists of commits: what we take of them, as rows and accounts, and the rows as record batches.

Every part of an author may be missing; a reply of any other odd shape makes no sense, and says so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from git_contrib_assets.errors import (
    HistoryCorrupt,
    HistoryUnavailable,
    RepositoryBlocked,
    RepositoryFailed,
    RepositoryNotFound,
)
from git_contrib_assets.logs import redacted
from git_contrib_assets.records import Repository
from git_contrib_assets.sources.github.client import explain
from git_contrib_assets.sources.histories.protocol import COMMIT_SCHEMA
from git_contrib_assets.sources.text import cut

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_WEB_INTERFACE = "web-flow"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_DATE = "1970-01-01T00:00:00Z"
_LATE_YEAR = re.compile(r"\+?\d{5,}-\d\d-\d\dT")
_EARLIEST, _LATEST = -62135596800_000, 253402300799_000  # years 1 to 9999, in milliseconds since 1970
_LARGEST_ID = (1 << 63) - 1
_SENSELESS = (TypeError, ValueError, msgspec.MsgspecError, pa.ArrowException)
"""What reading a reply of an odd shape raises."""

Account = tuple[int, str | None]
"""Id and login."""
Row = tuple[str, int, str, str, str | None, str | None]
"""Sha, number of parents, the author's name and address, author date, committer date."""


class _Signature(msgspec.Struct):
    """Who and when, as git has it. Every part may be missing."""

    name: str | None = None
    email: str | None = None
    date: str | None = None


class _Written(msgspec.Struct):
    author: _Signature | None = None
    committer: _Signature | None = None


class _Parent(msgspec.Struct):
    sha: str


class _Listed(msgspec.Struct):
    """What we take of a commit in a list. The rest, which is most of a reply, is skipped unread."""

    sha: str
    commit: _Written
    parents: list[_Parent]
    author: msgspec.Raw = msgspec.Raw()  # an account; read only if it may tell something new


class Comparison(msgspec.Struct):
    status: str
    total_commits: int
    commits: list[_Listed]


_NOBODY = _Signature()
_decode_list = msgspec.json.Decoder(list[_Listed]).decode
_decode_comparison = msgspec.json.Decoder(Comparison).decode


@dataclass(frozen=True)
class Page:
    """Commits of one reply, the shas of all their parents, and the account behind each address (None: nobody's)."""

    rows: list[Row]
    parents: set[str]
    accounts: dict[str, Account | None]

    def __add__(self, other: "Page") -> "Page":
        """Both as one."""
        return Page(self.rows + other.rows, self.parents | other.parents, self.accounts | other.accounts)


def read_page(repository: Repository, response: httpx.Response) -> Page:
    """The commits of a list. Raises RepositoryFailed."""
    if response.status_code != 200:
        raise _refused(repository, response)
    try:
        return _page(_decode_list(response.content))
    except _SENSELESS as error:
        raise _no_sense(repository, error) from redacted(error)


def read_comparison(repository: Repository, response: httpx.Response) -> tuple[Page, Comparison]:
    """The commits of a comparison, and what else it says. Raises RepositoryFailed."""
    if response.status_code != 200:
        raise _refused(repository, response)
    try:
        compared = _decode_comparison(response.content)
        return _page(compared.commits), compared
    except _SENSELESS as error:
        raise _no_sense(repository, error) from redacted(error)


def batch_of(repository: Repository, rows: list[Row]) -> pa.RecordBatch:
    """Rows as COMMIT_SCHEMA. Raises HistoryCorrupt."""
    try:
        return _batch(rows)
    except _SENSELESS as error:
        raise _no_sense(repository, error) from redacted(error)


def _refused(repository: Repository, response: httpx.Response) -> RepositoryFailed:
    name = repository.repository
    match response.status_code:
        case 404:
            return RepositoryNotFound(f"{name}: gone, renamed or private; its last good data are kept")
        case 403 | 451:
            return RepositoryBlocked(f"{name}: GitHub refuses it ({explain(response)}); its last good data are kept")
    return HistoryUnavailable(f"{name}: GitHub answered {explain(response)}: run again later")


def _no_sense(repository: Repository, error: Exception) -> HistoryCorrupt:
    return HistoryCorrupt(
        f"{repository.repository}: a reply of GitHub's makes no sense ({type(error).__name__}): run again later"
    )


def _page(commits: list[_Listed]) -> Page:
    """Commits as GitHub lists them. Raises one of _SENSELESS."""
    rows: list[Row] = []
    parents: set[str] = set()
    accounts: dict[str, Account | None] = {}
    for one in commits:
        parents.update(parent.sha for parent in one.parents)
        author, committer = one.commit.author or _NOBODY, one.commit.committer or _NOBODY
        name, email = cut(author.name or ""), cut(author.email or "")
        rows.append((one.sha, len(one.parents), name, email, author.date, committer.date))
        if one.author and not accounts.get(email):
            accounts[email] = _account(msgspec.json.decode(one.author))
    if not all(map(_SHA.fullmatch, parents.union(row[0] for row in rows))):
        raise ValueError("not a sha")
    return Page(rows, parents, accounts)


def _batch(rows: list[Row]) -> pa.RecordBatch:
    """As COMMIT_SCHEMA. Raises one of _SENSELESS."""
    sha, parents, name, email, authored, committed = zip(*rows, strict=True)
    columns = [
        pa.array(sha, pa.string()),
        pa.array(parents, pa.int32()),
        pa.array(name, pa.string()),
        pa.array(email, pa.string()),
        _moments(authored),
        _moments(committed),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=COMMIT_SCHEMA)


def _moments(written: Sequence[str | None]) -> pa.Array:
    """Times as by git: a date that is missing or makes no sense is 1970, one beyond the calendar its end."""
    try:
        # By way of microseconds: Arrow takes no finer fraction than the type it reads into.
        texts = pc.fill_null(pa.array(written, pa.string()), _NO_DATE)
        moments = texts.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
    except pa.ArrowInvalid:
        moments = pa.array([_moment(one) for one in written], pa.int64())
    clipped = pc.min_element_wise(pc.max_element_wise(moments, _EARLIEST), _LATEST)
    return clipped.cast(pa.timestamp("ms"))


def _moment(text: str | None) -> int:
    """Milliseconds since 1970, one date at a time."""
    try:
        moment = datetime.fromisoformat(text or _NO_DATE)
    except ValueError:
        return _LATEST if _LATE_YEAR.match(text or "") else 0
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)


def _account(author: Any) -> Account | None:
    """The account behind a commit. Null, {}, a bot, and GitHub's web interface are nobody: GraphQL names people only."""
    if not isinstance(author, dict) or author.get("type", "User") != "User" or author.get("login") == _WEB_INTERFACE:
        return None
    identity, login = author.get("id"), author.get("login")
    if not isinstance(identity, int) or isinstance(identity, bool) or not 0 < identity <= _LARGEST_ID:
        return None
    return identity, cut(login) if isinstance(login, str) else None
