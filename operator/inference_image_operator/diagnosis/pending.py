"""Why a pod does not run yet, as the scheduler, the kubelet, the container runtime or admission control reports it."""

import re

from inference_image_operator.observed import Container, Event, Frozen, Pod

POD_CHECK_DELAY = 20.0
"""Seconds between the creation of a Job and the first check of its pods. Most pods have started by then."""
POD_CHECK_INTERVAL = 15.0
"""Seconds between checks of a pod that does not run yet."""
RETRY_HINT = "The operator then continues by itself; you need not apply the object again."


class Cause(Frozen, frozen=True, kw_only=True):
    """Why the pod waits, and how to end that."""

    reason: str
    message: str
    hint: str
    stalls: bool = False
    """It does not resolve by itself: somebody has to change something."""


_PULL = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"})
_CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError"})
_BACK_OFF = re.compile(r'^Back-off pulling image "[^"]*": (?:ErrImagePull: )?')
"""The kubelet alternates between an error and its back-off. The cause is the same, so the status names it once."""
_MISSING_SECRET = re.compile(r'secret "(?P<name>[^"]+)" not found|couldn\'t find key \S+ in Secret (?P<keyed>\S+)')
_MISSING_KEY = re.compile(r"references non-existent secret key: (?P<key>\S+)")
_MISSING_CONFIG_MAP = re.compile(
    r'configmap "(?P<name>[^"]+)" not found|references non-existent config key: (?P<key>\S+)'
)


def cause(pods: tuple[Pod, ...], events: tuple[Event, ...]) -> Cause | None:
    """Why the newest pod, or a Job without pods, waits; None if it does not wait or the cause is not known yet."""
    if not pods:
        return _refused(events)
    pod = max(pods, key=lambda p: p.created)
    if pod.phase != "Pending":
        return None
    if pod.unschedulable:
        return Cause(
            reason="Unschedulable",
            message=pod.unschedulable,
            hint="Add or free capacity, or change spec.scheduling or the resources of the stage. " + RETRY_HINT,
        )
    return next((found for c in pod.containers if (found := _container(c))), None) or _mount(events)


def _container(container: Container) -> Cause | None:
    if container.waiting in _PULL:
        return Cause(
            reason="ImagePullFailed",
            message=f"container {container.name}: {_BACK_OFF.sub('', container.message) or container.waiting}",
            hint="Make the image available to the node, or add a pull Secret to spec.scheduling.imagePullSecrets. "
            + RETRY_HINT,
        )
    if container.waiting in _CONFIG:
        return _missing(container.message) or Cause(
            reason="ContainerConfigInvalid",
            message=f"container {container.name}: {container.message}",
            hint="Fix what the message names. " + RETRY_HINT,
        )
    return None


def _mount(events: tuple[Event, ...]) -> Cause | None:
    failed = [event for event in events if event.reason == "FailedMount"]
    if not failed:
        return None
    return _missing(failed[-1].message) or Cause(
        reason="VolumeMountFailed",
        message=failed[-1].message,
        hint="Fix what the message names. " + RETRY_HINT,
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
            reason="ConfigMapNotFound",
            message=message.strip(),
            hint="Create the ConfigMap of spec.source.configMap with the keys that the spec lists. " + RETRY_HINT,
        )
    return None


def _absent_secret(message: str, name: str) -> Cause:
    return Cause(
        reason="SecretNotFound",
        message=message,
        hint=f"Create the Secret {name} in this namespace with the keys that the spec needs. " + RETRY_HINT,
    )


def _refused(events: tuple[Event, ...]) -> Cause | None:
    """The Job exists, but the API server refuses its pod."""
    failed = [event for event in events if event.reason == "FailedCreate"]
    if not failed:
        return None
    message = failed[-1].message
    if "exceeded quota" in message:
        return Cause(
            reason="QuotaExceeded",
            message=message,
            hint="Raise the ResourceQuota, or delete something that uses it. " + RETRY_HINT,
        )
    return Cause(
        reason="PodForbidden",
        message=message,
        hint="Set the namespace to the Pod Security level baseline, or change the policy that the message names. "
        + RETRY_HINT,
        stalls=True,
    )
