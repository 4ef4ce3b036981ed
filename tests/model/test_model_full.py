"""The whole model: every interleaving of each scenario. Takes two to three minutes; run it with `make test-model`."""

import pytest

from tests.model.explore import Exploration
from tests.model.scenarios import FULL


@pytest.mark.parametrize("scenario", FULL, ids=lambda scenario: scenario.name)
def test_the_invariants_hold_and_every_state_can_come_to_rest(scenario):
    found = Exploration(scenario).run()
    print(found)
    assert found.states > 1_000
