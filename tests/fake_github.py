"""A GitHub of a few repositories, asked through pytest-httpx. Each day it has another date."""

from datetime import datetime, timedelta

import httpx
from github_answers import answer

FIRST_DAY = datetime.fromisoformat("2023-11-14T22:00:00")


class FakeGitHub:
    """Owners with their repositories, by number; ``refusals`` are replies by path, ``asked`` the paths of all requests."""

    def __init__(self):
        self.repositories = {}
        self.hidden = {}
        self.refusals = {}
        self.asked = []
        self.day = 0

    def add(self, number, name, **more):
        owner, _, short = name.partition("/")
        one = {**answer("repository"), "id": number, "name": short, "full_name": name, **more}
        one["owner"] = {"login": owner, "id": sum(owner.encode()), "type": "Organization"}
        self.repositories[number] = one
        self.hidden.pop(number, None)

    def hide(self, number, name=None):
        """Make it private, and leave it out of lists, as those of public repositories do."""
        one = self.repositories[number]
        self.hidden[number] = {**one, "private": True, "visibility": "private", "full_name": name or one["full_name"]}
        del self.repositories[number]

    def __call__(self, request):
        path = request.url.path
        self.asked.append(path)
        if path in self.refusals:
            return self.refusals[path]
        date = (FIRST_DAY + timedelta(days=self.day)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        found = self._find(path.strip("/").split("/"))
        if isinstance(found, list):
            page = int(request.url.params.get("page", 1))
            found = found[100 * page - 100 : 100 * page]
        return httpx.Response(404 if found is None else 200, json=found or [], headers={"date": date})

    def _find(self, parts):
        every = self.repositories.values()
        match parts:
            case ["orgs", owner, "repos"]:
                return [one for one in every if one["owner"]["login"] == owner] or None
            case ["repositories", number]:
                return self.repositories.get(int(number)) or self.hidden.get(int(number))
            case ["repos", owner, name]:
                return next((one for one in every if one["full_name"] == f"{owner}/{name}"), None)
        return None
