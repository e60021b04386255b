"""The description of the API is stored, so that a change to the API is always a change to a file."""

import json
from pathlib import Path

from api.kit.settings import Settings
from api.main import create_app

STORED = Path(__file__).parents[1] / "openapi.json"


def described(tmp_path: Path) -> dict:
    return create_app(Settings(published=tmp_path)).openapi()


def test_stored_description_is_current(tmp_path):
    """If this fails and the change is meant: write the new text to the stored file and name it in the changelog."""
    text = json.dumps(described(tmp_path), indent=2, ensure_ascii=False) + "\n"
    assert text == STORED.read_text(encoding="utf-8")


def test_every_operation_is_described(tmp_path):
    """An id that reads well, a summary, a description, a shape and all failures; parameters in words."""
    operations = [
        (path, operation) for path, item in described(tmp_path)["paths"].items() for operation in item.values()
    ]
    ids = [operation["operationId"] for _path, operation in operations]
    assert len(set(ids)) == len(ids) == 20
    for path, operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert "422" not in operation["responses"]
        content = operation["responses"]["200"]["content"]
        if path.endswith(".svg"):
            assert set(content) == {"image/svg+xml"}
        elif path == "/metrics":
            assert set(content) == {"text/plain"}
        else:
            assert "$ref" in content["application/json"]["schema"]
        assert "500" in operation["responses"]
        assert ("503" in operation["responses"]) == (path not in {"/healthz", "/metrics"})
        for parameter in operation.get("parameters", []):
            assert parameter["in"] == "path" or parameter["description"]


async def test_description_is_served(client, tmp_path):
    """What is stored is what is served."""
    assert (await client.get("/openapi.json")).json() == json.loads(STORED.read_text(encoding="utf-8"))
