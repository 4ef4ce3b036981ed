"""ResourceQuotas and LimitRanges that would refuse the pods of a stage."""

from collections.abc import Iterator, Mapping, Sequence

from kubectl_inferenceimage.cluster.check.finding import Finding, fault, note, ok
from kubectl_inferenceimage.cluster.check.pods import Container, StagePod, amounts
from kubectl_inferenceimage.cluster.connection import Cluster, Object

_TOPIC = "quota"
_LESS = "Raise it, or ask for less in the resources that docs/operations/namespaces.md lists."
_WAITS = "The operator waits until there is room: raise it, or delete something that uses it."
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
    for quota in quotas:
        yield from _counted(quota)
        for pod in pods:
            yield from _quota(f"the stage {pod.stage} of {name}", pod, quota)
    for limits in ranges:
        for pod in pods:
            for container in pod.containers:
                yield from _range(
                    f"the container {container.name} of the stage {pod.stage} of {name}", container, limits
                )


def _counted(quota: Object) -> Iterator[Finding]:
    """Quotas on the number of Jobs and pods."""
    hard, used = amounts(quota["spec"].get("hard")), amounts(quota.get("status", {}).get("used"))
    for name in _COUNTS:
        if name in hard and used.get(name, 0) >= hard[name]:
            text = f"ResourceQuota {quota['metadata']['name']} has no {name} left: {used.get(name, 0)} of {hard[name]}."
            yield note(_TOPIC, text, _WAITS)


def _quota(what: str, pod: StagePod, quota: Object) -> Iterator[Finding]:
    hard, used = amounts(quota["spec"].get("hard")), amounts(quota.get("status", {}).get("used"))
    asked = {f"requests.{name}": amount for name, amount in pod.total("requests").items()}
    asked |= {f"limits.{name}": amount for name, amount in pod.total("limits").items()}
    asked |= {name: asked[f"requests.{name}"] for name in ("cpu", "memory") if f"requests.{name}" in asked}
    for name, limit in hard.items():
        amount = asked.get(name)
        label = f"ResourceQuota {quota['metadata']['name']}: {what}"
        if amount is None:
            continue
        if amount > limit:
            yield fault(_TOPIC, f"{label} needs {name} {amount:f}, more than its {limit:f}.", _LESS)
        elif amount > limit - used.get(name, 0):
            left = limit - used.get(name, 0)
            yield note(_TOPIC, f"{label} needs {name} {amount:f}; {left:f} are left.", _WAITS)


def _range(what: str, container: Container, limits: Object) -> Iterator[Finding]:
    """The rules of a LimitRange on one container, as admission reads them."""
    for rule in limits["spec"].get("limits") or []:
        if rule.get("type") != "Container":
            continue
        most, least = amounts(rule.get("max")), amounts(rule.get("min"))
        label = f"LimitRange {limits['metadata']['name']}: {what}"
        for name, limit in most.items():
            asked = max(container.limits.get(name, 0), container.requests.get(name, 0))
            if asked > limit:
                yield fault(_TOPIC, f"{label} has {name} {asked:f}, above the maximum {limit:f}.", _LESS)
        for name, limit in least.items():
            if name in container.requests and container.requests[name] < limit:
                text = f"{label} requests {name} {container.requests[name]:f}, below the minimum {limit:f}."
                yield fault(_TOPIC, text, "Lower it, or ask for more in the resources of that container.")
        for name, ratio in amounts(rule.get("maxLimitRequestRatio")).items():
            most_asked, request = container.limits.get(name), container.requests.get(name)
            if most_asked and request and most_asked / request > ratio:
                yield fault(
                    _TOPIC, f"{label} has a ratio of {name} above {ratio:f}.", "Set requests nearer to the limits."
                )
