"""Why a pod does not run yet, as the scheduler, the kubelet, the container runtime or admission control reports it."""

import re

from inference_image_contract.hints import CONTINUES, REQUEST_AGAIN
from inference_image_contract.reasons import Reason
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import resource_fields
from inference_image_operator.diagnosis import admission, injected
from inference_image_operator.diagnosis.waiting_for import Cause
from inference_image_operator.observed import Container, Event, Pod


class Check(float):
    """Seconds until a check of pods in case no watch tells. The queue postpones it while many objects wait for one."""


POD_CHECK_DELAY = Check(60)
"""Seconds between the creation of a Job and the first check of its pods, unless a watch asks for an earlier one: by a
Warning Event, or a container that something else added to a pod and that runs on."""
POD_CHECK_INTERVAL = 15.0
"""Seconds between checks of a pod that does not run yet for a known cause."""
LONGEST_POD_CHECK_INTERVAL = 300.0
"""The same without a known cause. On a busy cluster many pods wait, and frequent checks would keep it busy."""
WARNINGS = frozenset(
    {
        "FailedScheduling",
        "FailedMount",
        "FailedCreate",
        "FailedCreatePodSandBox",
        "Failed",
        "InspectFailed",
        "ErrImageNeverPull",
        "BackOff",
    }
)
"""Reasons of the Warning Events that can name a cause. Other warnings cause no check."""

_PULL = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"})
_CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError"})
_BACK_OFF = re.compile(r'^Back-off pulling image "[^"]*": (?:ErrImagePull: )?')
"""The kubelet alternates between an error and its back-off. The cause is the same, so the status names it once."""
_PULL_EVENT = re.compile(r'^Failed to pull image "[^"]*": ')
_NO_LOGIN = re.compile(r"\b40[13] |unauthorized|authoriz|authentication|access denied", re.IGNORECASE)
_USER_NAMESPACES = re.compile(r"hostUsers|user namespaces|UserNamespacesSupport")
"""The kubelet's words about a node whose container runtime, or whose kubelet, has none."""
_MISSING_SECRET = re.compile(r'secret "(?P<name>[^"]+)" not found|couldn\'t find key \S+ in Secret (?P<keyed>\S+)')
_MISSING_KEY = re.compile(r"references non-existent secret key: (?P<key>\S+)")
_MISSING_CONFIG_MAP = re.compile(
    r'configmap "(?P<name>[^"]+)" not found|references non-existent config key: (?P<key>\S+)'
)


def cause(stage: Stage, pods: tuple[Pod, ...], events: tuple[Event, ...]) -> Cause | None:
    """Why the newest pod, or a Job without pods, waits; None if it does not wait or the cause is not known yet."""
    if not pods:
        return _refused(stage, events)
    pod = max(pods, key=lambda p: p.created)
    if pod.phase != "Pending":
        return None
    if pod.unschedulable:
        return Cause(
            reason=Reason.UNSCHEDULABLE,
            message=pod.unschedulable,
            hint=f"Add or free capacity, or change spec.scheduling or {resource_fields(stage)}. {CONTINUES}",
        )
    return (
        next((found for c in pod.containers if (found := _container(c))), None)
        or _failed(pod, events)
        or _mount(pod, events)
        or _sandbox(pod, events)
        or injected.blocked(stage, pod)
    )


def _container(container: Container) -> Cause | None:
    if container.waiting in _PULL:
        return _not_pulled(container.name, _BACK_OFF.sub("", container.message) or container.waiting)
    if container.waiting in _CONFIG:
        return _missing(container.message) or Cause(
            reason=Reason.CONTAINER_CONFIG_INVALID,
            message=f"container {container.name}: {container.message}",
            hint="Fix what the message names. " + CONTINUES,
        )
    return None


def _not_pulled(container: str, message: str) -> Cause:
    hint = "Make the image available to the node, or add a pull Secret to spec.scheduling.imagePullSecrets. "
    if _NO_LOGIN.search(message):
        hint = (
            "Put a login for this registry into the Secret of spec.image.pushSecretRef, or into a pull Secret of "
            "spec.scheduling.imagePullSecrets, under the host as it is written here: the kubelet compares hosts as "
            "text, and upper case or a port makes another one. "
        )
    return Cause(reason=Reason.IMAGE_PULL_FAILED, message=f"container {container}: {message}", hint=hint + CONTINUES)


def _failed(pod: Pod, events: tuple[Event, ...]) -> Cause | None:
    """What the kubelet said about a container that still waits. Its status names the cause only seconds later."""
    for event in reversed(events):
        container = pod.container(event.container)
        if event.reason != "Failed" or (container is not None and not container.waiting):
            continue
        if pull := _PULL_EVENT.match(event.message):
            return _not_pulled(event.container, event.message[pull.end() :])
        if found := _missing(event.message.removeprefix("Error: ")):
            return found
    return None


def _mount(pod: Pod, events: tuple[Event, ...]) -> Cause | None:
    """A volume that the kubelet cannot mount. Volumes are mounted before the first container starts."""
    failed = [event for event in events if event.reason == "FailedMount"]
    if not failed or any(not container.waiting for container in pod.containers):
        return None
    return _missing(failed[-1].message) or Cause(
        reason=Reason.VOLUME_MOUNT_FAILED,
        message=failed[-1].message,
        hint="Fix what the message names. " + CONTINUES,
    )


def _sandbox(pod: Pod, events: tuple[Event, ...]) -> Cause | None:
    """A node without user namespaces. Other failures of a sandbox, such as those of a slow network, often pass."""
    said = [e.message for e in events if e.reason == "FailedCreatePodSandBox" and _USER_NAMESPACES.search(e.message)]
    if not said or any(not container.waiting for container in pod.containers):
        return None
    return Cause(
        reason=Reason.CONTAINER_CONFIG_INVALID,
        message=said[-1],
        hint="Select nodes whose container runtime has user namespaces with config.jobs.nodeSelector, or set "
        f"config.jobs.buildUserNamespaces to false (chart values), {REQUEST_AGAIN}",
    )


def _missing(message: str) -> Cause | None:
    """A missing Secret or ConfigMap, or a missing key of one."""
    if match := _MISSING_SECRET.search(message):
        name = match["name"] or match["keyed"].rsplit("/", 1)[-1]
        return _absent_secret(f"{message.strip()}", name)
    if _MISSING_KEY.search(message):
        return _absent_secret(message.strip(), "named in the spec")
    if _MISSING_CONFIG_MAP.search(message):
        return Cause(
            reason=Reason.CONFIG_MAP_NOT_FOUND,
            message=message.strip(),
            hint="Create the ConfigMap of spec.source.configMap with the keys that the spec lists. " + CONTINUES,
        )
    return None


def _absent_secret(message: str, name: str) -> Cause:
    return Cause(
        reason=Reason.SECRET_NOT_FOUND,
        message=message,
        hint=f"Create the Secret {name} in this namespace with the keys that the spec needs. " + CONTINUES,
    )


def _refused(stage: Stage, events: tuple[Event, ...]) -> Cause | None:
    """The Job exists, but the API server refuses its pod."""
    failed = [event for event in events if event.reason == "FailedCreate"]
    return admission.of_pod(stage, failed[-1].message) if failed else None
