"""Why admission control refuses a pod or a Job, read from the API server's own words.

The words are those of the admission plugins ResourceQuota, LimitRanger and PodSecurity of Kubernetes.
"""

import re
from http import HTTPStatus
from typing import NamedTuple

from inference_image_contract.hints import CONTINUES, TRIES_AGAIN, explanation
from inference_image_contract.reasons import Reason
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import resource_fields
from inference_image_operator.diagnosis.waiting_for import Cause
from inference_image_operator.observed import Refusal

_PREFIX = re.compile(r"^(?:\(combined from similar events\): )?(?:Error creating: )?")
_GENERATED = re.compile(r'^([Pp]ods? "[^"]*-)[a-z0-9]{5}"(?= is )')
"""The Job controller tries again with another name each time. The cause is the same, so the status names it once."""
_QUOTA = re.compile(r"exceeded quota|status unknown for quota|insufficient quota")
_LIMIT_RANGE = re.compile(
    r"(?:maximum|minimum) \S+ usage per (?:Container|Pod) is |max limit to request ratio per (?:Container|Pod) is "
)
_DEFAULT_LIMIT = re.compile(r"must be less than or equal to \S+ limit")
_POD_SECURITY = re.compile(r'violates PodSecurity "')
_TERMINATED = "is being terminated"
"""Part of the API server's message about a namespace that is being deleted."""


def of_pod(stage: Stage, message: str) -> Cause:
    """Why the API server refuses the pod of a Job that exists, from the Event of the Job controller."""
    said = _GENERATED.sub(r'\1"', _PREFIX.sub("", message))
    rule = _known(stage, said) or _Rule(
        reason=Reason.POD_FORBIDDEN, remedy="Change the policy that the message names, or what it refuses."
    )
    return Cause(reason=rule.reason, message=said, hint=f"{rule.remedy} {CONTINUES}", stalls=rule.stalls)


def of_job(stage: Stage, name: str, status: int, message: str) -> Refusal | None:
    """Why the API server refuses the Job itself; None if the error may be transient."""
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        said = f"The API server rejected Job {name}: {message} Correct the spec."
        return Refusal(reason=Reason.JOB_INVALID, message=said)
    if status != HTTPStatus.FORBIDDEN or _TERMINATED in message:
        return None
    rule = _known(stage, message) or _Rule(reason=Reason.FORBIDDEN, remedy="")
    return Refusal(reason=rule.reason, message=explanation(message, f"{rule.remedy} {TRIES_AGAIN}".strip()))


def is_final(status: int, message: str) -> bool:
    """Whether a request was refused for a reason that somebody has to know."""
    return status == HTTPStatus.FORBIDDEN and _TERMINATED not in message


class _Rule(NamedTuple):
    reason: Reason
    remedy: str
    stalls: bool = True


def _known(stage: Stage, said: str) -> _Rule | None:
    """The rule that refuses, by the words of Kubernetes; None for other words."""
    fields = resource_fields(stage)
    everywhere = f"{fields}, or for all objects in config.jobs.resources (chart values)"
    if _QUOTA.search(said):
        less = f"Raise the ResourceQuota, delete something that uses it, or ask for less in {fields}."
        return _Rule(reason=Reason.QUOTA_EXCEEDED, remedy=less, stalls=False)
    if "must specify" in said.partition("failed quota: ")[2]:
        more = f"The quota needs these values of every container: set them in {everywhere}."
        return _Rule(reason=Reason.QUOTA_EXCEEDED, remedy=more)
    if _LIMIT_RANGE.search(said):
        within = f"Set requests and limits that the LimitRange allows in {everywhere}, or change the LimitRange."
        return _Rule(reason=Reason.LIMIT_RANGE_VIOLATED, remedy=within)
    if _DEFAULT_LIMIT.search(said):
        default = "A LimitRange of this namespace sets a default limit below the request. Set this limit in"
        return _Rule(reason=Reason.LIMIT_RANGE_VIOLATED, remedy=f"{default} {everywhere}, or change the LimitRange.")
    if _POD_SECURITY.search(said):
        level = "Let the namespace enforce the Pod Security level baseline: its label"
        return _Rule(reason=Reason.POD_SECURITY_VIOLATED, remedy=f"{level} pod-security.kubernetes.io/enforce.")
    return None
