"""Why a pod waits: reason, message and hint, as a table."""

from datetime import timedelta

import pytest

from inference_image_contract.hints import CONTINUES, REQUEST_AGAIN
from inference_image_operator.api.stages import Stage
from inference_image_operator.diagnosis import pending
from inference_image_operator.diagnosis.waiting_for import Cause
from inference_image_operator.observed import Container, Event, Pod
from tests.support.world import START


def waiting(reason: str, message: str = "", name: str = "main") -> Container:
    return Container(name=name, waiting=reason, message=message)


def pod(*containers: Container, age: int = 0, **more: object) -> Pod:
    fields = {"name": "p", "uid": "u", "phase": "Pending", "created": START - timedelta(seconds=age)} | more
    return Pod(containers=containers, **fields)


def event(reason: str, message: str, container: str = "") -> Event:
    return Event(reason=reason, message=message, time=START, container=container)


def cause(pods: tuple[Pod, ...], events: tuple[Event, ...], stage: Stage = Stage.BUILD) -> Cause | None:
    return pending.cause(stage, pods, events)


SECRET = 'secret "uhub" not found'
CONTAINERS = [
    (waiting("ErrImagePull", "gone"), "ImagePullFailed", "container main: gone", "imagePullSecrets"),
    (waiting("ImagePullBackOff"), "ImagePullFailed", "container main: ImagePullBackOff", "imagePullSecrets"),
    (
        waiting("ErrImagePull", "failed to resolve reference: 401 Unauthorized"),
        "ImagePullFailed",
        "401 Unauthorized",
        "the kubelet compares hosts as text",
    ),
    (
        waiting("ErrImagePull", "pull access denied, repository does not exist or may require authorization"),
        "ImagePullFailed",
        "pull access denied",
        "spec.image.pushSecretRef",
    ),
    (waiting("InvalidImageName"), "ImagePullFailed", "container main: InvalidImageName", "imagePullSecrets"),
    (waiting("ErrImageNeverPull"), "ImagePullFailed", "container main: ErrImageNeverPull", "imagePullSecrets"),
    (waiting("RegistryUnavailable"), "ImagePullFailed", "container main: RegistryUnavailable", "imagePullSecrets"),
    (waiting("CreateContainerConfigError", SECRET), "SecretNotFound", SECRET, "Create the Secret uhub in"),
    (waiting("CreateContainerError", "no such device"), "ContainerConfigInvalid", "no such device", "Fix what"),
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
def test_a_waiting_container_gives_the_cause(container, reason, message, hint):
    found = cause((pod(Container(name="init", exit_code=0), container),), ())
    assert found.reason == reason
    assert message in found.message
    assert found.message == found.message.strip()
    assert hint in found.hint
    assert found.hint.endswith(CONTINUES)
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
def test_the_last_failed_mount_gives_the_cause(events, reason):
    found = cause((pod(waiting("ContainerCreating")),), events)
    assert (found.reason if found else None) == reason
    assert found is None or found.message == events[-1].message


@pytest.mark.parametrize(
    ("events", "reason", "stalls"),
    [
        ((), None, None),
        ((event("SuccessfulCreate", "exceeded quota"),), None, None),
        ((event("FailedCreate", "forbidden: exceeded quota: q"),), "QuotaExceeded", False),
        ((event("FailedCreate", "exceeded quota"), event("FailedCreate", "denied")), "PodForbidden", True),
    ],
)
def test_the_last_rejected_pod_gives_the_cause(events, reason, stalls):
    found = cause((), events)
    assert (found.reason if found else None) == reason
    assert (found.stalls if found else None) is stalls
    assert found is None or (found.message == events[-1].message and found.hint.endswith(CONTINUES))


RUNNING, DONE = Container(name="assemble"), Container(name="assemble", exit_code=0)
STARTED = [(RUNNING, waiting("PodInitializing", name="kaniko")), (DONE, waiting("PodInitializing", name="kaniko"))]


@pytest.mark.parametrize("containers", STARTED, ids=["runs", "ended"])
def test_a_mount_that_failed_before_a_container_started_is_no_cause(containers):
    assert cause((pod(*containers),), (event("FailedMount", SECRET),)) is None


FAILED = [
    ("Error: " + SECRET, "SecretNotFound", SECRET),
    ('Error: configmap "code" not found', "ConfigMapNotFound", 'configmap "code" not found'),
    ('Failed to pull image "r/x": manifest unknown', "ImagePullFailed", "container kaniko: manifest unknown"),
    ("Error: ErrImagePull", None, None),
    ("Error: context deadline exceeded", None, None),
]


@pytest.mark.parametrize(("said", "reason", "message"), FAILED)
@pytest.mark.parametrize("known", [True, False], ids=["waits", "has no status yet"])
def test_what_the_kubelet_says_counts_before_it_is_in_the_status(said, reason, message, known):
    containers = (DONE, waiting("PodInitializing", name="kaniko")) if known else ()
    events = (event("Failed", said, "kaniko"), event("Failed", "Error: ErrImagePull", "kaniko"))
    found = cause((pod(*containers),), events)
    assert (found and (found.reason, found.message)) == (reason and (reason, message))


def test_what_the_kubelet_said_about_a_container_that_has_started_is_no_cause():
    started = pod(RUNNING, waiting("PodInitializing", name="kaniko"))
    assert cause((started,), (event("Failed", "Error: " + SECRET, "assemble"),)) is None


USER_NAMESPACES = [
    "can't set `spec.hostUsers: false`, runtime does not support user namespaces",
    'can\'t set `spec.hostUsers: false`, RuntimeClass handler "runsc" does not support user namespaces',
    'the feature gate "UserNamespacesSupport" is disabled: can\'t set spec.HostUsers',
]
"""Words of Kubernetes 1.34."""


@pytest.mark.parametrize("words", USER_NAMESPACES)
@pytest.mark.parametrize("containers", [(), (waiting("PodInitializing", name="kaniko"),)], ids=["no status", "waits"])
def test_a_node_without_user_namespaces(containers, words):
    said = event("FailedCreatePodSandBox", f"Failed to create pod sandbox: {words}")
    later = event("FailedCreatePodSandBox", "Failed to create pod sandbox: rpc error: code = DeadlineExceeded")
    found = cause((pod(*containers),), (said, later))
    assert (found.reason, found.message, found.stalls) == ("ContainerConfigInvalid", said.message, False)
    assert "config.jobs.nodeSelector" in found.hint
    assert "config.jobs.buildUserNamespaces" in found.hint
    assert found.hint.endswith(REQUEST_AGAIN)
    assert "FailedCreatePodSandBox" in pending.WARNINGS
    assert cause((pod(RUNNING),), (said,)) is None


def test_a_sandbox_that_fails_otherwise_is_no_cause():
    said = event("FailedCreatePodSandBox", "Failed to create pod sandbox: rpc error: failed to setup network")
    assert cause((pod(waiting("ContainerCreating")),), (said,)) is None


BLOCKING = [
    (Container(name="istio-init", init=True), "Container istio-init has not ended."),
    (
        Container(name="proxy", init=True, sidecar=True, waiting="CrashLoopBackOff", message="back-off 10s"),
        "Container proxy does not start: back-off 10s.",
    ),
]


@pytest.mark.parametrize(("container", "message"), BLOCKING)
def test_a_container_from_outside_that_blocks_the_stage_is_named(container, message):
    found = cause((pod(container, waiting("PodInitializing", name="resolve")),), (), Stage.RESOLVE)
    assert found.reason == "ContainerInjected"
    assert found.message.startswith(message + " It was added")
    assert found.hint.startswith("Keep it out of the pods with spec.podMetadata")


PASSING = [
    Container(name="istio-init", init=True, exit_code=0),
    Container(name="istio-init", init=True, waiting="PodInitializing"),
    Container(name="proxy", init=True, sidecar=True),
    Container(name="proxy"),
]


@pytest.mark.parametrize("container", PASSING, ids=["ended", "not its turn", "sidecar", "beside"])
def test_a_container_from_outside_that_does_its_part_is_no_cause(container):
    assert cause((pod(container, waiting("PodInitializing", name="resolve")),), (), Stage.RESOLVE) is None


def test_the_newest_pod_counts():
    old, new = pod(waiting("ErrImagePull"), age=60), pod(waiting("ContainerCreating"))
    assert cause((old, new), ()) is None
    assert cause((new, old), ()) is None
    assert cause((pod(waiting("ErrImagePull"), phase="Running"),), ()) is None


def test_the_schedulers_message_comes_first():
    found = cause((pod(waiting("ErrImagePull"), unschedulable="0/1 nodes"),), ())
    assert (found.reason, found.message) == ("Unschedulable", "0/1 nodes")
    assert found.hint.endswith(CONTINUES)
