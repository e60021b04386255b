"""Our side of the comparison: commits per account, counted as GitHub does."""

from histories import MadeHome, commit

from git_contrib_assets.storage.warehouse import read_named


def ours(made, *repositories):
    with made.building() as connection:
        values = {"key": made.landing.key().decode(), "repositories": list(repositories)}
        _, rows = read_named(connection, "reconciliation", "ours", values)
    return {(repository, contributor): commits for repository, contributor, commits in rows}


def test_merges_and_people_without_an_account_are_left_out(tmp_path):
    made = MadeHome(tmp_path / "home")
    made.repository(
        commit("ann@example.com"),
        commit(" ANN@example.com", name="Ann Other"),
        commit("ann.work@example.com"),
        commit("ann@example.com", parents=2),
        commit("bob@example.com"),
        commit("5+renovate[bot]@users.noreply.github.com"),
        commit("ann@example.com", parents=0),
    )
    made.repository(commit("ann@example.com"), repository_id=2)
    made.answer("ann@example.com", 7, "ann")
    made.answer("ann.work@example.com", 7, "ann")
    made.answer("bob@example.com", None)
    assert ours(made, "acme/anvil") == {("acme/anvil", "github:7"): 4, ("acme/anvil", "bot:renovate"): 1}
    assert ours(made, "acme/bolt", "acme/none") == {("acme/bolt", "github:7"): 1}
    assert ours(made) == {}
