"""The description of the API is stored, so that a change to the API is always a change to a file."""

import json
from pathlib import Path

import pytest

from api import models
from api.main import create_app
from api.settings import Settings

STORED = Path(__file__).with_name("openapi.json")


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


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/api/repos", models.SeedPage),
        ("/v1/new-contributors", models.NewContributorsPage),
        ("/v1/new-contributors.json", models.NewContributorsPage),
        ("/v1/new-contributors/summary", models.Summary),
        ("/v1/new-contributors/summary?interval=quarter&repository=acme/anvil", models.Summary),
        ("/v1/repositories", models.RepositoriesPage),
        ("/v1/repositories/acme/pending", models.RepositoryAnswer),
        ("/v1/repositories/acme/anvil", models.RepositoryAnswer),
        ("/v1/repositories/acme/anvil/new-contributors", models.Series),
        ("/v1/repositories/acme/anvil/new-contributors/2016-02", models.PeopleOfMonth),
        ("/v1/contributors/new?from=2016-02&bots=false", models.PeoplePage),
        ("/v1/meta", models.Meta),
        ("/healthz", models.Health),
        ("/readyz", models.Ready),
    ],
)
async def test_answers_have_the_shape_described(client, path, model):
    """No member missing, none too many, and counts are numbers."""
    answer = await client.get(path)
    model.model_validate_json(answer.content, strict=False)
    assert answer.headers["content-type"] == "application/json"
    for item in answer.json().get("items", []):
        assert all(not isinstance(value, str) for name, value in item.items() if name.startswith("number_of"))


async def test_description_is_served(client, tmp_path):
    """What is stored is what is served."""
    assert (await client.get("/openapi.json")).json() == json.loads(STORED.read_text(encoding="utf-8"))
