"""What the installation allows and rejects, as a table."""

import msgspec
import pytest

from inference_image_operator.api import Spec, read
from inference_image_operator.config.installation import Scheduling, UFileConfig
from inference_image_operator.config.regions import Region
from inference_image_operator.core.policy import refusal
from tests.support.world import CONFIG, SPEC

REFUSED = [
    ({"image": {"repository": "evil.example/x/y", "tags": ["t"]}}, "RegistryNotAllowed", "evil.example; this inst"),
    ({"export": {"formats": ["FrozenGraph", "ONNX"]}}, "FormatNotAvailable", "spec.export.formats lists ONNX"),
    ({"scheduling": {"priorityClassName": "high"}}, "SchedulingNotAllowed", "spec.scheduling.priorityClassName high"),
    ({"scheduling": {"runtimeClassName": "kata"}}, "SchedulingNotAllowed", "spec.scheduling.runtimeClassName kata"),
    ({"scheduling": {"queueName": "fast"}}, "SchedulingNotAllowed", "spec.scheduling.queueName fast"),
    ({"scheduling": {"tolerations": [{"operator": "Exists"}]}}, "SchedulingNotAllowed", "a toleration of every taint"),
    ({"scheduling": {"tolerations": [{"key": "gpu"}]}}, "SchedulingNotAllowed", "a toleration of the taint gpu"),
    ({"scheduling": {"affinity": {"podAffinity": {}}}}, "SchedulingNotAllowed", "spec.scheduling.affinity"),
    ({"export": {"resources": {"limits": {"cpu": "9"}}}}, "ResourcesTooLarge", "spec.export.resources: cpu 9 exceeds"),
    ({"build": {"resources": {"requests": {"memory": "17Gi"}}}}, "ResourcesTooLarge", "spec.build.resources: memory"),
    (
        {"build": {"resources": {"requests": {"ephemeral-storage": "1Ti"}}}},
        "ResourcesTooLarge",
        "ephemeral-storage 1Ti exceeds the maximum of this installation, 100Gi",
    ),
    (
        {"resources": {"probe": {"limits": {"memory": "17Gi"}}}},
        "ResourcesTooLarge",
        "spec.resources.probe: memory 17Gi",
    ),
    ({"resources": {"resolve": {"limits": {"cpu": "lots"}}}}, "ResourcesInvalid", "spec.resources.resolve: "),
    ({"build": {"resources": {"limits": {"cpu": "lots"}}}}, "ResourcesInvalid", "spec.build.resources: "),
]


@pytest.mark.row(51, "who may only create InferenceImages: no service account, host path, privilege or Kaniko flag")
@pytest.mark.parametrize(("change", "reason", "message"), REFUSED)
def test_a_spec_that_is_not_allowed_is_rejected(change, reason, message):
    found = refusal(read(Spec, SPEC | change), CONFIG)
    assert found.reason == reason
    assert message in found.message
    assert reason == "ResourcesInvalid" or "sk the administrator" in found.hint


GRANTED = [
    {},
    {"scheduling": {"priorityClassName": "low", "runtimeClassName": "gvisor", "queueName": "detectors"}},
    {"scheduling": {"tolerations": [{"key": "gpu", "operator": "Exists"}], "affinity": {"podAffinity": {}}}},
    {"export": {"formats": ["FrozenGraph", "SavedModel"], "readableBy": "1.15"}},
    {"export": {"resources": {"limits": {"cpu": "8", "memory": "16Gi", "nvidia.com/gpu": "99"}}}},
]


@pytest.mark.parametrize("change", GRANTED)
def test_a_spec_that_is_allowed_is_accepted(change):
    scheduling = Scheduling(
        allowed_priority_classes=("low",),
        allowed_runtime_classes=("gvisor",),
        allowed_queues=("detectors",),
        allowed_toleration_keys=("gpu",),
        allow_affinity=True,
    )
    assert refusal(read(Spec, SPEC | change), msgspec.structs.replace(CONFIG, scheduling=scheduling)) is None


def test_an_endpoint_that_is_not_listed_is_named():
    found = refusal(read(Spec, SPEC), msgspec.structs.replace(CONFIG, ufile=UFileConfig()))
    assert found.reason == "EndpointNotAllowed"
    assert "http://*.ufile.devcluster.test is not in" in found.message


def in_region(**region):
    return read(Spec, SPEC | {"ufile": {"bucket": "b", "secretRef": {"name": "u"}, **region}})


def test_an_unknown_region_is_reported_with_the_known_ones():
    found = refusal(in_region(region="cn-bk"), CONFIG)
    assert found.reason == "RegionUnknown"
    assert found.message.startswith("spec.ufile.region cn-bk is unknown. This installation knows cn-bj, cn-wlcb, ")
    assert "config.ufile.regions" in found.hint
    assert len(found.message) < 500


def test_a_network_that_the_installation_disables_is_named():
    regions = {"cn-bj": Region(internal="http://ufile.cn-north-02.ucloud.cn")}
    config = msgspec.structs.replace(CONFIG, ufile=UFileConfig(regions=regions))
    assert refusal(in_region(region="cn-bj", network="Internal"), config) is None
    found = refusal(in_region(region="cn-bj"), config)
    assert found.reason == "EndpointNotAllowed"
    assert "no Public endpoint for the region cn-bj" in found.message
    assert "spec.ufile.network" in found.hint
