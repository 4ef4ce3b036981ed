"""Why a pod waits: reason, message and hint, as a table."""

from datetime import timedelta

import pytest

from inference_image_operator.diagnosis import pending
from inference_image_operator.observed import Container, Event, Pod
from tests.support.world import START


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
def test_the_last_failed_mount_gives_the_cause(events, reason):
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
def test_the_last_rejected_pod_gives_the_cause(events, reason, stalls):
    found = pending.cause((), events)
    assert (found.reason if found else None) == reason
    assert (found.stalls if found else None) is stalls
    assert found is None or (found.message == events[-1].message and found.hint.endswith(pending.RETRY_HINT))


def test_the_newest_pod_counts():
    old, new = pod(waiting("ErrImagePull"), age=60), pod(waiting("ContainerCreating"))
    assert pending.cause((old, new), ()) is None
    assert pending.cause((new, old), ()) is None
    assert pending.cause((pod(waiting("ErrImagePull"), phase="Running"),), ()) is None


def test_the_schedulers_message_comes_first():
    found = pending.cause((pod(waiting("ErrImagePull"), unschedulable="0/1 nodes"),), ())
    assert (found.reason, found.message) == ("Unschedulable", "0/1 nodes")
    assert found.hint.endswith(pending.RETRY_HINT)
