"""`why`: prints the comparison with the image before, or what a manifest would cause."""

from collections.abc import Iterator
from datetime import datetime

from inference_image_contract.errors import StageError
from inference_image_contract.inputs import InputLockRef
from inference_image_operator.api import Spec, read
from inference_image_operator.config.installation import Config
from inference_image_operator.core.foresee import Foreseen, foresee
from inference_image_store import read_input_lock
from kubectl_inferenceimage import crd, manifest, pipeline, placeholders
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.objects import observed
from kubectl_inferenceimage.cluster.requests import MissingError
from kubectl_inferenceimage.cluster.text import printable, table
from kubectl_inferenceimage.cluster.us3 import NotAskedError, bucket
from kubectl_inferenceimage.cluster.why import changes, locks
from kubectl_inferenceimage.cluster.why.applied import applied
from kubectl_inferenceimage.errors import CommandError


def why(cluster: Cluster, name: str, config: Config, keys: str) -> None:
    """Prints why the run of the object runs, and what changed since the image before.

    `keys` is a file with keys of US3; empty for those of the environment. Raises CommandError.
    """
    image = cluster.image(name)
    missing = ""
    try:
        pods = cluster.pods(image["metadata"]["uid"])
    except CommandError as error:
        pods, missing = [], f"{error} Without it, the files and the commit of the image before are unknown."
    for line in (*_compared(image, changes.compare(image, pods)), *_locks(image, pods, config, keys), missing):
        if line:
            print(printable(line))


def _locks(image: Object, pods: list[Object], config: Config, keys: str) -> Iterator[str]:
    """What the two input locks differ in, if the keys of US3 are there and both locks are known."""
    known = observed(image)
    status, entry = image.get("status", {}), changes.image_before(image.get("status", {}))
    resolved = changes.resolved_before(pods, datetime.fromisoformat(entry["time"])) if entry else None
    lock = known.status.input_lock
    if resolved is None or lock is None or not changes.has_pinned(status):
        return
    try:
        store = bucket(known.spec, config, keys)
        before = read_input_lock(store, resolved.input_lock)
        now = read_input_lock(store, InputLockRef(key=lock.key, sha256=lock.sha256))
    except NotAskedError as error:
        yield f"US3 has the rest, in the input locks of the two runs. To compare them, {error}."
    except StageError as error:
        yield f"The input locks of the two runs cannot be compared: {error.reason}: {error.message}"
    else:
        found = list(locks.differences(before, now))
        yield table(("INPUT LOCK", "BEFORE", "NOW"), found) if found else "The input locks of both are equal."


def why_file(cluster: Cluster, name: str, path: str, config: Config, *, is_known: bool) -> None:
    """Prints what applying the manifest would cause; `is_known` tells whether the config is that of the installation.

    Raises CommandError.
    """
    document = manifest.checked(path)
    given = manifest.parsed(path, document, "")
    if given.name != name or document["metadata"].get("namespace", cluster.namespace) != cluster.namespace:
        raise CommandError(f"{path} is about {given.namespace}/{given.name}, not about {cluster.namespace}/{name}.")
    try:
        live = cluster.image(name)
    except MissingError:
        print(f"There is no InferenceImage {cluster.namespace}/{name} yet: the manifest creates it.")
        live = _created(cluster.namespace, name, document["spec"])
    spec, request = applied(live, document)
    if fault := crd.fault(document | {"spec": spec}):
        raise CommandError(f"The object would not match the CustomResourceDefinition: {fault}.")
    known = observed(live)
    found = foresee(known, read(Spec, spec), request, config, placeholders.result)
    if known.status.run or found.fields:
        print(f"{path} changes: {', '.join(f'spec.{field}' for field in found.fields) or 'nothing of the spec'}")
    for line in _foreseen(found, read(Spec, spec) if known.status.run else None, is_known=is_known):
        print(printable(line))


def _compared(image: Object, found: changes.Comparison) -> Iterator[str]:
    meta = image["metadata"]
    yield f"InferenceImage {meta['namespace']}/{meta['name']}, generation {meta.get('generation', '')}"
    yield f"Why this run: {changes.cause(image)}"
    if found.title:
        yield f"The image before: {found.title}"
    if found.differences:
        yield table(("WHAT", "BEFORE", "NOW"), found.differences)
    if found.equal:
        yield f"Equal: {', '.join(found.equal)}."
    yield found.rest


def _created(namespace: str, name: str, spec: Object) -> Object:
    """The object that the manifest creates, before the operator sees it."""
    return {"metadata": {"namespace": namespace, "name": name, "uid": pipeline.UID, "generation": 1}, "spec": spec}


def _foreseen(found: Foreseen, pinned: Spec | None, *, is_known: bool) -> Iterator[str]:
    """What happens. `pinned` is the spec if a run before has pinned inputs."""
    if not found.begins:
        yield f"No run begins: {_no_run(found)}"
        return
    if found.refused and is_known:
        yield f"The installation refuses it: {found.refused}"
        return
    yield f"{'When spec.suspend is removed, a' if found.waits else 'A'} run begins{_because(found)}."
    if found.replaces:
        yield f"It replaces the run under way: its Job of the stage {found.replaces} is stopped."
    yield table(("STAGE", "RUNS", "WHY"), [(s.stage, "yes" if s.runs else "no", s.why) for s in found.stages])
    if pinned and found.stages[0].runs:
        outside = _outside(pinned)
        yield f"Only Resolve can know whether {outside} changed since they were pinned: if so, more stages run."
    if pinned and found.stages[2].runs:
        yield "If Resolve finds exactly what a Job of this object has exported or built before, that is reused."
    if not is_known:
        yield "Whether the installation allows it was not checked: give --values or --config."


def _no_run(found: Foreseen) -> str:
    if found.pinned and found.fields:
        return "spec.image.pin holds the image. These fields have their effect when it is removed."
    if "suspend" in found.fields:
        return "spec.suspend only decides whether new Jobs start. Fields like it have no effect on the result."
    if found.fields:
        return "these fields have no effect on the result. The operator follows them at once."
    return "the operator has run this spec and this request."


def _because(found: Foreseen) -> str:
    causes = ["the spec changes"] if found.fields else []
    if found.requested:
        causes.append("the request annotation changes")
    return f", because {' and '.join(causes)}" if causes else ""


def _outside(spec: Spec) -> str:
    parts = ["the files in US3"]
    if spec.model.checkpoint and spec.model.checkpoint.policy:
        parts.append("the newest checkpoint")
    if spec.source.git:
        parts.append(f"the commit of {spec.source.git.ref}")
    if spec.source.config_map:
        parts.append("the ConfigMap")
    return f"{', '.join(parts)} and the base images"
