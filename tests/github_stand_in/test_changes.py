"""Changes to what is served."""

import httpx

from github_stand_in.server import StandIn


def test_changes_of_the_listing_are_seen_after_a_reload(api: httpx.Client, small: StandIn) -> None:
    small.update("acme/tools", archived=True)
    assert api.get("/repos/acme/tools").json()["archived"] is True
    small.remove("acme/tools")
    assert api.get("/repos/acme/tools").status_code == 404
