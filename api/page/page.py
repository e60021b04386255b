"""``/``: the web page. All its numbers and tables are in the HTML; scripts only draw charts and replace parts of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from api.contributors.definitions import DEFINITIONS
from api.contributors.names import heading, named
from api.contributors.parameters import STATES, SummaryParameters
from api.contributors.people import LIST as PEOPLE
from api.contributors.repositories import LIST as REPOSITORIES
from api.contributors.repositories import NO_FILTERS
from api.kit.answers import Answer
from api.kit.caching import serve
from api.kit.parameters import Months
from api.kit.problems import INVALID_PARAMETER, ProblemError, invalid
from api.kit.snapshot import CountDetails, Lease, Snapshot
from api.page.rendering import frame, page_answer, problem_page

router = APIRouter(include_in_schema=False)

# more would make the page too long to read and too large to send
LONGEST_LIST = 300
MOST_LINES = 8
MOST_CHOSEN = 100
PEOPLE_SHOWN = 20
SORTS = {
    "repository": "Repository",
    "new_contributors_12m": "12 months",
    "new_contributors": "All time",
    "state": "State",
}
DEFAULT_SORT = "-new_contributors_12m"
STATE_WORDS = {
    "complete": "complete",
    "empty": "no commits",
    "emptied": "emptied",
    "pending": "not collected yet",
    "failed": "failed",
    "vanished": "vanished",
}
IDENTITY_WORDS = {
    "account": "GitHub was asked about every e-mail address: a person with several linked addresses counts once.",
    "partial": "GitHub was asked about e-mail addresses, but not yet about {not_asked} of {emails}: some people may count twice.",
    "email": "GitHub was not asked about e-mail addresses: a person with two addresses may count twice.",
}


@dataclass(frozen=True)
class Choice:
    """What the address asks for, checked. The names are spelled as on GitHub, with their ids beside them."""

    repositories: tuple[str, ...]
    ids: tuple[int, ...]
    from_month: date | None
    to_month: date | None
    forks: bool
    bots: bool
    sort: str

    def query(self, *, span: bool = True, sort: bool = False, **changed: Any) -> str:
        """The choice as the query of an address, with the `?`. Keyword arguments replace members of the choice."""
        own: dict[str, Any] = {"repository": self.repositories, "forks": self.forks, "bots": self.bots}
        if span:
            own |= {"from": self.from_month, "to": self.to_month}
        if sort and self.sort != DEFAULT_SORT:
            own["sort"] = self.sort
        own |= changed
        pairs = [("repository", one) for one in own["repository"]]
        pairs += [(name, f"{own[name]:%Y-%m}") for name in ("from", "to") if own.get(name)]
        pairs += [("forks", "true")] if own["forks"] else []
        pairs += [] if own["bots"] else [("bots", "false")]
        pairs += [("sort", own["sort"])] if own.get("sort") else []
        return "?" + urlencode(pairs, safe="/") if pairs else ""

    @property
    def filters(self) -> dict[str, Any]:
        """The parameters of ``summary.sql`` for all months."""
        return {
            "repository_ids": list(self.ids) or None,
            "from_month": None,
            "to_month": None,
            "interval": "month",
            "forks": self.forks,
            "bots": None if self.bots else False,
        }


@router.get("/")
async def get_page(request: Request) -> Response:
    """The page. An invalid choice is also answered with a page, with the status of the problem."""

    def build(lease: Lease) -> Answer:
        choice = _choice(request, lease.snapshot)
        content = _content(lease, choice, request.scope.get("root_path", ""))
        content |= _people(lease, choice, request.app.state.settings.server_url)
        return page_answer("page.html", content)

    try:
        return await serve(request, build, format_name="html")
    except ProblemError as problem:
        return problem_page(request, problem)


def _choice(request: Request, snapshot: Snapshot) -> Choice:
    """Read leniently, because forms also send empty fields, and other sites add their own parameters."""
    given = [(name, value.strip()) for name, value in request.query_params.multi_items() if value.strip()]
    last = dict(given)
    try:
        months = Months.model_validate({name: last[name] for name in ("from", "to") if name in last})
        flags = {name: last[name] for name in ("forks", "bots") if name in last}
        flags_read = SummaryParameters.model_validate(flags)
    except ValidationError as error:
        found = error.errors()[0]
        name = str(found["loc"][0])
        message = str(found.get("ctx", {}).get("error", "must be true or false"))
        raise invalid(name, message, last.get(name, "")) from error
    names = [value for name, value in given if name == "repository"]
    if len(names) > MOST_CHOSEN:
        raise ProblemError(INVALID_PARAMETER, f"repository may be given at most {MOST_CHOSEN} times.")
    chosen = {row["repository_id"]: row["repository"] for row in (named(snapshot, name) for name in names)}
    sort = last.get("sort", DEFAULT_SORT)
    return Choice(
        repositories=tuple(chosen.values()),
        ids=tuple(chosen),
        from_month=months.from_month,
        to_month=months.to_month,
        forks=flags_read.forks,
        bots=flags_read.bots is not False,
        sort=sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT,
    )


def _content(lease: Lease, choice: Choice, root: str) -> dict[str, Any]:
    snapshot, details = lease.snapshot, lease.snapshot.counts
    months = snapshot.rows("contributors/summary", choice.filters)
    for row in months:
        row["running"] = row["date"] >= details.running_month
    shown = [
        row
        for row in months
        if (choice.from_month is None or row["date"] >= choice.from_month)
        and (choice.to_month is None or row["date"] <= choice.to_month)
    ]
    repositories = _repositories(snapshot, choice)
    counted = {row["state"]: row["repositories"] for row in snapshot.rows("contributors/coverage")}
    chosen = set(choice.ids)
    listed = [row for row in repositories if choice.forks or not row["fork"] or row["id"] in chosen]
    owners = [row["owner"] for row in snapshot.rows("contributors/owners")]
    return {
        **frame(root),
        "choice": choice,
        "title": heading(choice.repositories, owners),
        "one_owner": owners[0] if len(owners) == 1 else None,
        "details": details,
        "as_of": lease.as_of,
        "headline": _headline(months, details),
        "shown": shown,
        "first_month": months[0]["date"] if months else None,
        "lines": _lines(choice),
        "year_ends": _year_ends(snapshot, choice),
        "leaders": [row for place, row in enumerate(listed) if place < LONGEST_LIST or row["id"] in chosen],
        "leaders_in_all": len(listed),
        "forks_left_out": len(repositories) - len(listed),
        "pickable": _pickable(repositories, chosen),
        "not_pickable": max(0, len(repositories) - LONGEST_LIST),
        "states": [(state, STATE_WORDS[state], counted[state]) for state in STATES if state in counted],
        "in_all": sum(counted.values()),
        "complete": counted.get("complete", 0) + counted.get("empty", 0),
        "incomplete": [row for row in repositories if row["state"] != "complete"][:LONGEST_LIST],
        "sorts": SORTS,
        "state_words": STATE_WORDS,
        "identity": IDENTITY_WORDS[details.identity].format(
            not_asked=f"{details.emails_not_asked:,}", emails=f"{details.emails:,}"
        ),
        "definitions": DEFINITIONS,
    }


def _headline(months: Sequence[Mapping[str, Any]], details: CountDetails) -> dict[str, Any]:
    """The last complete month and the last twelve. A month without a row had no new contributors."""
    by_month = {row["date"]: row["number_of_new_contributors"] for row in months}
    month, counts = details.running_month, []
    for _ in range(24):
        month = _before(month)
        counts.append(by_month.get(month, 0))
    year, year_before = sum(counts[:12]), sum(counts[12:])
    return {
        "month": _before(details.running_month),
        "in_month": counts[0],
        "in_year": year,
        "in_year_before": year_before,
        "change": round(100 * (year - year_before) / year_before) if year_before else None,
        "all_time": months[-1]["cumulative_contributors"] if months else 0,
    }


def _before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _repositories(snapshot: Snapshot, choice: Choice) -> list[dict[str, Any]]:
    """All repositories in the chosen order. Their numbers leave out bots if requested."""
    rows = snapshot.rows(REPOSITORIES.select, NO_FILTERS)
    trends = {row["repository_id"]: row for row in snapshot.rows("contributors/quarters")}
    for row in rows:
        trend = trends.get(row["id"], {"newcomers": [], "bots": []})
        quarters = trend["newcomers"]
        if not choice.bots:
            row["new_contributors_12m"] -= row["new_bots_12m"]
            row["new_contributors"] = (row["new_contributors"] or 0) - (row["new_bots"] or 0)
            quarters = [all_new - bots for all_new, bots in zip(quarters, trend["bots"], strict=True)]
        row["new_contributors"] = row["new_contributors"] or 0
        row["trend"] = trend_points(quarters)
    name = choice.sort.removeprefix("-")
    rows.sort(key=lambda row: (row["repository"].lower(), row["id"]))
    rows.sort(
        key=lambda row: row[name].lower() if isinstance(row[name], str) else row[name],
        reverse=choice.sort.startswith("-"),
    )
    return rows


def trend_points(counts: Sequence[int], width: int = 96, height: int = 22) -> str:
    """The points of a small line chart, with the newest count at the right edge; empty if all counts are 0."""
    if not any(counts):
        return ""
    step, most = width / 19, max(counts)
    points = [
        (width - step * (len(counts) - 1 - place), height - 2 - (height - 4) * count / most)
        for place, count in enumerate(counts)
    ]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _pickable(repositories: Sequence[dict[str, Any]], chosen: set[int]) -> list[dict[str, Any]]:
    """The repositories with the most contributors and the chosen ones, by name."""
    largest = sorted(repositories, key=lambda row: -row["new_contributors"])[:LONGEST_LIST]
    rows = {row["repository"]: row for row in (*largest, *(row for row in repositories if row["id"] in chosen))}
    return sorted(rows.values(), key=lambda row: (row["repository"].lower(), row["id"]))


def _lines(choice: Choice) -> list[dict[str, str]]:
    """The lines of the running totals: the name and the address of the numbers of each."""
    names = choice.repositories[:MOST_LINES]
    if not names:
        return [{"name": "All repositories", "query": choice.query()}]
    return [{"name": name, "query": choice.query(repository=(name,))} for name in names]


def _year_ends(snapshot: Snapshot, choice: Choice) -> list[dict[str, Any]]:
    """The running totals at the end of each year, newest first, for the table below the lines."""
    lines: list[dict[int, int]] = []
    each: list[list[int] | None] = [[number] for number in choice.ids[:MOST_LINES]]
    for one in each or [None]:
        rows = snapshot.rows("contributors/summary", choice.filters | {"repository_ids": one, "interval": "year"})
        lines.append({row["date"].year: row["cumulative_contributors"] for row in rows})
    years = sorted({year for line in lines for year in line}, reverse=True)
    return [
        {
            "year": year,
            "totals": [line.get(year, 0 if not line or year < min(line) else line[max(line)]) for line in lines],
        }
        for year in years
        if (choice.from_month is None or year >= choice.from_month.year)
        and (choice.to_month is None or year <= choice.to_month.year)
    ]


def _people(lease: Lease, choice: Choice, server: str | None) -> dict[str, Any]:
    """The new people of the last complete month and of the current month."""
    running = lease.snapshot.counts.running_month
    months: dict[str, Any] = {"from": _before(running), "to": running}
    filters = {
        "repository_ids": list(choice.ids) or None,
        "from_month": months["from"],
        "to_month": months["to"],
        "bots": None if choice.bots else False,
        "forks": choice.forks,
        "first_in": "repository",
        "server": server,
    }
    newest_first = PEOPLE.ordered("-first_commit_at")
    return {
        "people": lease.snapshot.run(newest_first, filters | {"limit": PEOPLE_SHOWN, "offset": 0}),
        "people_in_all": lease.snapshot.run(PEOPLE.counting, filters)[0]["total"],
        "people_query": choice.query(**months),
    }
