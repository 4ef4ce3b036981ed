"""A small part of the explored model, for every day; `make test-model` explores all of it."""

import pytest

from tests.model.explore import Exploration
from tests.model.invariants import InvariantViolation
from tests.model.scenarios import QUICK, TWO_LATE, TWO_UNFENCED


@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
def test_the_invariants_hold_and_every_state_can_come_to_rest(scenario):
    found = Exploration(scenario).run()
    print(found)
    assert found.states > 1_000
    assert found.attempts == (4 if "restoring" in scenario.failures else 2)


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(TWO_UNFENCED, id="a stale pass whose decision needs no write of the status"),
        pytest.param(TWO_LATE, id="a create that arrives after another operator's successor"),
    ],
)
def test_the_model_finds_the_conflicts_of_two_operators(scenario):
    """What keeps them apart is no accident of the model: without it, it finds the two live Jobs."""
    with pytest.raises(InvariantViolation, match="more than one Job lives"):
        Exploration(scenario).run()
