"""The description of the API is stored, so that a change to the API is always a change to a file."""

import json

import api_description


def test_stored_description_is_current():
    """If the change is meant, run ``python tests/api_description.py``, and name it in the changelog."""
    assert api_description.text() == api_description.FILE.read_text("utf-8")


def test_every_operation_is_described():
    """An id that reads well, a summary, a description, a shape and all failures; parameters in words."""
    paths = json.loads(api_description.text())["paths"]
    operations = [(path, operation) for path, item in paths.items() for operation in item.values()]
    ids = [operation["operationId"] for _path, operation in operations]
    assert len(set(ids)) == len(ids)
    for path, operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert "422" not in operation["responses"]
        content = operation["responses"]["200"]["content"]
        if path.endswith(".svg"):
            assert set(content) == {"image/svg+xml"}
        elif path.endswith(".csv"):
            assert set(content) == {"text/csv"}
        elif path == "/metrics":
            assert set(content) == {"text/plain"}
        else:
            assert "$ref" in content["application/json"]["schema"]
        assert "500" in operation["responses"]
        assert ("503" in operation["responses"]) == (path not in {"/healthz", "/metrics"})
        for parameter in operation.get("parameters", []):
            assert parameter["in"] == "path" or parameter["description"]


async def test_description_is_served(client):
    """What is stored is what is served."""
    assert (await client.get("/openapi.json")).json() == json.loads(api_description.FILE.read_text("utf-8"))
