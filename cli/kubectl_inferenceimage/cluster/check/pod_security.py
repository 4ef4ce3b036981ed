"""The Pod Security level of the namespace, and what the pods of the stages need."""

from collections.abc import Iterator, Sequence

from inference_image_operator.api import Spec
from inference_image_operator.config.installation import Config
from kubectl_inferenceimage.cluster.check.finding import Finding, fault, ok
from kubectl_inferenceimage.cluster.connection import Cluster

_LABEL = "pod-security.kubernetes.io/enforce"
_TOPIC = "Pod Security"


def check(cluster: Cluster, specs: Sequence[Spec], config: Config) -> Iterator[Finding]:
    """Reads the namespace's label."""
    name = cluster.namespace
    namespace = cluster.requests.send(f"read the namespace {name}", "GET", f"/api/v1/namespaces/{name}")
    yield verdict(name, namespace["metadata"].get("labels", {}).get(_LABEL, ""), specs, config)


def verdict(namespace: str, level: str, specs: Sequence[Spec], config: Config) -> Finding:
    """The verdict on a level. Pure."""
    if not level:
        return ok(_TOPIC, f"{namespace} has no label {_LABEL}: the cluster's default applies; baseline is enough.")
    if level != "restricted":
        return ok(_TOPIC, f"{namespace} enforces {level}, which admits the pods of every stage.")
    builders = sorted({config.builder(spec.build) for spec in specs} or {config.builders.default})
    refused = ["the Build stage with Kaniko, which is root with seven capabilities"] if "Kaniko" in builders else []
    if not specs or any(spec.test.enabled for spec in specs):
        refused.append("the Test stage, which runs the image under test as its own user")
    if not refused:
        return ok(_TOPIC, f"{namespace} enforces restricted, which admits Append and a run without a test.")
    remedy = f"kubectl label namespace {namespace} --overwrite {_LABEL}=baseline"
    return fault(_TOPIC, f"{namespace} enforces restricted, which refuses {' and '.join(refused)}.", remedy)
