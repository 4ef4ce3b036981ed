"""What a pod waits for, Kaniko's last words, and what the installation refuses: each as a table."""

from datetime import timedelta

import msgspec
import pytest

from inference_image_operator.api import Resources, Spec, read
from inference_image_operator.config.installation import ContainerResources, Scheduling, UFileConfig
from inference_image_operator.config.regions import Region
from inference_image_operator.core.policy import refusal
from inference_image_operator.diagnosis import kaniko_log, pending
from inference_image_operator.jobs.sizing.resources import merge_resources, with_ephemeral_storage
from inference_image_operator.observed import Container, Event, Pod
from tests.support.world import CONFIG, SPEC, START, World


def waiting(reason: str, message: str = "", name: str = "main") -> Container:
    return Container(name=name, waiting=reason, message=message)


def pod(*containers: Container, age: int = 0, **more: object) -> Pod:
    fields = {"name": "p", "uid": "u", "phase": "Pending", "created": START - timedelta(seconds=age)} | more
    return Pod(containers=containers, **fields)


def event(reason: str, message: str) -> Event:
    return Event(reason=reason, message=message, time=START)


SECRET = 'secret "uhub" not found'
CONTAINERS = [
    (waiting("ErrImagePull", "gone"), "ImagePullFailed", "container main: gone", "imagePullSecrets"),
    (waiting("ImagePullBackOff"), "ImagePullFailed", "container main: ImagePullBackOff", "imagePullSecrets"),
    (waiting("InvalidImageName"), "ImagePullFailed", "container main: InvalidImageName", "imagePullSecrets"),
    (waiting("ErrImageNeverPull"), "ImagePullFailed", "container main: ErrImageNeverPull", "imagePullSecrets"),
    (waiting("RegistryUnavailable"), "ImagePullFailed", "container main: RegistryUnavailable", "imagePullSecrets"),
    (waiting("CreateContainerConfigError", SECRET), "SecretNotFound", SECRET, "Create the Secret uhub in"),
    (waiting("CreateContainerError", "no such device"), "ContainerConfigInvalid", "no such device", "Put right"),
    (
        waiting("CreateContainerConfigError", "couldn't find key publicKey in Secret ns/of/ufile "),
        "SecretNotFound",
        "couldn't find key publicKey",
        "Create the Secret ufile in",
    ),
    (
        waiting("CreateContainerConfigError", "references non-existent secret key: ca.crt"),
        "SecretNotFound",
        "ca.crt",
        "Create the Secret named in the spec in",
    ),
    (waiting("CreateContainerConfigError", 'configmap "code" not found'), "ConfigMapNotFound", "code", "ConfigMap of"),
    (
        waiting("CreateContainerConfigError", "references non-existent config key: a.py"),
        "ConfigMapNotFound",
        "a.py",
        "ConfigMap of",
    ),
]


@pytest.mark.parametrize(("container", "reason", "message", "hint"), CONTAINERS)
def test_a_waiting_container_tells_why(container, reason, message, hint):
    found = pending.cause((pod(Container(name="init", exit_code=0), container),), ())
    assert found.reason == reason
    assert message in found.message
    assert found.message == found.message.strip()
    assert hint in found.hint
    assert found.hint.endswith(pending.RETRY_HINT)
    assert not found.stalls


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ((), None),
        ((event("Pulled", SECRET),), None),
        ((event("FailedMount", SECRET),), "SecretNotFound"),
        ((event("FailedMount", SECRET), event("FailedMount", "timed out")), "VolumeMountFailed"),
        ((event("FailedMount", "references non-existent secret key: ca.crt"),), "SecretNotFound"),
    ],
)
def test_the_last_failed_mount_tells_why(events, reason):
    found = pending.cause((pod(waiting("ContainerCreating")),), events)
    assert (found.reason if found else None) == reason
    assert found is None or found.message == events[-1].message


@pytest.mark.parametrize(
    ("events", "reason", "stalls"),
    [
        ((), None, None),
        ((event("SuccessfulCreate", "exceeded quota"),), None, None),
        ((event("FailedCreate", "forbidden: exceeded quota: q"),), "QuotaExceeded", False),
        ((event("FailedCreate", "exceeded quota"), event("FailedCreate", "PodSecurity")), "PodForbidden", True),
    ],
)
def test_a_job_without_pods_tells_why(events, reason, stalls):
    found = pending.cause((), events)
    assert (found.reason if found else None) == reason
    assert (found.stalls if found else None) is stalls
    assert found is None or (found.message == events[-1].message and found.hint.endswith(pending.RETRY_HINT))


def test_the_newest_pod_speaks():
    old, new = pod(waiting("ErrImagePull"), age=60), pod(waiting("ContainerCreating"))
    assert pending.cause((old, new), ()) is None
    assert pending.cause((new, old), ()) is None
    assert pending.cause((pod(waiting("ErrImagePull"), phase="Running"),), ()) is None


def test_the_schedulers_words_come_first():
    found = pending.cause((pod(waiting("ErrImagePull"), unschedulable="0/1 nodes"),), ())
    assert (found.reason, found.message) == ("Unschedulable", "0/1 nodes")
    assert found.hint.endswith(pending.RETRY_HINT)


UNAUTHORIZED = ["UNAUTHORIZED", "authentication required", "401 Unauthorized", "denied: x", "403 Forbidden"]
UNAVAILABLE = [
    "connection refused", "connection reset by peer", "i/o timeout", "TLS handshake timeout", "no such host",
    "unexpected EOF", "unexpected status code 503", "response status code: 502", "response status code 500",
    "TOOMANYREQUESTS", "503 Service Unavailable",
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "reason", "retryable"),
    [(line, "RegistryUnauthorized", False) for line in UNAUTHORIZED]
    + [(line, "RegistryUnavailable", True) for line in UNAVAILABLE]
    + [("lstat x", "BuildFailed", False), ("status code 404", "BuildFailed", False)],
)
def test_kanikos_last_words_are_understood(line, reason, retryable):
    found = kaniko_log.diagnose(f"INFO start\nerror: {line}\n\n")
    assert (found.reason, found.retryable) == (reason, retryable)
    assert found.message.endswith(f": {line}")
    assert retryable or "then set the annotation uai.ucloud.cn/requestedAt to a new value." in found.hint


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("one\ntwo", "two"),
        ("Error: first\nError: second\nUsage: errors", "second"),
        ("FATAL: x\nlater", "x"),
        ("error building image: error building stage: failed to execute command: x", "x"),
        ("step failed\nlater", "step failed"),
        ("an error\nlater", "an error"),
        ("so fatal\nlater", "so fatal"),
        ("e" * 501, "e" * 500),
    ],
)
def test_the_line_that_names_the_cause(log, line):
    assert kaniko_log.diagnose(log).message == f"Kaniko failed: {line}"


@pytest.mark.parametrize("log", ["", " \n\n"])
def test_a_log_without_words_is_said_so(log):
    assert kaniko_log.diagnose(log).message == "Kaniko failed and printed nothing."


REFUSED = [
    ({"image": {"repository": "evil.example/x/y", "tags": ["t"]}}, "RegistryNotAllowed", "evil.example; this inst"),
    ({"export": {"formats": ["FrozenGraph", "ONNX"]}}, "FormatNotAvailable", "spec.export.formats asks for ONNX"),
    ({"scheduling": {"priorityClassName": "high"}}, "SchedulingNotAllowed", "spec.scheduling.priorityClassName high"),
    ({"scheduling": {"runtimeClassName": "kata"}}, "SchedulingNotAllowed", "spec.scheduling.runtimeClassName kata"),
    ({"export": {"resources": {"limits": {"cpu": "9"}}}}, "ResourcesTooLarge", "spec.export.resources: cpu 9 is more"),
    ({"build": {"resources": {"requests": {"memory": "17Gi"}}}}, "ResourcesTooLarge", "spec.build.resources: memory"),
    (
        {"build": {"resources": {"requests": {"ephemeral-storage": "1Ti"}}}},
        "ResourcesTooLarge",
        "ephemeral-storage 1Ti is more than the 100Gi",
    ),
    ({"build": {"resources": {"limits": {"cpu": "lots"}}}}, "ResourcesInvalid", "spec.build.resources: "),
]


@pytest.mark.parametrize(("change", "reason", "message"), REFUSED)
def test_what_the_installation_refuses(change, reason, message):
    found = refusal(read(Spec, SPEC | change), CONFIG)
    assert found.reason == reason
    assert message in found.message
    assert reason == "ResourcesInvalid" or "sk the administrator" in found.hint


GRANTED = [
    {},
    {"scheduling": {"priorityClassName": "low", "runtimeClassName": "gvisor"}},
    {"export": {"formats": ["FrozenGraph", "SavedModel"], "readableBy": "1.15"}},
    {"export": {"resources": {"limits": {"cpu": "8", "memory": "16Gi", "nvidia.com/gpu": "99"}}}},
]


@pytest.mark.parametrize("change", GRANTED)
def test_what_the_installation_grants(change):
    scheduling = Scheduling(allowed_priority_classes=("low",), allowed_runtime_classes=("gvisor",))
    assert refusal(read(Spec, SPEC | change), msgspec.structs.replace(CONFIG, scheduling=scheduling)) is None


def test_an_endpoint_that_is_not_listed_is_named():
    found = refusal(read(Spec, SPEC), msgspec.structs.replace(CONFIG, ufile=UFileConfig()))
    assert found.reason == "EndpointNotAllowed"
    assert "http://*.ufile.devcluster.test is not one" in found.message


def in_region(**region):
    return read(Spec, SPEC | {"ufile": {"bucket": "b", "secretRef": {"name": "u"}, **region}})


def test_a_region_that_is_not_known_is_named_with_those_that_are():
    found = refusal(in_region(region="cn-bk"), CONFIG)
    assert found.reason == "RegionUnknown"
    assert found.message.startswith("spec.ufile.region cn-bk is none that this installation knows: cn-bj, cn-wlcb, ")
    assert "config.ufile.regions" in found.hint
    assert len(found.message) < 500


def test_a_network_that_the_installation_leaves_out_is_named():
    regions = {"cn-bj": Region(internal="http://ufile.cn-north-02.ucloud.cn")}
    config = msgspec.structs.replace(CONFIG, ufile=UFileConfig(regions=regions))
    assert refusal(in_region(region="cn-bj", network="Internal"), config) is None
    found = refusal(in_region(region="cn-bj"), config)
    assert found.reason == "EndpointNotAllowed"
    assert "no Public endpoint of the region cn-bj" in found.message
    assert "spec.ufile.network" in found.hint


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


def test_disk_is_asked_for_unless_it_is_named():
    assert with_ephemeral_storage(DEFAULT, 5).requests == {"cpu": "1", "memory": "2Gi", "ephemeral-storage": "5"}
    assert with_ephemeral_storage(DEFAULT, 5).limits == {"memory": "4Gi"}
    own = ContainerResources(requests={"ephemeral-storage": "1Gi"})
    assert with_ephemeral_storage(own, 5) is own


@pytest.mark.parametrize(("seconds", "again"), [(1, 15), (5, 15), (6, 14), (19, 1), (20, 15), (34, 15)])
def test_a_pass_before_the_first_look_is_due_does_not_put_it_off(seconds, again):
    world = World()
    world.step()
    world.step()
    world.advance(seconds=seconds)
    if seconds >= 20:
        world.set_pod(phase="Pending")
    assert world.step().requeue_after == again
