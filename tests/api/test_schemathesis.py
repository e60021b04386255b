"""Whatever the description allows, and what it does not: no 5xx, and every answer is as it describes.

``GIT_CONTRIB_API_CASES`` is how many cases there are, over all operations.
"""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from api.main import create_app

# it takes text that is no number for none at all, as it always has: there is nothing to refuse
TAKES_ANYTHING = "/api/repos"
CASES = int(os.environ.get("GIT_CONTRIB_API_CASES", "600"))


def in_order(case: schemathesis.Case) -> schemathesis.Case:
    """The one thing that no description can say: the first month comes before the last."""
    if {"from", "to"} <= (case.query or {}).keys():
        case.query["from"], case.query["to"] = sorted((case.query["from"], case.query["to"]))
    return case


def test_every_answer_is_as_described(made_settings, subtests: pytest.Subtests) -> None:
    """All checks there are, with parameters as they are described and with others."""
    # an app of its own: the client stops it when it is done
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(made_settings))
    operations = [found.ok() for found in schema.get_all_operations()]
    named = [one for one in operations if one.path_parameters or one.query]
    asked = 0
    for operation in operations:
        right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE).map(in_order)
        wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        refuses = operation in named and operation.path != TAKES_ANYTHING

        @given(case=st.one_of(right, wrong) if refuses else right)
        @settings(
            max_examples=-(-CASES // len(named)) if operation in named else 1,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: schemathesis.Case) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate()

        with subtests.test(operation.label):
            ask()
    assert asked >= CASES
