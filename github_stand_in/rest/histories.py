"""The REST endpoints of one repository: its commits, the comparison of two, and who wrote them."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from github_stand_in.faults import DOCUMENTATION
from github_stand_in.git_objects import OBJECT_ID
from github_stand_in.limits import Limits
from github_stand_in.rest.endpoints import ApiError, Endpoints, Moved, moment, not_found
from github_stand_in.rest.replies import Replies
from github_stand_in.rest.statistics import contributors, statistics
from github_stand_in.world import Fields, Repository, World

COMMITS_WITHOUT_PAGING = 250
# By whether the head has commits of its own, and whether the base has.
COMPARED = {(False, False): "identical", (True, False): "ahead", (False, True): "behind", (True, True): "diverged"}


def _comparison_links(replies: Replies, repository: Repository, basehead: str, base: str, head: str) -> Fields:
    """Where a comparison is found."""
    path, owner = f"{repository.full_name}/compare", repository.owner.login
    html = f"{replies.server}/{path}/{quote(basehead)}"
    return {
        "url": f"{replies.api}/repos/{path}/{quote(basehead)}",
        "html_url": html,
        "permalink_url": f"{replies.server}/{path}/{owner}:{base[:7]}...{owner}:{head[:7]}",
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
    }


class HistoryEndpoints(Endpoints):
    """The endpoints below /repos/{owner}/{repo} and /repositories/{id}."""

    def __init__(self, world: World, limits: Limits, polls: int = 1) -> None:
        super().__init__(world, limits)
        self.polls = polls
        self._polled: dict[tuple[int, str], int] = {}

    def routes(self) -> list[Route]:
        """The endpoints, each by name and by id."""
        handlers = {
            "": self.repository,
            "/commits": self.commits,
            "/commits/{ref:path}": self.commit,
            "/compare/{basehead:path}": self.compare,
            "/stats/contributors": self.statistics,
            "/contributors": self.contributors,
        }
        prefixes = ("/repos/{owner}/{name}", "/repositories/{id:int}")
        return self._routes({prefix + path: handler for prefix in prefixes for path, handler in handlers.items()})

    def _repository(self, request: Request) -> Repository:
        caller, parameters = self._caller(request), request.path_params
        if "id" in parameters:
            found = self.world.catalogue.by_id.get(parameters["id"])
            if found and found.visible_to(caller):
                return found
            raise not_found()
        found = self.world.repository(parameters["owner"], parameters["name"], caller)
        if found:
            return found
        moved = self.world.renamed(parameters["owner"], parameters["name"], caller)
        raise Moved(moved) if moved else not_found()

    def _tip(self, repository: Repository) -> str:
        tip = self.world.tip(repository)
        if tip is None:
            raise ApiError(409, "Git Repository is empty.", f"{DOCUMENTATION}/commits/commits#list-commits")
        return tip

    def repository(self, request: Request) -> Response:
        """GET /repos/{owner}/{repo}"""
        return self._reply(request, self._replies(request).full_repository(self._repository(request)))

    def commits(self, request: Request) -> Response:
        """GET /repos/{owner}/{repo}/commits"""
        repository, query = self._repository(request), request.query_params
        tip = self._tip(repository)
        if query.get("sha"):
            resolved = self.world.store.resolve(repository.path, query["sha"])
            if resolved is None:
                raise not_found()
            tip = resolved
        history = self.world.store.history(repository.path, tip)
        history = history.within(moment(query.get("since")), moment(query.get("until")))
        page, per_page = self._paging(request)
        shas = history.shas((page - 1) * per_page, page * per_page)
        found = self.world.store.commits(repository.path, shas)
        link = self._link(request, f"/repositories/{repository.id}/commits", len(history))
        return self._reply(request, self._replies(request).commits(repository, found), **link)

    def commit(self, request: Request) -> Response:
        """GET /repos/{owner}/{repo}/commits/{ref}"""
        repository, name = self._repository(request), request.path_params["ref"]
        self._tip(repository)
        sha = self.world.store.resolve(repository.path, name)
        found = self.world.store.commit(repository.path, sha) if sha else None
        if found is None:
            if OBJECT_ID.match(name):
                raise ApiError(422, f"No commit found for SHA: {name}", f"{DOCUMENTATION}/commits/commits#get-a-commit")
            raise not_found()
        reply = self._replies(request).commit(repository, found)
        return self._reply(request, {**reply, "stats": {"total": 0, "additions": 0, "deletions": 0}, "files": []})

    def compare(self, request: Request) -> Response:
        """GET /repos/{owner}/{repo}/compare/{base}...{head}: `git log base..head`, oldest first"""
        repository, store = self._repository(request), self.world.store
        basehead = request.path_params["basehead"]
        base_name, dots, head_name = basehead.partition("...")
        base = store.resolve(repository.path, base_name)
        head = store.resolve(repository.path, head_name) if dots else None
        if base is None or head is None:
            raise not_found()
        common = base if base == head else store.merge_base(repository.path, base, head)
        if common is None:
            raise ApiError(404, f"No common ancestor between {base_name} and {head_name}.")
        ahead = store.history(repository.path, head, f"^{base}")
        behind = store.history(repository.path, base, f"^{head}")
        chronological = ahead.shas(0, len(ahead))[::-1]
        paged = "page" in request.query_params or "per_page" in request.query_params
        shas = chronological[-COMMITS_WITHOUT_PAGING:]
        link: dict[str, str] = {}
        if paged:
            shas, link = self._page(request, f"/repositories/{repository.id}/compare/{quote(basehead)}", chronological)
        base_commit, common_commit = store.commits(repository.path, [base, common])
        replies = self._replies(request)
        reply: Fields = {
            **_comparison_links(replies, repository, basehead, base, head),
            "base_commit": replies.commit(repository, base_commit),
            "merge_base_commit": replies.commit(repository, common_commit),
            "status": COMPARED[bool(ahead), bool(behind)],
            "ahead_by": len(ahead),
            "behind_by": len(behind),
            "total_commits": len(ahead),
            "commits": replies.commits(repository, store.commits(repository.path, shas)),
        }
        if not paged or self._paging(request)[0] == 1:
            reply["files"] = []
        return self._reply(request, reply, **link)

    def statistics(self, request: Request) -> Response:
        """GET /repos/{owner}/{repo}/stats/contributors: 202 until a job has run, again after every push"""
        repository = self._repository(request)
        tip = self.world.tip(repository)
        if tip is None:
            return Response(status_code=204)
        polled = self._polled.get((repository.id, tip), 0)
        self._polled[repository.id, tip] = polled + 1
        if polled < self.polls:
            return Response(b"{}", 202, media_type="application/json; charset=utf-8")
        return self._reply(request, statistics(self._replies(request), repository, tip))

    def contributors(self, request: Request) -> Response:
        """GET /repos/{owner}/{repo}/contributors"""
        repository = self._repository(request)
        tip = self.world.tip(repository)
        if tip is None:
            return Response(status_code=204)
        anonymous = request.query_params.get("anon") in ("1", "true")
        entries = contributors(self._replies(request), repository, tip, anonymous=anonymous)
        page, link = self._page(request, f"/repositories/{repository.id}/contributors", entries)
        return self._reply(request, page, **link)
