"""A part of GitHub's GraphQL schema, and resolvers that also fit the official one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
)

from github_stand_in.git_objects import OBJECT_ID, Commit, Signature
from github_stand_in.limits import Bucket
from github_stand_in.rest.replies import holder_account, node_id
from github_stand_in.world import Account, Fields, Repository, TokenHolder, World

MAXIMUM_PAGE = 100
CURSOR = re.compile(r"([0-9a-f]{40,64}) (\d{1,9})\Z")
OWNER_KINDS = {"User", "Organization"}
READ_ADDRESSES = {"user", "user:email", "read:user"}
GIT_KINDS = {"commit": "Commit", "tree": "Tree", "blob": "Blob", "tag": "Tag"}


def failure(kind: str, message: str) -> GraphQLError:
    """An error with GitHub's `type`."""
    return GraphQLError(message, extensions={"type": kind})


@dataclass(frozen=True, slots=True)
class Context:
    """What the resolvers work with."""

    world: World
    caller: TokenHolder
    bucket: Bucket
    cost: int
    node_count: int
    server: str


@dataclass(frozen=True, slots=True)
class GitObject:
    """An object in a repository, with its commit if it is one."""

    repository: Repository
    oid: str
    kind: str
    commit: Commit | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """The default branch and its tip."""

    repository: Repository
    tip: str


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A part of a commit's history."""

    repository: Repository
    tip: str
    start: int
    shas: list[str]
    total: int


Source = Any
Resolver = Callable[..., object]
Info = GraphQLResolveInfo


def _context(info: Info) -> Context:
    return cast("Context", info.context)


def resolve_repository(_source: Source, info: Info, owner: str, name: str, followRenames: bool = True) -> Repository:  # noqa: N803 -- GitHub's name
    """Query.repository"""
    context = _context(info)
    found = context.world.repository(owner, name, context.caller)
    if found is None and followRenames:
        found = context.world.renamed(owner, name, context.caller)
    if found is None:
        raise failure("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
    return found


def resolve_user(_source: Source, info: Info, login: str) -> Account:
    """Query.user"""
    found = _context(info).world.account(login)
    if found is None or not found.is_user:
        raise failure("NOT_FOUND", f"Could not resolve to a User with the login of '{login}'.")
    return found


def resolve_owner(_source: Source, info: Info, login: str) -> Account | None:
    """Query.repositoryOwner: null for a login that nobody has"""
    found = _context(info).world.account(login)
    return found if found and found.type in OWNER_KINDS else None


def resolve_user_email(account: Account, info: Info) -> str:
    """User.email: the address of the public profile, empty if there is none; for tokens that may read addresses"""
    granted = _context(info).caller.scopes
    if not READ_ADDRESSES & set(granted):
        raise failure(
            "INSUFFICIENT_SCOPES",
            "Your token has not been granted the required scopes to execute this query. The 'email' field requires one of "
            "the following scopes: ['user:email', 'read:user'], but your token has only been granted the: "
            f"{list(granted)} scopes. Please modify your token's scopes at: https://github.com/settings/tokens.",
        )
    return str(account.details.get("email") or "")


def resolve_object(
    repository: Repository, info: Info, oid: str | None = None, expression: str | None = None
) -> GitObject | None:
    """Repository.object"""
    store = _context(info).world.store
    if oid is not None:
        if not OBJECT_ID.match(oid):
            raise failure("INVALID", f"{oid!r} is not a valid GitObjectID.")
        commit = store.commit(repository.path, oid)
        if commit:
            return GitObject(repository, oid, "commit", commit)
        (found,) = store.objects(repository.path, [oid])
        return GitObject(repository, oid, found[1]) if found else None
    sha = store.resolve(repository.path, expression) if expression else None
    commit = store.commit(repository.path, sha) if sha else None
    return GitObject(repository, commit.sha, "commit", commit) if commit else None


def resolve_branch(repository: Repository, info: Info) -> Branch | None:
    """Repository.defaultBranchRef"""
    tip = _context(info).world.tip(repository)
    return Branch(repository, tip) if tip else None


def resolve_target(branch: Branch, info: Info) -> GitObject | None:
    """Ref.target"""
    return resolve_object(branch.repository, info, oid=branch.tip)


def _commit(item: GitObject) -> Commit:
    if item.commit is None:
        raise TypeError(f"{item.oid} is no commit")
    return item.commit


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    return int(datetime.fromisoformat(text).timestamp())


def resolve_history(
    item: GitObject,
    info: Info,
    first: int | None = None,
    after: str | None = None,
    since: str | None = None,
    until: str | None = None,
    **_others: object,
) -> HistoryPage:
    """Commit.history"""
    if first is None:
        raise failure(
            "MISSING_PAGINATION_BOUNDARIES",
            "You must provide a `first` or `last` value to properly paginate the `history` connection.",
        )
    if first > MAXIMUM_PAGE:
        raise failure(
            "EXCESSIVE_PAGINATION",
            f"Requesting {first} records on the `history` connection exceeds the `first` limit of 100 records.",
        )
    start = 0
    if after is not None:
        cursor = CURSOR.match(after)
        if cursor is None:
            raise failure("INVALID_CURSOR_ARGUMENTS", f"`{after}` does not appear to be a valid cursor.")
        start = int(cursor.group(2)) + 1
    history = _context(info).world.store.history(item.repository.path, item.oid)
    history = history.within(_seconds(since), _seconds(until))
    return HistoryPage(item.repository, item.oid, start, history.shas(start, start + first), len(history))


def resolve_nodes(page: HistoryPage, info: Info) -> list[GitObject]:
    """CommitHistoryConnection.nodes"""
    found = _context(info).world.store.commits(page.repository.path, page.shas)
    return [GitObject(page.repository, commit.sha, "commit", commit) for commit in found]


def resolve_edges(page: HistoryPage, info: Info) -> list[Fields]:
    """CommitHistoryConnection.edges"""
    nodes = enumerate(resolve_nodes(page, info), page.start)
    return [{"cursor": f"{page.tip} {position}", "node": node} for position, node in nodes]


def resolve_page_info(page: HistoryPage, _info: Info) -> Fields:
    """CommitHistoryConnection.pageInfo"""
    end = page.start + len(page.shas)
    return {
        "startCursor": f"{page.tip} {page.start}" if page.shas else None,
        "endCursor": f"{page.tip} {end - 1}" if page.shas else None,
        "hasNextPage": end < page.total,
        "hasPreviousPage": page.start > 0,
    }


def resolve_actor_user(actor: Signature, info: Info) -> Account | None:
    """GitActor.user: null for bots, whose account is no `User`"""
    return _context(info).world.user_of_email(actor.email)


def resolve_rate_limit(_source: Source, info: Info, **_arguments: object) -> Fields:
    """Query.rateLimit"""
    context = _context(info)
    bucket = context.bucket
    return {
        "cost": context.cost,
        "limit": bucket.limit,
        "nodeCount": context.node_count,
        "remaining": bucket.remaining,
        "resetAt": datetime.fromtimestamp(bucket.reset, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "used": bucket.used,
    }


GIT_OBJECT: dict[str, Resolver] = {
    "abbreviatedOid": lambda item, _info: item.oid[:7],
    "id": lambda item, _info: node_id(GIT_KINDS[item.kind], f"{item.repository.id}:{item.oid}"),
    "oid": lambda item, _info: item.oid,
    "repository": lambda item, _info: item.repository,
}
RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Query": {
        "rateLimit": resolve_rate_limit,
        "repository": resolve_repository,
        "repositoryOwner": resolve_owner,
        "user": resolve_user,
        "viewer": lambda _source, info: holder_account(_context(info).world, _context(info).caller),
    },
    "Repository": {
        "createdAt": lambda repository, _info: repository.fields.get("created_at"),
        "databaseId": lambda repository, _info: repository.id,
        "defaultBranchRef": resolve_branch,
        "id": lambda repository, _info: node_id("Repository", repository.id),
        "isArchived": lambda repository, _info: bool(repository.fields.get("archived")),
        "isEmpty": lambda repository, info: _context(info).world.tip(repository) is None,
        "isFork": lambda repository, _info: bool(repository.fields.get("fork")),
        "isPrivate": lambda repository, _info: repository.private,
        "name": lambda repository, _info: repository.name,
        "nameWithOwner": lambda repository, _info: repository.full_name,
        "object": resolve_object,
        "pushedAt": lambda repository, _info: repository.fields.get("pushed_at"),
        "url": lambda repository, info: f"{_context(info).server}/{repository.full_name}",
    },
    "Ref": {
        "id": lambda branch, _info: node_id("Ref", f"{branch.repository.id}:{branch.repository.default_branch}"),
        "name": lambda branch, _info: branch.repository.default_branch,
        "prefix": lambda _branch, _info: "refs/heads/",
        "repository": lambda branch, _info: branch.repository,
        "target": resolve_target,
    },
    "Tree": GIT_OBJECT,
    "Blob": GIT_OBJECT,
    "Tag": GIT_OBJECT,
    "Commit": {
        **GIT_OBJECT,
        "author": lambda item, _info: _commit(item).author,
        "authoredDate": lambda item, _info: _commit(item).author.date,
        "committedDate": lambda item, _info: _commit(item).committer.date,
        "committer": lambda item, _info: _commit(item).committer,
        "history": resolve_history,
        "message": lambda item, _info: _commit(item).message,
        "messageHeadline": lambda item, _info: _commit(item).message.partition("\n")[0],
    },
    "CommitHistoryConnection": {
        "edges": resolve_edges,
        "nodes": resolve_nodes,
        "pageInfo": resolve_page_info,
        "totalCount": lambda page, _info: page.total,
    },
    "GitActor": {
        "date": lambda actor, _info: actor.date,
        "email": lambda actor, _info: actor.email,
        "name": lambda actor, _info: actor.name,
        "user": resolve_actor_user,
    },
    "Organization": {
        "databaseId": lambda account, _info: account.id,
        "email": lambda account, _info: account.details.get("email"),
        "id": lambda account, _info: node_id("Organization", account.id),
        "login": lambda account, _info: account.login,
        "name": lambda account, _info: account.details.get("name"),
        "url": lambda account, info: f"{_context(info).server}/{account.login}",
    },
    "User": {
        "databaseId": lambda account, _info: account.id,
        "email": resolve_user_email,
        "id": lambda account, _info: node_id("User", account.id),
        "login": lambda account, _info: account.login,
        "name": lambda account, _info: account.details.get("name"),
        "url": lambda account, info: f"{_context(info).server}/{account.login}",
    },
}


def attach(schema: GraphQLSchema) -> GraphQLSchema:
    """Put the resolvers into a schema: ours, or the official one."""
    for kind, resolvers in RESOLVERS.items():
        described = schema.type_map[kind]
        if isinstance(described, GraphQLObjectType):
            for name, resolver in resolvers.items():
                described.fields[name].resolve = resolver
    for name, resolve_type in {
        "GitObject": lambda item, _info, _kind: GIT_KINDS[item.kind],
        "RepositoryOwner": lambda account, _info, _kind: account.type,
    }.items():
        interface = schema.type_map[name]
        if isinstance(interface, GraphQLInterfaceType):
            interface.resolve_type = resolve_type
    return schema
