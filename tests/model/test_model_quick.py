"""A small part of the model, for daily use. `make test-model` explores all of it."""

import pytest

from tests.model.explore import Exploration
from tests.model.invariants import InvariantViolation
from tests.model.scenarios import QUICK, TWO_LATE, TWO_UNFENCED


@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
def test_the_invariants_hold_and_every_state_can_come_to_rest(scenario):
    found = Exploration(scenario).run()
    print(found)
    assert found.states > 1_000
    assert found.attempts == (4 if "restoring" in scenario.failures else 2 if scenario.failures else 1)


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(TWO_UNFENCED, id="a stale reconcile that writes no status"),
        pytest.param(TWO_LATE, id="a late create, after the other operator's next Job"),
    ],
)
def test_the_model_finds_the_conflicts_of_two_operators(scenario):
    """Without the protection against a second operator, the model finds two running Jobs at once."""
    with pytest.raises(InvariantViolation, match="more than one Job runs"):
        Exploration(scenario).run()
