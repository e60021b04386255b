"""The REST API, as far as this project and its users may ask it."""

import re
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from github_stand_in.faults import DOCUMENTATION
from github_stand_in.gate import REST_PREFIX
from github_stand_in.limits import RESOURCES, Limits
from github_stand_in.rest.endpoints import ApiError, Endpoints, Moved, moment, not_found
from github_stand_in.rest.replies import holder_account
from github_stand_in.rest.statistics import contributors, statistics
from github_stand_in.world import Account, Fields, Repository, World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMITS_WITHOUT_PAGING = 250
SHA = re.compile(r"[0-9a-f]{40}\Z")


class RestService(Endpoints):
    """All REST endpoints over one world."""

    def __init__(self, world: World, limits: Limits, polls: int = 1) -> None:
        super().__init__(world, limits)
        self.polls = polls
        self._polled: dict[tuple[int, str], int] = {}

    def routes(self) -> list[Route]:
        """The endpoints, those with numeric ids too, which GitHub uses in its links."""
        table: dict[str, Callable[[Request], Response]] = {
            "/orgs/{organisation}": self.organisation,
            "/orgs/{organisation}/repos": self.organisation_repositories,
            "/organizations/{id:int}/repos": self.organisation_repositories,
            "/users/{login}": self.user,
            "/users/{login}/repos": self.user_repositories,
            "/user/{id:int}/repos": self.user_repositories,
            "/user": self.signed_in_user,
            "/user/repos": self.signed_in_repositories,
            "/rate_limit": self.rate_limit,
        }
        for prefix in ("/repos/{owner}/{name}", "/repositories/{id:int}"):
            table |= {
                prefix: self.repository,
                f"{prefix}/commits": self.commits,
                f"{prefix}/commits/{{ref:path}}": self.commit,
                f"{prefix}/compare/{{basehead:path}}": self.compare,
                f"{prefix}/stats/contributors": self.statistics,
                f"{prefix}/contributors": self.contributors,
            }
        return [Route(REST_PREFIX + path, self._guarded(handler), methods=["GET"]) for path, handler in table.items()]

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

    def _listing(self, request: Request, repositories: list[Repository], path: str, sort: str) -> Response:
        query = request.query_params
        kind, sort = query.get("type", "all"), query.get("sort", sort)
        wanted = [
            repository
            for repository in repositories
            if kind not in ("public", "private", "forks", "sources")
            or (kind == "public" and not repository.private)
            or (kind == "private" and repository.private)
            or (kind in ("forks", "sources") and bool(repository.fields.get("fork")) == (kind == "forks"))
        ]
        field = {"created": "created_at", "updated": "updated_at", "pushed": "pushed_at"}.get(sort)

        def key(repository: Repository) -> tuple[str, int]:
            value = repository.fields.get(field) if field else repository.full_name.lower()
            return str(value or ""), repository.id

        downwards = query.get("direction", "desc" if field else "asc") == "desc"
        page, link = self._page(request, path, sorted(wanted, key=key, reverse=downwards))
        replies = self._replies(request)
        return self._reply(request, [replies.repository(repository) for repository in page], **link)

    def _owner(self, request: Request, name: str) -> Account:
        parameters = request.path_params
        identity = parameters.get("id")
        owners = self.world.catalogue.owners_by_id
        found = self.world.account(parameters[name]) if identity is None else owners.get(identity)
        if found is None or (name == "organisation" and found.type != "Organization"):
            raise not_found()
        return found

    def _public(self, account: Account) -> int:
        return len(self.world.repositories_of(account, None))

    def organisation(self, request: Request) -> Response:
        """GET /orgs/{org}"""
        owner = self._owner(request, "organisation")
        return self._reply(request, self._replies(request).organisation(owner, self._public(owner)))

    def organisation_repositories(self, request: Request) -> Response:
        """GET /orgs/{org}/repos"""
        owner = self._owner(request, "organisation")
        repositories = self.world.repositories_of(owner, self._caller(request))
        return self._listing(request, repositories, f"/organizations/{owner.id}/repos", "created")

    def user(self, request: Request) -> Response:
        """GET /users/{login}"""
        account = self._owner(request, "login")
        return self._reply(request, self._replies(request).profile(account, self._public(account)))

    def user_repositories(self, request: Request) -> Response:
        """GET /users/{login}/repos: public ones only, even one's own"""
        account = self._owner(request, "login")
        repositories = self.world.repositories_of(account, None)
        return self._listing(request, repositories, f"/user/{account.id}/repos", "full_name")

    def signed_in_user(self, request: Request) -> Response:
        """GET /user"""
        account = holder_account(self.world, self._signed_in(request))
        return self._reply(request, self._replies(request).signed_in(account, self._public(account)))

    def signed_in_repositories(self, request: Request) -> Response:
        """GET /user/repos"""
        caller, query = self._signed_in(request), request.query_params
        if "type" in query and ("visibility" in query or "affiliation" in query):
            raise ApiError(422, "If you specify visibility or affiliation, you cannot specify type.")
        affiliations = query.get("affiliation", "owner,collaborator,organization_member").split(",")
        organisations = [name.lower() for name in caller.organisations]
        repositories = [
            repository
            for repository in self.world.catalogue.by_id.values()
            if repository.visible_to(caller)
            and (
                ("owner" in affiliations and repository.owner.login.lower() == caller.login.lower())
                or ("organization_member" in affiliations and repository.owner.login.lower() in organisations)
            )
            and query.get("visibility", "all") in ("all", "private" if repository.private else "public")
        ]
        return self._listing(request, repositories, "/user/repos", "full_name")

    def rate_limit(self, request: Request) -> Response:
        """GET /rate_limit"""
        caller = self._caller(request)
        resources: Fields = {}
        for resource in RESOURCES:
            bucket = self.limits.bucket(caller, resource)
            limit = 0 if resource == "graphql" and caller is None else bucket.limit
            resources[resource] = {
                "limit": limit,
                "remaining": min(bucket.remaining, limit),
                "reset": bucket.reset,
                "used": min(bucket.used, limit),
                "resource": resource,
            }
        resources["search"] = {**resources["core"], "limit": 30, "remaining": 30, "used": 0, "resource": "search"}
        reply: Fields = {"resources": resources}
        if request.headers.get("x-github-api-version") != "2026-03-10":
            reply["rate"] = resources["core"]
        return self._reply(request, reply)

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
            if SHA.match(name):
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
        states = {
            (False, False): "identical",
            (True, False): "ahead",
            (False, True): "behind",
            (True, True): "diverged",
        }
        chronological = ahead.shas(0, len(ahead))[::-1]
        paged = "page" in request.query_params or "per_page" in request.query_params
        page, _ = self._paging(request)
        shas: Sequence[str] = chronological[-COMMITS_WITHOUT_PAGING:]
        link: dict[str, str] = {}
        if paged:
            shas, link = self._page(request, f"/repositories/{repository.id}/compare/{basehead}", chronological)
        replies = self._replies(request)
        url = f"{replies.api}/repos/{repository.full_name}/compare/{basehead}"
        html = f"{replies.server}/{repository.full_name}/compare/{basehead}"
        base_commit, common_commit = store.commits(repository.path, [base, common])
        reply: Fields = {
            "url": url,
            "html_url": html,
            "permalink_url": f"{replies.server}/{repository.full_name}/compare/"
            f"{repository.owner.login}:{base[:7]}...{repository.owner.login}:{head[:7]}",
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "base_commit": replies.commit(repository, base_commit),
            "merge_base_commit": replies.commit(repository, common_commit),
            "status": states[bool(ahead), bool(behind)],
            "ahead_by": len(ahead),
            "behind_by": len(behind),
            "total_commits": len(ahead),
            "commits": replies.commits(repository, store.commits(repository.path, shas)),
        }
        if not paged or page == 1:
            reply["files"] = []
        return self._reply(request, reply, **link)

    def statistics(self, request: Request) -> Response:
        """GET /repos/{owner}/{repo}/stats/contributors: 202 until a job has run, anew after every push"""
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
        return self._reply(request, list(page), **link)
