"""Requests and limits of a container, merged from the object and the installation."""

import pytest

from inference_image_operator.api import Resources
from inference_image_operator.config.jobs import ContainerResources
from inference_image_operator.jobs.sizing.resources import merge_resources, with_ephemeral_storage

DEFAULT = ContainerResources(requests={"cpu": "1", "memory": "2Gi"}, limits={"memory": "4Gi"})


@pytest.mark.parametrize(
    ("wanted", "requests", "limits"),
    [
        (Resources(), {"cpu": "1", "memory": "2Gi"}, {"memory": "4Gi"}),
        (Resources(limits={"memory": "2Gi"}), {"cpu": "1", "memory": "2Gi"}, {"memory": "2Gi"}),
        (Resources(limits={"cpu": "500m"}), {"cpu": "500m", "memory": "2Gi"}, {"cpu": "500m", "memory": "4Gi"}),
        (Resources(requests={"memory": "5Gi"}), {"cpu": "1", "memory": "5Gi"}, {"memory": "5Gi"}),
    ],
)
def test_requests_never_exceed_limits(wanted, requests, limits):
    found = merge_resources(wanted, DEFAULT)
    assert (found.requests, found.limits) == (requests, limits)


def test_disk_is_requested_unless_the_object_requests_it():
    assert with_ephemeral_storage(DEFAULT, 5).requests == {"cpu": "1", "memory": "2Gi", "ephemeral-storage": "5"}
    assert with_ephemeral_storage(DEFAULT, 5).limits == {"memory": "4Gi"}
    own = ContainerResources(requests={"ephemeral-storage": "1Gi"})
    assert with_ephemeral_storage(own, 5) is own
