"""Why a pod does not run yet, in the words of the scheduler, the puller, the kubelet or the admission chain."""

import re

from inference_image_operator.observed import Container, Event, Frozen, Pod

POD_CHECK_DELAY = 20.0
"""Seconds after a Job is made until its pods are looked at; most have started by then."""
POD_CHECK_INTERVAL = 15.0
"""Seconds between looks at a pod that does not run yet."""
RETRY_HINT = "This heals by itself once that is done; nothing has to be applied again."


class Cause(Frozen, frozen=True, kw_only=True):
    """A reason to wait, and what ends the waiting."""

    reason: str
    message: str
    hint: str
    stalls: bool = False
    """It does not pass by itself: somebody has to change something."""


_PULL = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"})
_CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError"})
_BACK_OFF = re.compile(r'^Back-off pulling image "[^"]*": (?:ErrImagePull: )?')
"""The kubelet takes turns between an error and its back-off; the cause is the same, and is written once."""
_MISSING_SECRET = re.compile(r'secret "(?P<name>[^"]+)" not found|couldn\'t find key \S+ in Secret (?P<keyed>\S+)')
_MISSING_KEY = re.compile(r"references non-existent secret key: (?P<key>\S+)")
_MISSING_CONFIG_MAP = re.compile(
    r'configmap "(?P<name>[^"]+)" not found|references non-existent config key: (?P<key>\S+)'
)


def cause(pods: tuple[Pod, ...], events: tuple[Event, ...]) -> Cause | None:
    """The reason that the newest pod, or the Job without pods, waits for; None when it does not or says nothing yet."""
    if not pods:
        return _refused(events)
    pod = max(pods, key=lambda p: p.created)
    if pod.phase != "Pending":
        return None
    if pod.unschedulable:
        return Cause(
            reason="Unschedulable",
            message=pod.unschedulable,
            hint="Free or add capacity, or change spec.scheduling or the stage's resources. " + RETRY_HINT,
        )
    return next((found for c in pod.containers if (found := _container(c))), None) or _mount(events)


def _container(container: Container) -> Cause | None:
    if container.waiting in _PULL:
        return Cause(
            reason="ImagePullFailed",
            message=f"container {container.name}: {_BACK_OFF.sub('', container.message) or container.waiting}",
            hint="Make the image available to the node, or name a pull Secret in spec.scheduling.imagePullSecrets. "
            + RETRY_HINT,
        )
    if container.waiting in _CONFIG:
        return _missing(container.message) or Cause(
            reason="ContainerConfigInvalid",
            message=f"container {container.name}: {container.message}",
            hint="Put right what the message names. " + RETRY_HINT,
        )
    return None


def _mount(events: tuple[Event, ...]) -> Cause | None:
    failed = [event for event in events if event.reason == "FailedMount"]
    if not failed:
        return None
    return _missing(failed[-1].message) or Cause(
        reason="VolumeMountFailed",
        message=failed[-1].message,
        hint="Put right what the message names. " + RETRY_HINT,
    )


def _missing(message: str) -> Cause | None:
    """A Secret or ConfigMap, or a key of one, that does not exist."""
    if match := _MISSING_SECRET.search(message):
        name = match["name"] or match["keyed"].rsplit("/", 1)[-1]
        return _absent_secret(f"{message.strip()}", name)
    if _MISSING_KEY.search(message):
        return _absent_secret(message.strip(), "named in the spec")
    if _MISSING_CONFIG_MAP.search(message):
        return Cause(
            reason="ConfigMapNotFound",
            message=message.strip(),
            hint="Create the ConfigMap of spec.source.configMap with the keys it lists. " + RETRY_HINT,
        )
    return None


def _absent_secret(message: str, name: str) -> Cause:
    return Cause(
        reason="SecretNotFound",
        message=message,
        hint=f"Create the Secret {name} in this namespace with the keys that spec asks for. " + RETRY_HINT,
    )


def _refused(events: tuple[Event, ...]) -> Cause | None:
    """The Job exists and its controller may not create the pod."""
    failed = [event for event in events if event.reason == "FailedCreate"]
    if not failed:
        return None
    message = failed[-1].message
    if "exceeded quota" in message:
        return Cause(
            reason="QuotaExceeded", message=message, hint="Raise the ResourceQuota or free some of it. " + RETRY_HINT
        )
    return Cause(
        reason="PodForbidden",
        message=message,
        hint="The namespace must admit pods of the Pod Security level baseline, or the named policy must allow them. "
        + RETRY_HINT,
        stalls=True,
    )
