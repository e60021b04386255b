"""The objects of the REST API, in GitHub's shape."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from github_stand_in.git_objects import Commit
from github_stand_in.world import Account, Fields, Repository, TokenHolder, World

USER_URLS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
REPOSITORY_URLS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
ORGANISATION_URLS = {
    "repos_url": "/repos",
    "events_url": "/events",
    "hooks_url": "/hooks",
    "issues_url": "/issues",
    "members_url": "/members{/member}",
    "public_members_url": "/public_members{/member}",
}
EPOCH = "2008-01-14T04:33:35Z"
UNSIGNED: Fields = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def node_id(kind: str, identity: object) -> str:
    """An opaque global id."""
    return base64.b64encode(f"0{len(kind)}:{kind}{identity}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Replies:
    """Builds objects whose links lead back to this server."""

    world: World
    api: str
    server: str

    def user(self, account: Account) -> Fields:
        """An account as it stands in lists and commits."""
        url = f"{self.api}/users/{account.login}"
        return {
            "login": account.login,
            "id": account.id,
            "node_id": node_id(account.type, account.id),
            "avatar_url": f"{self.server}/avatars/u/{account.id}?v=4",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.server}/{account.login}",
            **{name: url + tail for name, tail in USER_URLS.items()},
            "type": account.type,
            "user_view_type": "public",
            "site_admin": False,
        }

    def _account(self, email: str) -> Fields | None:
        account = self.world.account_of_email(email)
        if account is None:
            return None
        return self.user(account) if account.id else {}

    def profile(self, account: Account, repositories: int) -> Fields:
        """An account's public page."""
        details = account.details
        return {
            **self.user(account),
            **{name: details.get(name) for name in ("name", "company", "location", "email", "hireable", "bio")},
            "blog": details.get("blog", ""),
            "twitter_username": None,
            "public_repos": repositories,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": details.get("created_at", EPOCH),
            "updated_at": details.get("updated_at", EPOCH),
        }

    def signed_in(self, account: Account, repositories: int) -> Fields:
        """The profile of the caller, with what only the caller sees."""
        return {
            **self.profile(account, repositories),
            "user_view_type": "private",
            "private_gists": 0,
            "total_private_repos": 0,
            "owned_private_repos": 0,
            "disk_usage": 0,
            "collaborators": 0,
            "two_factor_authentication": True,
        }

    def organisation(self, account: Account, repositories: int) -> Fields:
        """An organisation's page."""
        details, url = account.details, f"{self.api}/orgs/{account.login}"
        return {
            "login": account.login,
            "id": account.id,
            "node_id": node_id("Organization", account.id),
            "url": url,
            **{name: url + tail for name, tail in ORGANISATION_URLS.items()},
            "avatar_url": f"{self.server}/avatars/u/{account.id}?v=4",
            "description": details.get("description", ""),
            "name": details.get("name", account.login),
            "blog": details.get("blog", ""),
            **({"email": details["email"]} if details.get("email") else {}),
            "is_verified": False,
            "has_organization_projects": True,
            "has_repository_projects": True,
            "public_repos": repositories,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "html_url": f"{self.server}/{account.login}",
            "created_at": details.get("created_at", EPOCH),
            "updated_at": details.get("updated_at", EPOCH),
            "archived_at": None,
            "type": "Organization",
        }

    def listed_organisation(self, account: Account) -> Fields:
        """An organisation as lists hold it."""
        page = self.organisation(account, 0)
        names = ("login", "id", "node_id", "url", *ORGANISATION_URLS, "avatar_url", "description")
        return {name: page[name] for name in names}

    def repository(self, repository: Repository) -> Fields:
        """A repository as lists hold it."""
        fields = repository.fields
        url = f"{self.api}/repos/{repository.full_name}"
        html = f"{self.server}/{repository.full_name}"
        host = self.server.partition("://")[2]
        stars = int(fields.get("stargazers_count", 0))
        return {
            "id": repository.id,
            "node_id": fields.get("node_id") or node_id("Repository", repository.id),
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
            "owner": self.user(repository.owner),
            "html_url": html,
            "description": fields.get("description"),
            "fork": bool(fields.get("fork")),
            "url": url,
            **{name: url + tail for name, tail in REPOSITORY_URLS.items()},
            "git_url": f"git://{host}/{repository.full_name}.git",
            "ssh_url": f"git@{host}:{repository.full_name}.git",
            "clone_url": f"{html}.git",
            "svn_url": html,
            "mirror_url": None,
            "homepage": fields.get("homepage"),
            "created_at": fields.get("created_at"),
            "updated_at": fields.get("updated_at"),
            "pushed_at": fields.get("pushed_at"),
            "size": int(fields.get("size", 0)),
            "stargazers_count": stars,
            "watchers_count": stars,
            "language": fields.get("language"),
            "has_issues": True,
            "has_projects": True,
            "has_downloads": True,
            "has_wiki": True,
            "has_pages": False,
            "has_discussions": False,
            "forks_count": int(fields.get("forks_count", 0)),
            "archived": bool(fields.get("archived")),
            "disabled": bool(fields.get("disabled")),
            "open_issues_count": int(fields.get("open_issues_count", 0)),
            "license": fields.get("license"),
            "allow_forking": True,
            "is_template": False,
            "web_commit_signoff_required": False,
            "topics": fields.get("topics", []),
            "visibility": repository.visibility,
            "forks": int(fields.get("forks_count", 0)),
            "open_issues": int(fields.get("open_issues_count", 0)),
            "watchers": stars,
            "default_branch": repository.default_branch,
            "permissions": {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True},
        }

    def full_repository(self, repository: Repository) -> Fields:
        """A repository asked for by itself."""
        reply = {
            **self.repository(repository),
            "temp_clone_token": None,
            "network_count": int(repository.fields.get("forks_count", 0)),
            "subscribers_count": int(repository.fields.get("subscribers_count", 0)),
        }
        if repository.owner.type == "Organization":
            reply["organization"] = self.user(repository.owner)
        for name in ("parent", "source"):
            origin = self._origin(repository.fields.get(name))
            if origin:
                reply[name] = self.repository(origin)
        return reply

    def _origin(self, fields: object) -> Repository | None:
        full_name = fields.get("full_name") if isinstance(fields, Mapping) else None
        found = self.world.catalogue.by_name.get(str(full_name).lower())
        return found if found and not found.private else None

    def commit(self, repository: Repository, commit: Commit) -> Fields:
        """A commit as lists hold it."""
        url = f"{self.api}/repos/{repository.full_name}"
        html = f"{self.server}/{repository.full_name}"
        author, committer = commit.author, commit.committer
        return {
            "sha": commit.sha,
            "node_id": node_id("Commit", f"{repository.id}:{commit.sha}"),
            "commit": {
                "author": {"name": author.name, "email": author.email, "date": author.date},
                "committer": {"name": committer.name, "email": committer.email, "date": committer.date},
                "message": commit.message,
                "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
                "url": f"{url}/git/commits/{commit.sha}",
                "comment_count": 0,
                "verification": UNSIGNED,
            },
            "url": f"{url}/commits/{commit.sha}",
            "html_url": f"{html}/commit/{commit.sha}",
            "comments_url": f"{url}/commits/{commit.sha}/comments",
            "author": self._account(author.email),
            "committer": self._account(committer.email),
            "parents": [
                {"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{html}/commit/{sha}"}
                for sha in commit.parents
            ],
        }

    def commits(self, repository: Repository, commits: Iterable[Commit]) -> list[Fields]:
        """Several commits."""
        return [self.commit(repository, commit) for commit in commits]


def holder_account(world: World, holder: TokenHolder) -> Account:
    """The account that a token belongs to."""
    return world.account(holder.login) or Account(holder.login, holder.id)
