"""The operator's Deployments: whether they are available, and of which version."""

from collections.abc import Iterator

from inference_image_contract import __version__
from kubectl_inferenceimage.cluster.check.finding import Finding, fault, note, ok
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.objects import conditions
from kubectl_inferenceimage.cluster.requests import ForbiddenError

SELECTOR = {"labelSelector": "app.kubernetes.io/name=inference-image-operator"}
NAMESPACE = "inference-image-system"
"""Where the installation's guide puts the operator."""
_TOPIC = "operator"
_INSTALL = "Install the chart: docs/operations/install.md"


def check(cluster: Cluster) -> Iterator[Finding]:
    """A finding for each Deployment of the chart."""
    deployments, where = operators(cluster)
    if not deployments:
        text = f"There is no Deployment of the chart {where}."
        known_all = where == "in the cluster"
        yield fault(_TOPIC, text, _INSTALL) if known_all else note(_TOPIC, text, f"Ask where it is. Else: {_INSTALL}")
    for deployment in deployments:
        yield verdict(deployment)


def operators(cluster: Cluster) -> tuple[list[Object], str]:
    """The Deployments of the chart, and where they were looked for: everywhere, or as far as the rights go."""
    try:
        return cluster.requests.items(
            "list the Deployments of all namespaces", "/apis/apps/v1/deployments", SELECTOR
        ), ("in the cluster")
    except ForbiddenError:
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
        return cluster.requests.items(f"list the Deployments in {NAMESPACE}", path, SELECTOR), f"in {NAMESPACE}"


def verdict(deployment: Object) -> Finding:
    """The verdict on a Deployment. Pure."""
    meta = deployment["metadata"]
    name = f"{meta['namespace']}/{meta['name']}"
    version = meta.get("labels", {}).get("app.kubernetes.io/version", "unknown")
    available = conditions(deployment).get("Available", {})
    if deployment["spec"].get("replicas") == 0:
        text = f"Deployment {name} has no replicas."
        return fault(_TOPIC, text, f"kubectl -n {meta['namespace']} scale deployment/{meta['name']} --replicas=1")
    if available.get("status") != "True":
        text = f"Deployment {name}, version {version}, is not available: {available.get('message', 'no condition yet')}"
        return fault(_TOPIC, text, f"kubectl -n {meta['namespace']} describe pods -l {SELECTOR['labelSelector']}")
    if version != __version__:
        text = f"Deployment {name} is available, version {version}; the plugin has version {__version__}."
        return note(_TOPIC, text, "Install the plugin of the operator's release.")
    return ok(_TOPIC, f"Deployment {name} is available, version {version}.")
