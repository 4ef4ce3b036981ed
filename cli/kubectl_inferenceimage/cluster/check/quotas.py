"""ResourceQuotas and LimitRanges that would refuse the pods of a stage."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal

from kubectl_inferenceimage.cluster.check.finding import Finding, fault, note, ok
from kubectl_inferenceimage.cluster.check.pods import Amounts, StagePod, amounts
from kubectl_inferenceimage.cluster.connection import Cluster, Object

_TOPIC = "quota"
_LESS = "Raise it, or ask for less in the resources that docs/operations/namespaces.md lists."
_WAITS = "The operator waits until there is room: raise it, or delete something that uses it."
_SET = ("cpu", "memory", "ephemeral-storage")
"""What a quota needs of every container."""
_COUNTS = ("pods", "count/pods", "count/jobs.batch")


def check(cluster: Cluster, pods: Mapping[str, Sequence[StagePod]]) -> Iterator[Finding]:
    """A finding for each rule that refuses a pod. `pods` are those of each object."""
    place = f"/api/v1/namespaces/{cluster.namespace}"
    quotas = cluster.requests.items(f"list the ResourceQuotas in {cluster.namespace}", f"{place}/resourcequotas")
    ranges = cluster.requests.items(f"list the LimitRanges in {cluster.namespace}", f"{place}/limitranges")
    found = list(
        dict.fromkeys(finding for name, stages in pods.items() for finding in verdict(name, stages, quotas, ranges))
    )
    yield from found
    if not found:
        count = f"{len(quotas)} ResourceQuotas and {len(ranges)} LimitRanges"
        yield ok(_TOPIC, f"{count} in {cluster.namespace} refuse no stage of {', '.join(pods)}.")


def verdict(
    name: str, pods: Sequence[StagePod], quotas: Sequence[Object], ranges: Sequence[Object]
) -> Iterator[Finding]:
    """What refuses the pods of an object. Pure."""
    defaults = {resource for found in ranges for rule in _rules(found) for resource in rule.get("default") or {}}
    for quota in quotas:
        if quota["spec"].get("scopes") or quota["spec"].get("scopeSelector"):
            text = f"ResourceQuota {quota['metadata']['name']} holds for some pods only. It was not checked."
            yield note(_TOPIC, text, "Compare its scopes with spec.scheduling.priorityClassName.")
            continue
        yield from _counted(quota)
        for pod in pods:
            what = f"ResourceQuota {quota['metadata']['name']}: the stage {pod.stage} of {name}"
            yield from _quota(what, pod, quota)
            yield from _unspecified(what, pod, quota, defaults)
    for found in ranges:
        for pod in pods:
            what = f"LimitRange {found['metadata']['name']}: the stage {pod.stage} of {name}"
            for rule in _rules(found):
                yield from _range(what, pod, rule)


def _rules(limits: Object) -> list[Object]:
    return limits["spec"].get("limits") or []


def _counted(quota: Object) -> Iterator[Finding]:
    """Quotas on the number of Jobs and pods."""
    hard, used = amounts(quota["spec"].get("hard")), amounts(quota.get("status", {}).get("used"))
    for name in _COUNTS:
        if name in hard and used.get(name, 0) >= hard[name]:
            text = f"ResourceQuota {quota['metadata']['name']} has no {name} left: {used.get(name, 0)} of {hard[name]}."
            yield note(_TOPIC, text, _WAITS)


def _quota(what: str, pod: StagePod, quota: Object) -> Iterator[Finding]:
    """What a pod needs of the quota, and what is left."""
    hard, used = amounts(quota["spec"].get("hard")), amounts(quota.get("status", {}).get("used"))
    asked = {f"requests.{name}": amount for name, amount in pod.total("requests").items()}
    asked |= {f"limits.{name}": amount for name, amount in pod.total("limits").items()}
    asked |= {name: asked[f"requests.{name}"] for name in ("cpu", "memory") if f"requests.{name}" in asked}
    for name, limit in hard.items():
        amount, left = asked.get(name), limit - used.get(name, 0)
        if amount is None:
            continue
        if amount > limit:
            yield fault(_TOPIC, f"{what} needs {name} {amount:f}, more than its {limit:f}.", _LESS)
        elif amount > left:
            yield note(_TOPIC, f"{what} needs {name} {amount:f}; {left:f} are left.", _WAITS)


def _unspecified(what: str, pod: StagePod, quota: Object, defaults: Collection[str]) -> Iterator[Finding]:
    """A quota on a resource refuses a container that does not set it."""
    for name in quota["spec"].get("hard") or {}:
        kind, _, resource = name.partition(".")
        if kind not in {"requests", "limits"} or resource not in _SET or resource in defaults:
            continue
        if without := [
            c.name for c in pod.containers if resource not in (c.requests if kind == "requests" else c.limits)
        ]:
            text = f"{what} has no {name} in {', '.join(without)}, and the quota needs it of every container."
            yield fault(_TOPIC, text, "Give the namespace a LimitRange with a default, or take it out of the quota.")


def _range(what: str, pod: StagePod, rule: Object) -> Iterator[Finding]:
    """A rule of a LimitRange on the containers or on the whole pod, as admission reads it."""
    if rule.get("type") == "Pod":
        yield from _bounds(f"{what} as a whole", pod.total("requests"), pod.total("limits"), rule)
    if rule.get("type") == "Container":
        for container in pod.containers:
            label = f"{what}, container {container.name},"
            yield from _bounds(label, container.requests, container.limits, rule)
            for name, limit in amounts(rule.get("default")).items():
                if name not in container.limits and container.requests.get(name, Decimal(0)) > limit:
                    text = f"{label} requests {name} {container.requests[name]:f}, above the default limit {limit:f}."
                    yield fault(_TOPIC, text, _LESS)


def _bounds(label: str, requests: Amounts, limits: Amounts, rule: Object) -> Iterator[Finding]:
    """Maximum, minimum, and the ratio of limit to request."""
    for name, limit in amounts(rule.get("max")).items():
        asked = max(limits.get(name, Decimal(0)), requests.get(name, Decimal(0)))
        if asked > limit:
            yield fault(_TOPIC, f"{label} has {name} {asked:f}, above the maximum {limit:f}.", _LESS)
    for name, limit in amounts(rule.get("min")).items():
        if name in requests and requests[name] < limit:
            text = f"{label} requests {name} {requests[name]:f}, below the minimum {limit:f}."
            yield fault(_TOPIC, text, "Lower it, or ask for more in the resources of that container.")
    for name, ratio in amounts(rule.get("maxLimitRequestRatio")).items():
        most, request = limits.get(name), requests.get(name)
        if most and request and most / request > ratio:
            yield fault(_TOPIC, f"{label} has a ratio of {name} above {ratio:f}.", "Set requests nearer to the limits.")
