"""Changes to what is served."""

import httpx

from github_stand_in.server import StandIn


def test_changes_of_the_listing_are_seen_after_a_reload(api: httpx.Client, small: StandIn) -> None:
    small.update("acme/tools", archived=True)
    assert api.get("/repos/acme/tools").json()["archived"] is True
    small.remove("acme/tools")
    assert api.get("/repos/acme/tools").status_code == 404


def test_a_repository_may_take_the_name_of_one_that_was_removed(api: httpx.Client, small: StandIn) -> None:
    """With an id of its own and without the old commits."""
    small.remove("acme/tools")
    small.create("acme/tools", id=5)
    assert api.get("/repos/acme/tools").json()["id"] == 5
    assert api.get("/repos/acme/tools/commits").status_code == 409
