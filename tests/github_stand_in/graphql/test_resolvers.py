"""What the queries that this project asks are answered with."""

from stand_in_helpers import ask

from github_stand_in.git_objects import run_git
from github_stand_in.organisation import OWNER
from github_stand_in.server import StandIn

AUTHOR = "... on Commit{author{email user{login databaseId}}}"


def test_names_the_accounts_of_a_hundred_commits_of_several_repositories(harbor: StandIn) -> None:
    parts = []
    for number, name in enumerate(("lighthouse", "dry-dock", "foghorn", "tide-tables")):
        shas = run_git(harbor.root / OWNER / f"{name}.git", "rev-list", "-25", "main").split()
        aliases = " ".join(f'c{position}: object(oid:"{sha}"){{{AUTHOR}}}' for position, sha in enumerate(shas))
        parts.append(f'r{number}: repository(owner:"{OWNER}",name:"{name}"){{databaseId {aliases}}}')
    reply = ask(harbor, "query{rateLimit{cost remaining} " + " ".join(parts) + "}")
    assert "errors" not in reply
    assert reply["data"]["rateLimit"]["cost"] == 1
    assert sum(len(reply["data"][f"r{number}"]) - 1 for number in range(4)) == 100
    (logged,) = harbor.requests("graphql")
    assert logged["aliases"] == 104


def test_a_bot_a_ghost_and_a_stranger_are_no_user(small: StandIn) -> None:
    small.link("cleo@example.invalid", None)
    query = """{repository(owner:"acme",name:"tools"){databaseId isEmpty createdAt pushedAt nameWithOwner
      defaultBranchRef{name target{oid ... on Commit{authoredDate committedDate history(first:3){
        totalCount pageInfo{endCursor hasNextPage} nodes{author{name user{login databaseId}}}}}}}}}"""
    repository = ask(small, query)["data"]["repository"]
    history = repository["defaultBranchRef"]["target"]["history"]
    assert {node["author"]["name"]: node["author"]["user"] for node in history["nodes"]} == {
        "ann": {"login": "ann", "databaseId": 11},
        "bob": None,
        "cleo": None,
    }
    assert history["totalCount"] == 4
    assert history["pageInfo"]["hasNextPage"] is True
    tip = repository["defaultBranchRef"]["target"]["oid"]
    assert history["pageInfo"]["endCursor"] == f"{tip} 2"
    rest = 'query($after:String){repository(owner:"acme",name:"tools"){object(expression:"main"){... on Commit{'
    rest += "history(first:3,after:$after){nodes{oid} pageInfo{hasNextPage}}}}}}"
    page = ask(small, rest, after=f"{tip} 2")["data"]["repository"]["object"]["history"]
    assert len(page["nodes"]) == 1
    assert page["pageInfo"]["hasNextPage"] is False


def test_one_missing_repository_spoils_only_its_own_part(small: StandIn) -> None:
    reply = ask(
        small, '{a:repository(owner:"acme",name:"nope"){databaseId} b:repository(owner:"acme",name:"tools"){name}}'
    )
    assert reply["data"] == {"a": None, "b": {"name": "tools"}}
    (error,) = reply["errors"]
    assert error["type"] == "NOT_FOUND"
    assert error["path"] == ["a"]
    assert error["message"] == "Could not resolve to a Repository with the name 'acme/nope'."
    assert ask(small, '{repository(owner:"acme",name:"secret"){name}}')["data"]["repository"] is None
    assert ask(small, '{repository(owner:"acme",name:"secret"){name}}', "owner")["data"]["repository"]


def test_follows_a_rename_unless_told_not_to(small: StandIn) -> None:
    small.rename("acme/tools", "toolbox")
    assert ask(small, '{repository(owner:"acme",name:"tools"){name}}')["data"]["repository"]["name"] == "toolbox"
    strict = '{repository(owner:"acme",name:"tools",followRenames:false){name}}'
    assert ask(small, strict)["errors"][0]["type"] == "NOT_FOUND"


def test_an_unknown_commit_is_null_and_an_empty_repository_has_no_branch(small: StandIn) -> None:
    query = '{repository(owner:"acme",name:"empty"){isEmpty defaultBranchRef{name} object(oid:"%s"){oid}}}' % ("0" * 40)
    assert ask(small, query)["data"]["repository"] == {"isEmpty": True, "defaultBranchRef": None, "object": None}


def test_pages_are_bounded(small: StandIn) -> None:
    query = '{repository(owner:"acme",name:"tools"){object(expression:"main"){... on Commit{history%s{totalCount}}}}}'
    assert ask(small, query % "")["errors"][0]["type"] == "MISSING_PAGINATION_BOUNDARIES"
    assert ask(small, query % "(first:101)")["errors"][0]["type"] == "EXCESSIVE_PAGINATION"
