"""Versions of TensorFlow, compared as numbers."""

import pytest

from inference_image_contract import tensorflow_versions
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


@pytest.mark.parametrize(
    ("version", "than", "older"),
    [("1.7", "1.15", True), ("1.15", "1.7", False), ("1.15.5", "2.1", True), ("2.21", "2.21.0", False)],
)
def test_which_is_older(version, than, older):
    assert tensorflow_versions.is_older(version, than) is older


def test_an_invalid_version_is_refused():
    with pytest.raises(ValueError, match="'latest' is not a version"):
        tensorflow_versions.number("latest")


@pytest.mark.parametrize(("demanded", "readable_by"), [("", "2.21"), ("1.7", "1.7"), ("1.12", "1.7"), ("2.30", "2.21")])
def test_a_satisfied_demand_passes(demanded, readable_by):
    tensorflow_versions.check_demand(demanded, readable_by)


def test_an_unsatisfied_demand_names_both_versions_and_the_cause():
    with pytest.raises(StageError) as caught:
        tensorflow_versions.check_demand("1.12", "1.15", "TensorFlow 1.7 has no op X (node a/b)")
    assert caught.value.reason is Reason.GRAPH_INCOMPATIBLE
    assert caught.value.message == (
        "TensorFlow 1.12 cannot read this graph, TensorFlow 1.15 can: TensorFlow 1.7 has no op X (node a/b)."
    )
