"""The REST endpoints of owners and of the caller: profiles, lists of repositories, and what is left of the limits."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from github_stand_in.limits import RESOURCES
from github_stand_in.rest.endpoints import ApiError, Endpoints, not_found
from github_stand_in.rest.replies import holder_account
from github_stand_in.world import Account, Fields, Repository

ORGANISATION_SCOPES = ("admin:org", "read:org", "user", "write:org")
EMAIL_SCOPES = ("user", "user:email")
NO_ORGANISATIONS = "You need at least read:org scope or user scope to list your organizations."


def _accepted(*scopes: str) -> dict[str, str]:
    """The header that names the scopes of which an endpoint wants one."""
    return {"x_accepted_oauth_scopes": ", ".join(scopes)}


class AccountEndpoints(Endpoints):
    """The endpoints below /orgs, /users and /user, and /rate_limit."""

    def routes(self) -> list[Route]:
        """The endpoints, also those with a numeric id, which GitHub uses in its links."""
        return self._routes(
            {
                "/orgs/{organisation}": self.organisation,
                "/orgs/{organisation}/repos": self.organisation_repositories,
                "/organizations/{id:int}/repos": self.organisation_repositories,
                "/users/{login}": self.user,
                "/users/{login}/repos": self.user_repositories,
                "/user/{id:int}/repos": self.user_repositories,
                "/user": self.signed_in_user,
                "/user/repos": self.signed_in_repositories,
                "/user/orgs": self.signed_in_organisations,
                "/user/emails": self.signed_in_emails,
                "/rate_limit": self.rate_limit,
            }
        )

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
        """GET /users/{login}/repos: public ones only, even for the owner"""
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
                or ("collaborator" in affiliations and caller.login.lower() in repository.collaborators)
                or ("organization_member" in affiliations and repository.owner.login.lower() in organisations)
            )
            and query.get("visibility", "all") in ("all", "private" if repository.private else "public")
        ]
        return self._listing(request, repositories, "/user/repos", "full_name")

    def signed_in_organisations(self, request: Request) -> Response:
        """GET /user/orgs"""
        caller = self._signed_in(request)
        accepted = _accepted(*ORGANISATION_SCOPES)
        if not set(caller.scopes) & {*ORGANISATION_SCOPES}:
            raise ApiError(403, NO_ORGANISATIONS, **accepted)
        page, link = self._page(request, "/user/orgs", self.world.organisations_of(caller))
        replies = self._replies(request)
        return self._reply(request, [replies.listed_organisation(one) for one in page], **link, **accepted)

    def signed_in_emails(self, request: Request) -> Response:
        """GET /user/emails"""
        caller = self._signed_in(request)
        accepted = _accepted(*EMAIL_SCOPES)
        if not set(caller.scopes) & {*EMAIL_SCOPES}:
            raise ApiError(404, "Not Found", **accepted)
        account = holder_account(self.world, caller)
        page, link = self._page(request, "/user/emails", list(account.details.get("emails", ())))
        return self._reply(request, page, **link, **accepted)

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
