"""Answers are as the models say."""

import pytest

from api.contributors import models
from api.operation.models import Health, Meta, Ready


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/api/repos", models.LegacyPage),
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
        ("/v1/meta", Meta),
        ("/healthz", Health),
        ("/readyz", Ready),
    ],
)
async def test_answers_have_the_shape_described(client, path, model):
    """No member missing, none too many, and counts are numbers."""
    answer = await client.get(path)
    model.model_validate_json(answer.content, strict=False)
    assert answer.headers["content-type"] == "application/json"
    for item in answer.json().get("items", []):
        assert all(not isinstance(value, str) for name, value in item.items() if name.startswith("number_of"))
