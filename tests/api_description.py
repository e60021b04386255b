"""The stored description of the API: ``python tests/api_description.py`` writes it."""

import json
import tempfile
from pathlib import Path

from api.kit.settings import Settings
from api.main import create_app

FILE = Path(__file__).with_name("api") / "openapi.json"


def text() -> str:
    """The description as it is now."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(published=Path(folder)))
        return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
