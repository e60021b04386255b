"""The page to try the API on."""


async def test_documentation_needs_no_network(client):
    """Every address in the page is ours and is there."""
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "://" not in page.text
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert f"/static/vendor/swagger-ui/{name}" in page.text
        assert (await client.get(f"/static/vendor/swagger-ui/{name}")).status_code == 200
