"""The addresses of the API, from its stored description: tests of all routes include a new one by themselves."""

import json
from typing import Any

import api_description

KNOWN = {"owner": "acme", "name": "anvil", "month": "2016-02", "suffix": "json"}
PATHS: dict[str, Any] = json.loads(api_description.FILE.read_text("utf-8"))["paths"]


def address(path: str, name: str | None = None, value: str = "") -> str:
    """The path with its parameters filled in, one of them with the given value."""
    for one, usual in KNOWN.items():
        path = path.replace(f"{{{one}}}", value if one == name else usual)
    return path


def _addresses(path: str) -> list[str]:
    """One address for each format of the path."""
    parameters = PATHS[path]["get"].get("parameters", [])
    suffixes = [suffix for one in parameters if one["name"] == "suffix" for suffix in one["schema"]["enum"]]
    return [address(path, "suffix", suffix) for suffix in suffixes] or [address(path)]


ROUTES = [one for path in PATHS for one in _addresses(path)]
V1_ROUTES = [route for route in ROUTES if route.startswith("/v1/")]
