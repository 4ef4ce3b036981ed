"""`check`: runs every check and prints what each finds, with its remedy."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from inference_image_operator.api import Spec, read
from inference_image_operator.config.installation import Config
from kubectl_inferenceimage.cluster.check import definition, deployments, named_secrets, pod_security, quotas, rights
from kubectl_inferenceimage.cluster.check.finding import Finding, Verdict, note, ok, unknown
from kubectl_inferenceimage.cluster.check.pods import StagePod, planned
from kubectl_inferenceimage.cluster.connection import Cluster
from kubectl_inferenceimage.cluster.text import printable
from kubectl_inferenceimage.errors import CommandError
from kubectl_inferenceimage.manifest import Image


def check(cluster: Cluster, config: Config) -> int:
    """Prints a line for each finding. Returns 1 if there is a fault."""
    findings = list(_findings(cluster, config))
    for found in findings:
        print(printable(f"{found.verdict:<8}{found.topic}: {found.text}"))
        if found.remedy:
            print(printable(f"{'':<8}Remedy: {found.remedy}"))
    return int(any(found.verdict is Verdict.FAULT for found in findings))


def _findings(cluster: Cluster, config: Config) -> Iterator[Finding]:
    yield from _readable("CRD", lambda: definition.check(cluster))
    yield from _readable("operator", lambda: deployments.check(cluster))
    yield from _readable("rights", lambda: rights.check(cluster))
    specs: dict[str, Spec] = {}
    yield from _readable("objects", lambda: _read(cluster, specs))
    yield from _readable("Pod Security", lambda: pod_security.check(cluster, list(specs.values()), config))
    pods: dict[str, list[StagePod]] = {}
    yield from _planned(cluster.namespace, specs, config, pods)
    if pods:
        yield from _readable("quota", lambda: quotas.check(cluster, pods))
    if specs:
        yield from _readable("Secrets", lambda: named_secrets.check(cluster, specs))


def _readable(topic: str, find: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What a check finds; what the person may not read costs this one check."""
    try:
        yield from find()
    except CommandError as error:
        yield unknown(topic, str(error))


def _read(cluster: Cluster, into: dict[str, Spec]) -> Iterator[Finding]:
    """The specs of the namespace's objects."""
    images = cluster.images()
    without = "" if images else " Quotas, LimitRanges and Secrets are checked for the objects that there are."
    yield ok("objects", f"{len(images)} InferenceImages in {cluster.namespace}.{without}")
    for image in images:
        name = image["metadata"]["name"]
        try:
            into[name] = read(Spec, image["spec"])
        except msgspec.ValidationError as error:
            text = f"{name} does not fit this version of the plugin: {error}."
            yield note("objects", text, "Install the plugin of the operator's release.")


def _planned(
    namespace: str, specs: dict[str, Spec], config: Config, into: dict[str, list[StagePod]]
) -> Iterator[Finding]:
    """The pods of each object's stages, as the operator with this configuration would make them."""
    for name, spec in specs.items():
        image = Image(name, namespace, msgspec.structs.replace(spec, suspend=False), "")
        try:
            into[name] = list(planned(image, config))
        except CommandError as error:
            remedy = "Give the installation with --values or --config, if you have not. Otherwise correct the spec."
            yield note("quota", f"The pods of {name} are unknown: {error}", remedy)
