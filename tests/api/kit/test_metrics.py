"""What Prometheus reads."""

import catalogue_rows
import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from api.main import create_app
from git_contrib_assets.serving.contract import catalogue


def samples(text: str) -> list[Sample]:
    """All samples, read by Prometheus' own parser; none is there twice."""
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert len({(one.name, *sorted(one.labels.items())) for one in found}) == len(found)
    return found


def value(found: list[Sample], name: str, **labels: str) -> float:
    """The value of the one sample of a name with these labels."""
    (one,) = [sample for sample in found if sample.name == name and labels.items() <= sample.labels.items()]
    return one.value


async def test_answers_are_counted(own_client, published, tables):
    """By the template of the route and the status: cached ones too, and those that match no route under one name."""
    published.publish("one", tables)
    for path in ("/v1/repositories/acme/anvil", "/v1/repositories/acme/anvil", "/v1/repositories/acme/fork"):
        assert (await own_client.get(path)).status_code == 200
    await own_client.get("/v1/repositories/acme/nobody")
    await own_client.get("/v1/new-contributors?colour=red")
    await own_client.head("/v1/meta")
    for path in ("/nothing", "/nothing/else", "/%00"):
        await own_client.get(path)
    answer = await own_client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    found = samples(answer.text)
    route = "/v1/repositories/{owner}/{name}"
    total = "git_contrib_api_requests_total"
    assert value(found, total, route=route, status="200") == 3
    assert value(found, total, route=route, status="404") == 1
    assert value(found, total, route="/v1/new-contributors", status="400") == 1
    assert value(found, total, route="/v1/meta", status="200") == 1
    assert value(found, total, route="none", status="404") == 3
    assert "nobody" not in answer.text
    assert "_created" not in answer.text


async def test_durations(own_client, published, tables):
    """The buckets of a route hold all its answers, each those of the ones before."""
    published.publish("one", tables)
    for number in range(5):
        await own_client.get(f"/v1/new-contributors?page={number + 1}")
    found = samples((await own_client.get("/metrics")).text)
    name, route = "git_contrib_api_request_seconds", "/v1/new-contributors"
    buckets = [one for one in found if one.name == f"{name}_bucket" and one.labels["route"] == route]
    assert [one.labels["le"] for one in buckets] == ["0.005", "0.025", "0.1", "0.5", "2.5", "10.0", "+Inf"]
    counts = [one.value for one in buckets]
    assert counts == sorted(counts)
    assert counts[-1] == value(found, f"{name}_count", route=route) == 5
    assert 0 < value(found, f"{name}_sum", route=route) < 60


async def test_the_snapshot(own_client, published, tables):
    """Its name, its age since the tables were last found current, and what the answers kept take; none before the first."""
    found = samples((await own_client.get("/metrics")).text)
    assert value(found, "git_contrib_api_snapshot_ready") == 0
    assert not [sample for sample in found if "cache" in sample.name or "age" in sample.name]
    published.publish("one", tables)
    published.checked("one", "2017-07-06T06:00:00Z")
    await own_client.get("/v1/repositories")
    found = samples((await own_client.get("/metrics")).text)
    assert value(found, "git_contrib_api_snapshot_ready") == 1
    assert value(found, "git_contrib_api_snapshot_info", snapshot="one", complete_through="2017-06-30") == 1
    age, built = (value(found, f"git_contrib_api_snapshot_{name}_seconds") for name in ("age", "built"))
    assert abs(built - age - 2 * 24 * 3600) < 1
    assert value(found, "git_contrib_api_cache_bytes") > 1000


async def test_each_publication(own_client, published):
    """The catalogue is ready by itself; the private one is not named."""
    published.other(catalogue.PUBLICATION).publish("listed", catalogue_rows.public_tables())
    published.other(catalogue.PRIVATE_PUBLICATION).publish("private", catalogue_rows.private_tables())
    found = samples((await own_client.get("/metrics")).text)
    ready = {one.labels["publication"]: one.value for one in found if one.name == "git_contrib_api_publication_ready"}
    assert ready == {"contributors": 0, "catalogue": 1}
    assert value(found, "git_contrib_api_snapshot_ready") == 1
    assert value(found, "git_contrib_api_publication_age_seconds", publication="catalogue") > 0
    assert not [one for one in found if one.name == "git_contrib_api_snapshot_info"]


async def test_the_process(client):
    """Its memory, its time and its open files, under the names that every Prometheus dashboard knows."""
    found = samples((await client.get("/metrics")).text)
    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"):
        assert value(found, name) > 0


async def test_each_app_counts_its_own_answers(made_settings):
    """Two apps in one process share nothing."""
    for _ in range(2):
        app = create_app(made_settings)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
            await opened.get("/healthz")
            found = samples((await opened.get("/metrics")).text)
        assert value(found, "git_contrib_api_requests_total", route="/healthz", status="200") == 1
        app.state.store.close()
