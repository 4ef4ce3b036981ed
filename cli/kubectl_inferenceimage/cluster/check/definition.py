"""The CustomResourceDefinition: whether it is served, and equal to the plugin's copy."""

from collections.abc import Iterator
from typing import Any

from inference_image_operator.api import GROUP, PLURAL, VERSION
from kubectl_inferenceimage import crd
from kubectl_inferenceimage.cluster.check.finding import Finding, fault, note, ok, unknown
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.requests import ForbiddenError, MissingError

_TOPIC = "CRD"
_APPLY = "Apply the CRD of the operator's release: kubectl apply --server-side -f crds/"


def check(cluster: Cluster) -> Iterator[Finding]:
    """Reads the CRD; without the right to, the versions that the API server lists."""
    try:
        yield found(cluster.requests.send("read the CRD", "GET", _path()))
    except MissingError:
        yield fault(_TOPIC, f"The cluster has no CRD {PLURAL}.{GROUP}.", _APPLY)
    except ForbiddenError as error:
        yield unknown(_TOPIC, f"{error} Whether it equals the plugin's copy is unknown.")
        yield listed(cluster)


def listed(cluster: Cluster) -> Finding:
    """Whether the API server serves the version; everyone may ask that."""
    try:
        answer = cluster.requests.send("list the versions of the API", "GET", f"/apis/{GROUP}")
    except MissingError:
        return fault(_TOPIC, f"The API server does not serve {GROUP}.", _APPLY)
    versions = [version["version"] for version in answer.get("versions", [])]
    return _served(versions)


def found(definition: Object) -> Finding:
    """The verdict on a CRD. Pure."""
    versions = {version["name"]: version for version in definition["spec"]["versions"] if version.get("served")}
    served = _served(list(versions))
    if served.remedy:
        return served
    if _content(versions[VERSION]) == _content(crd.version()):
        return ok(_TOPIC, f"{VERSION} is served, equal to the plugin's copy.")
    text = f"{VERSION} is served, but it differs from the plugin's copy: one of the two is of another release."
    return note(_TOPIC, text, f"Install the plugin of the operator's release. Or, if the CRD is older: {_APPLY}")


def _served(versions: list[str]) -> Finding:
    if VERSION in versions:
        return ok(_TOPIC, f"{VERSION} is served.")
    text = f"The API server serves {', '.join(versions) or 'no version'}, not {VERSION}."
    return fault(_TOPIC, text, _APPLY)


def _content(version: Object) -> Any:  # noqa: ANN401 - any part of a schema
    return version["schema"]["openAPIV3Schema"]


def _path() -> str:
    return f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURAL}.{GROUP}"
