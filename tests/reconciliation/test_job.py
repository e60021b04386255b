"""Which repositories are compared."""

import pytest

from git_contrib_assets.errors import UsageError
from git_contrib_assets.reconciliation.job import ReconcileConfig, choose

COMPLETE = [f"acme/r{number}" for number in range(9)]


def test_those_that_are_named():
    assert choose(ReconcileConfig(repositories=["acme/r7", "acme/r1"]), COMPLETE) == ["acme/r7", "acme/r1"]


def test_else_a_sample():
    chosen = choose(ReconcileConfig(sample=4), COMPLETE)
    assert len(set(chosen)) == 4
    assert set(chosen) <= set(COMPLETE)


def test_a_sample_of_few_is_all_of_them():
    assert choose(ReconcileConfig(sample=20), COMPLETE) == COMPLETE
    assert choose(ReconcileConfig(), []) == []


def test_one_that_is_not_counted_whole_is_refused():
    with pytest.raises(UsageError, match="acme/r10: collect them first"):
        choose(ReconcileConfig(repositories=["acme/r1", "acme/r10"]), COMPLETE)
