"""Replies of GitHub's, kept as files in ``tests/answers/github``."""

from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(__file__).parent / "answers" / "github"


def answer(name: str) -> Any:
    """The reply of that name."""
    return orjson.loads((FOLDER / f"{name}.json").read_bytes())
