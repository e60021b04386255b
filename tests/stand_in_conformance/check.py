"""Compares the stand-in with GitHub's own descriptions of its APIs: a check for developers, not part of the tests.

    python tests/stand_in_conformance/check.py [--cache DIRECTORY]

Fetches GitHub's OpenAPI description and GraphQL schema with npm (once), serves the bundled organisation, and validates
every reply. Prints each operation with its violations; exit code 1 if there is one. Needs npm and `jsonschema`.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, build_schema
from jsonschema import Draft7Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from github_stand_in import organisation
from github_stand_in.changes import create, profile, rename
from github_stand_in.git_objects import run_git
from github_stand_in.graphql.engine import GraphQLEngine, cost_of
from github_stand_in.graphql.resolvers import Context
from github_stand_in.graphql.schema import SCHEMA
from github_stand_in.limits import Bucket
from github_stand_in.server import StandIn, World, running

OPENAPI = ("@octokit/openapi@23.0.2", "package/generated/api.github.com.json")
GRAPHQL = ("@octokit/graphql-schema@15.26.1", "package/schema.graphql")
ADDRESS = "urn:openapi"
TOKEN = "conformance"
SCOPELESS = "conformance-without-scopes"
# GitHub answers these anywhere without declaring them for each operation.
EVERYWHERE = {304, 401, 403, 429}


def fetch(package: str, member: str, cache: Path) -> Path:
    """One file of an npm package, kept for the next time."""
    target = cache / package.replace("/", "-") / Path(member).name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "pack", package, "--silent", "--pack-destination", str(target.parent)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (archive,) = target.parent.glob("*.tgz")
        with tarfile.open(archive) as opened:
            content = opened.extractfile(member)
            if content is None:
                raise FileNotFoundError(member)
            target.write_bytes(content.read())
        archive.unlink()
    return target


def json_schema(node: Any) -> Any:
    """OpenAPI 3.0 says `nullable`; JSON Schema has a type for it."""
    if isinstance(node, list):
        return [json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: json_schema(value) for key, value in node.items() if key not in ("example", "examples")}
    if found.pop("nullable", False) is True:
        return {"anyOf": [found, {"type": "null"}]}
    return found


@dataclass
class Report:
    """What was checked and what was wrong."""

    checked: Counter[str] = field(default_factory=Counter)
    violations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def print(self) -> int:
        """One line for each operation; the exit code."""
        for operation in sorted(self.checked):
            wrong = self.violations.get(operation, [])
            sys.stdout.write(f"{operation}: {self.checked[operation]} replies, {len(wrong)} violations\n")
            for line in sorted(set(wrong))[:10]:
                sys.stdout.write(f"    {line}\n")
        total = sum(len(wrong) for wrong in self.violations.values())
        sys.stdout.write(f"{sum(self.checked.values())} replies, {total} violations\n")
        return 1 if total else 0


class RestJudge:
    """Validates replies against the OpenAPI description."""

    def __init__(self, description: dict[str, Any], report: Report) -> None:
        self.description = json_schema(description)
        self.paths = description["paths"]
        self.registry: Registry[Any] = Registry().with_resource(
            ADDRESS, Resource(contents=self.description, specification=DRAFT7)
        )
        self.report = report
        self._validators: dict[str, Draft7Validator] = {}
        self._proven: set[str] = set()

    def _validator(self, pointer: str) -> Draft7Validator:
        if pointer not in self._validators:
            self._validators[pointer] = Draft7Validator(
                {"$ref": f"{ADDRESS}#{pointer}"}, registry=self.registry, format_checker=FormatChecker()
            )
        return self._validators[pointer]

    def judge(self, template: str, reply: httpx.Response, expected: int) -> None:
        """Check one reply to the operation `GET template`."""
        operation = f"GET {template} {expected}"
        self.report.checked[operation] += 1
        wrong = self.report.violations[operation]
        if reply.status_code != expected:
            wrong.append(f"status {reply.status_code} for {reply.request.url}")
            return
        responses = self.paths[template]["get"]["responses"]
        declared = responses.get(str(expected))
        if declared is None:
            if expected not in EVERYWHERE:
                wrong.append(f"status {expected} is not declared")
            elif reply.content:
                self._compare("/components/schemas/basic-error", reply, wrong)
            return
        pointer = f"/paths/{template.replace('~', '~0').replace('/', '~1')}/get/responses/{expected}"
        if "$ref" in declared:
            pointer = declared["$ref"].removeprefix("#")
            declared = self.description["components"]["responses"][pointer.rpartition("/")[2]]
        if "application/json" not in declared.get("content", {}):
            if reply.content:
                wrong.append("a body where none is declared")
            return
        self._compare(f"{pointer}/content/application~1json/schema", reply, wrong)

    def _compare(self, pointer: str, reply: httpx.Response, wrong: list[str]) -> None:
        pointer = pointer.replace("{", "%7B").replace("}", "%7D")
        validator, content = self._validator(pointer), reply.json()
        if pointer not in self._proven:
            # A judge that lets everything pass is of no use: it must notice what is plainly wrong.
            self._proven.add(pointer)
            if validator.is_valid(["nonsense"] if isinstance(content, list) else "nonsense"):
                wrong.append(f"nonsense is valid for {pointer}")
        for error in validator.iter_errors(content):
            deepest = error
            while deepest.context:
                deepest = min(deepest.context, key=lambda inner: -len(inner.absolute_path))
            wrong.append(f"{deepest.json_path}: {deepest.message[:200]}")


REPOSITORY = "/repos/{owner}/{repo}"


def rest_replies(stand_in: StandIn, judge: RestJudge) -> None:
    """Ask every operation."""
    headers = {"authorization": f"Bearer {TOKEN}", "user-agent": "conformance"}
    owner = organisation.OWNER
    with httpx.Client(base_url=stand_in.api_url, headers=headers, timeout=60) as client:

        def ask(template: str, path: str, expected: int = 200, **extra: str) -> httpx.Response:
            reply = client.get(path, headers=extra)
            judge.judge(template, reply, expected)
            return reply

        listed = ask("/orgs/{org}/repos", f"/orgs/{owner}/repos?per_page=100").json()
        second = ask("/orgs/{org}/repos", f"/orgs/{owner}/repos?per_page=5")
        ask("/orgs/{org}/repos", second.links["next"]["url"])
        tag = second.headers["etag"]
        ask("/orgs/{org}/repos", f"/orgs/{owner}/repos?per_page=5", 304, **{"if-none-match": tag})
        ask("/orgs/{org}", f"/orgs/{owner}")
        ask("/orgs/{org}", "/orgs/nobody-at-all", 404)
        ask("/users/{username}/repos", f"/users/{owner}/repos")
        ask("/users/{username}/repos", "/users/conformer/repos")
        ask("/users/{username}", f"/users/{owner}")
        ask("/users/{username}", "/users/nobody-at-all", 404)
        ask("/user", "/user")
        ask("/user", "/user", 401, authorization="Bearer wrong")
        ask("/user/repos", "/user/repos?per_page=100")
        ask("/user/repos", "/user/repos?type=all&visibility=all", 422)
        ask("/user/orgs", "/user/orgs")
        ask("/user/orgs", "/user/orgs", 403, authorization=f"Bearer {SCOPELESS}")
        ask("/user/emails", "/user/emails")
        ask("/user/emails", "/user/emails", 404, authorization=f"Bearer {SCOPELESS}")
        ask("/rate_limit", "/rate_limit")
        ask(REPOSITORY, "/repos/conformer/was-called-this", 301)
        ask(REPOSITORY, f"/repos/{owner}/nothing-here", 404)
        ask(f"{REPOSITORY}/commits", f"/repos/{owner}/nothing-here/commits", 404)
        for entry in listed:
            repository_replies(ask, entry["full_name"], entry["id"])
        for login in sorted(set(_logins(client, owner)))[:40]:
            ask("/users/{username}", f"/users/{login}")
        stand_in.fault("bad_gateway", status=500, path="/commits", times=1)
        ask(f"{REPOSITORY}/commits", f"/repos/{owner}/lighthouse/commits", 500)
        stand_in.fault("tos", path="/repos/", times=1)
        ask(REPOSITORY, f"/repos/{owner}/lighthouse", 403)
        stand_in.fault("too_large", path="/contributors", times=1)
        ask(f"{REPOSITORY}/contributors", f"/repos/{owner}/lighthouse/contributors", 403)
        stand_in.limits(core=0)
        ask(f"{REPOSITORY}/commits", f"/repos/{owner}/lighthouse/commits", 403)
        stand_in.limits(core=5000)


def _logins(client: httpx.Client, owner: str) -> Iterator[str]:
    for name in ("lighthouse", "sextant"):
        for entry in client.get(f"/repos/{owner}/{name}/contributors?per_page=100").json():
            yield entry["login"]


def repository_replies(ask: Any, name: str, identity: int) -> None:
    """Ask every operation of one repository."""
    path, commits = f"/repos/{name}", f"{REPOSITORY}/commits"
    ask(REPOSITORY, path)
    ask(REPOSITORY, f"/repositories/{identity}")
    if name.endswith("new-pier"):
        ask(commits, f"{path}/commits", 409)
        ask(f"{commits}/{{ref}}", f"{path}/commits/main", 409)
        ask(f"{REPOSITORY}/stats/contributors", f"{path}/stats/contributors", 204)
        ask(f"{REPOSITORY}/contributors", f"{path}/contributors", 204)
        return
    reply = ask(commits, f"{path}/commits?per_page=100")
    shas = [entry["sha"] for entry in reply.json()]
    while "next" in reply.links:
        reply = ask(commits, reply.links["next"]["url"])
    ask(f"{commits}/{{ref}}", f"{path}/commits/{shas[0]}")
    ask(f"{commits}/{{ref}}", f"{path}/commits/main")
    ask(f"{commits}/{{ref}}", f"{path}/commits/{'0' * 40}", 422)
    ask(f"{commits}/{{ref}}", f"{path}/commits/no-such-branch", 404)
    compare = f"{REPOSITORY}/compare/{{basehead}}"
    for base, head in ((-1, 0), (0, -1), (0, 0), (3, 1)):
        ask(compare, f"{path}/compare/{shas[base]}...{shas[head]}")
    ask(compare, f"{path}/compare/{shas[-1]}...{shas[0]}?per_page=10&page=2")
    ask(compare, f"{path}/compare/{'0' * 40}...{shas[0]}", 404)
    ask(f"{REPOSITORY}/stats/contributors", f"{path}/stats/contributors", 202)
    ask(f"{REPOSITORY}/stats/contributors", f"{path}/stats/contributors")
    ask(f"{REPOSITORY}/contributors", f"{path}/contributors?per_page=100")
    ask(f"{REPOSITORY}/contributors", f"{path}/contributors?per_page=100&anon=1")


FIELDS = """databaseId isEmpty createdAt pushedAt nameWithOwner id name url isFork isArchived isPrivate
  defaultBranchRef{id name prefix target{id oid abbreviatedOid ... on Commit{message messageHeadline committedDate
    authoredDate committer{name email date user{login}} repository{name}
    history(first:100%s){totalCount pageInfo{startCursor endCursor hasNextPage hasPreviousPage}
      edges{cursor node{oid}} nodes{oid authoredDate committedDate author{name email date user{login databaseId}}}}}}}"""


def queries(world: World) -> Iterator[tuple[str, str]]:
    """Queries like those of this project, and some that fail."""
    owner = organisation.OWNER
    parts = []
    for number, repository in enumerate(world.catalogue.by_id.values()):
        named = f'repository(owner:"{repository.owner.login}",name:"{repository.name}")'
        yield "history", f"{{rateLimit{{cost limit remaining resetAt used nodeCount}} {named}{{{FIELDS % ''}}}}}"
        shas = run_git(repository.path, "rev-list", "--all", "-20").split()
        if shas:
            yield "next page of the history", f"{{{named}{{{FIELDS % f',after:{chr(34)}{shas[0]} 99{chr(34)}'}}}}}"
        aliases = " ".join(
            f'c{position}: object(oid:"{sha}"){{__typename ... on Commit{{author{{email user{{login databaseId}}}}}}}}'
            for position, sha in enumerate([*shas, "0" * 40])
        )
        parts.append(f"r{number}: {named}{{databaseId {aliases}}}")
    yield "accounts of many commits", "query{rateLimit{cost remaining resetAt} " + " ".join(parts) + "}"
    yield "viewer", "{viewer{login databaseId id name url}}"
    tree = run_git(world.root / owner / "lighthouse.git", "rev-parse", "main^{tree}").strip()
    yield "objects", f'{{repository(owner:"{owner}",name:"lighthouse"){{object(oid:"{tree}"){{__typename oid id}}}}}}'
    yield (
        "not found",
        f'{{a:repository(owner:"{owner}",name:"nothing"){{name}} b:repository(owner:"x",name:"y"){{id}}}}',
    )
    yield "unknown field", '{repository(owner:"a",name:"b"){nonsense}}'
    yield (
        "bot as user",
        '{repository(owner:"a",name:"b"){object(expression:"main"){... on Commit{author{user{... on Bot{id}}}}}}}',
    )
    yield "missing argument", '{repository(owner:"a"){name}}'


def graphql_replies(stand_in: StandIn, official: GraphQLSchema, report: Report) -> None:
    """The same resolvers under the official schema must take and answer the same queries."""
    world = World(stand_in.root, [f"{TOKEN}=conformer:repo,user:{organisation.OWNER}"])
    engine = GraphQLEngine(official)
    client = httpx.Client(headers={"authorization": f"Bearer {TOKEN}", "user-agent": "conformance"}, timeout=60)
    for name, query in queries(world):
        operation = f"POST /graphql {name}"
        report.checked[operation] += 1
        served = client.post(stand_in.graphql_url, json={"query": query}).json()
        document = engine.prepare(query)
        if isinstance(document, dict):
            if "data" in served or "errors" not in served:
                report.violations[operation].append("GitHub's schema refuses the query, the stand-in does not")
            continue
        bucket = Bucket(5000, 1)
        context = Context(world, world.tokens[TOKEN], bucket, *cost_of(document, {}), stand_in.server_url)
        expected = engine.run(document, context, {})
        for reply in (served, expected):
            (reply.get("data") or {}).pop("rateLimit", None)
        if served.get("data") != expected["data"]:
            report.violations[operation].append("the data differ")
        if [e["message"] for e in served.get("errors", [])] != [e["message"] for e in expected.get("errors", [])]:
            report.violations[operation].append("the errors differ")
    world.store.close()
    client.close()


def schema_is_part_of(official: GraphQLSchema, report: Report) -> None:
    """Every field of our schema is GitHub's, with the same type and arguments."""
    for name, ours in build_schema(SCHEMA).type_map.items():
        if name.startswith("__") or not isinstance(ours, GraphQLObjectType | GraphQLInterfaceType):
            continue
        operation = f"type {name}"
        theirs = official.type_map[name]
        for field_name, described in ours.fields.items():
            report.checked[operation] += 1
            other = theirs.fields.get(field_name) if isinstance(theirs, type(ours)) else None
            if other is None or str(other.type) != str(described.type):
                report.violations[operation].append(f"{field_name}: {described.type} is {other and other.type}")
                continue
            for argument, wanted in described.args.items():
                if argument not in other.args or str(other.args[argument].type) != str(wanted.type):
                    report.violations[operation].append(f"{field_name}({argument}) is different")


def main() -> int:
    """Check everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--cache", type=Path, default=home / "git-contrib" / "conformance")
    cache = parser.parse_args().cache
    report = Report()
    description = orjson.loads(fetch(*OPENAPI, cache).read_bytes())
    official = build_schema(fetch(*GRAPHQL, cache).read_text(), assume_valid=True, assume_valid_sdl=True)
    with tempfile.TemporaryDirectory() as directory:
        root = organisation.build(Path(directory) / "world")
        # A user with a private and a renamed repository.
        create(root, "conformer/hidden", owner_type="User", private=True)
        create(root, "conformer/was-called-this", owner_type="User")
        rename(root, "conformer/was-called-this", "is-called-that")
        emails = [
            {"email": "conformer@example.invalid", "primary": True, "verified": True, "visibility": "private"},
            {"email": "old@example.invalid", "primary": False, "verified": False, "visibility": None},
        ]
        profile(root, "conformer", emails=emails)
        tokens = [f"{TOKEN}=conformer:repo,user:{organisation.OWNER}", f"{SCOPELESS}=conformer"]
        with running(root, tokens=tokens) as stand_in:
            rest_replies(stand_in, RestJudge(description, report))
            graphql_replies(stand_in, official, report)
    schema_is_part_of(official, report)
    return report.print()


if __name__ == "__main__":
    sys.exit(main())
