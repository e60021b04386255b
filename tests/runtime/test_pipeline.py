"""The main job's runs, as Dagster's history keeps them."""

from pathlib import Path

import pytest
from pytest_httpx import HTTPXMock

from git_contrib_assets.progress import Reporter
from git_contrib_assets.records import Target
from git_contrib_assets.runtime import pipeline
from git_contrib_assets.runtime.instance import open_instance
from git_contrib_assets.settings import Settings
from git_contrib_assets.storage.home import Home


def test_its_runs_are_listed_under_their_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, httpx_mock: HTTPXMock
) -> None:
    """By the label of the code location, as those are that the UI starts. GitHub refuses the token, so it is just one."""
    httpx_mock.add_response(status_code=401, json={"message": "Bad credentials"})
    environment = {"GIT_CONTRIB_HOME": str(tmp_path), "GITHUB_TOKEN": "refused"}
    monkeypatch.setenv("DAGSTER_HOME", "")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    outcome = pipeline.run(Settings.from_environment(), [Target.parse("acme")], max_wait=0.0, listener=Reporter())
    assert outcome.exit_code == 5
    with open_instance(Home(tmp_path)) as instance:
        (run,) = instance.get_runs()
    assert (run.job_name, run.tags[".dagster/repository"]) == ("catalogue", "__repository__@git_contrib")
