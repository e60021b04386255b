"""What Prometheus reads."""

import re

LINE = re.compile(r'([a-z_]+)(?:\{([a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*)\})? (-?[\d.]+(?:e[+-]?\d+)?)')


def parsed(text: str) -> dict[str, float]:
    """Samples by name and labels; every line is a comment or a sample, every sample has a type."""
    found, types = {}, {}
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _hash, _type, name, kind = line.split(" ")
            assert name not in types
            types[name] = kind
        elif not line.startswith("# HELP "):
            match = LINE.fullmatch(line)
            assert match, line
            name = match[1]
            assert name in types or re.sub("_(bucket|sum|count)$", "", name) in types
            assert line.rpartition(" ")[0] not in found
            found[line.rpartition(" ")[0]] = float(match[3])
    return found


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
    found = parsed(answer.text)
    route = "/v1/repositories/{owner}/{name}"
    total = "git_contrib_api_requests_total"
    assert found[f'{total}{{route="{route}",status="200"}}'] == 3
    assert found[f'{total}{{route="{route}",status="404"}}'] == 1
    assert found[f'{total}{{route="/v1/new-contributors",status="400"}}'] == 1
    assert found[f'{total}{{route="/v1/meta",status="200"}}'] == 1
    assert found[f'{total}{{route="none",status="404"}}'] == 3
    assert "nobody" not in answer.text


async def test_durations(own_client, published, tables):
    """The buckets of a route hold all its answers, each those of the ones before."""
    published.publish("one", tables)
    for number in range(5):
        await own_client.get(f"/v1/new-contributors?page={number + 1}")
    text = (await own_client.get("/metrics")).text
    name, label = "git_contrib_api_request_seconds", 'route="/v1/new-contributors"'
    found = parsed(text.replace('"+Inf"', '"inf"'))
    counts = [value for sample, value in found.items() if sample.startswith(f"{name}_bucket{{{label},")]
    assert counts == sorted(counts)
    assert counts[-1] == found[f"{name}_count{{{label}}}"] == 5
    assert 0 < found[f"{name}_sum{{{label}}}"] < 60


async def test_the_snapshot(own_client, published, tables):
    """Its name, its age since the tables were last found current, and what the answers kept take; none before the first."""
    found = parsed((await own_client.get("/metrics")).text)
    assert found["git_contrib_api_snapshot_ready"] == 0
    assert not [sample for sample in found if "cache" in sample or "age" in sample]
    published.publish("one", tables)
    published.checked("one", "2017-07-06T06:00:00Z")
    await own_client.get("/v1/repositories")
    found = parsed((await own_client.get("/metrics")).text)
    assert found["git_contrib_api_snapshot_ready"] == 1
    assert found['git_contrib_api_snapshot_info{snapshot="one",complete_through="2017-06-30"}'] == 1
    younger = found["git_contrib_api_snapshot_built_seconds"] - found["git_contrib_api_snapshot_age_seconds"]
    assert abs(younger - 2 * 24 * 3600) < 1
    assert found["git_contrib_api_cache_bytes"] > 1000
