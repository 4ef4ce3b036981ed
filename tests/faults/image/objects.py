"""Helpers to create and read InferenceImages and their Jobs."""

import copy
from collections.abc import Sequence
from typing import Any

import msgspec

from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from tests.faults.harness import pods
from tests.faults.harness.audit import Write
from tests.faults.harness.subject import Bench
from tests.loop.api import Object
from tests.support.world import GRAPH, RESULTS, SPEC

NAME = "detector"
SERVER = "server"
"""A Deployment that agrees to rollouts."""
NEWER = "sha256:" + "e" * 64
"""The digest of another image."""
GROUP = "/apis/uai.ucloud.cn/v1alpha1"
BATCH = "/apis/batch/v1"
STAGE_LABEL = "uai.ucloud.cn/stage"


def done(stage: Stage, result: results.Result | None = None) -> dict[str, str]:
    """Annotations: pods of this stage succeed, with the usual result or `result`."""
    return pods.outcome(stage, results.encode(result or RESULTS[stage]).decode())


def failing(stage: Stage, code: ExitCode, reason: str) -> dict[str, str]:
    """Annotations: pods of this stage fail with a report, as our containers do."""
    failed = results.Failed(reason=reason, message="What is wrong.", hint="What to do.")
    return pods.outcome(stage, results.encode(failed).decode(), code)


ALL_DONE = {key: value for stage in Stage for key, value in done(stage).items()}


def published_as(digest: str) -> dict[str, str]:
    """Annotations: the next run finds an image of other inputs in the registry, and publishes it."""
    built = msgspec.structs.replace(RESULTS[Stage.BUILD], digest=digest)
    found = {"inputs_hash": digest, "graph": GRAPH, "image": built}
    resolved = msgspec.structs.replace(RESULTS[Stage.RESOLVE], **found)
    published = msgspec.structs.replace(RESULTS[Stage.PUBLISH], digest=digest)
    return done(Stage.RESOLVE, resolved) | done(Stage.PUBLISH, published)


def server(bench: Bench) -> Object:
    """The Deployment that serves the image."""
    return bench.api.get(bench.path("/apis/apps/v1", "deployments", SERVER))


def serve(bench: Bench, digest: str = "") -> None:
    """Applies the Deployment, with this image or without the field, which then belongs to the operator alone."""
    image = {"image": f"{SPEC['image']['repository']}@{digest}"} if digest else {}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": SERVER, "annotations": {"uai.ucloud.cn/rollout-from": NAME}},
        "spec": {
            "selector": {"matchLabels": {"app": SERVER}},
            "template": {"metadata": {"labels": {"app": SERVER}}, "spec": {"containers": [{"name": "main"} | image]}},
        },
    }
    bench.api.apply(bench.path("/apis/apps/v1", "deployments", SERVER), body)


def path(namespace: str, name: str = NAME) -> str:
    """The path of an InferenceImage."""
    return f"{GROUP}/namespaces/{namespace}/inferenceimages/{name}"


def apply(bench: Bench, name: str = NAME, *, step: int = 800, request: str = "", **spec: Any) -> Object:
    """Applies the object, as `kubectl apply --server-side` does. `spec` has further top-level fields."""
    wanted = copy.deepcopy(SPEC) | spec
    wanted["model"]["checkpoint"]["step"] = step
    body = {
        "apiVersion": "uai.ucloud.cn/v1alpha1",
        "kind": "InferenceImage",
        "metadata": {"name": name, "annotations": {"uai.ucloud.cn/requestedAt": request} if request else {}},
        "spec": wanted,
    }
    return bench.api.apply(path(bench.namespace, name), body)


def conditions(image: Object | None) -> dict[str, tuple[str, str]]:
    """The conditions: type -> (status, reason)."""
    found = (image or {}).get("status", {}).get("conditions", [])
    return {c["type"]: (c["status"], c["reason"]) for c in found}


def get(bench: Bench, name: str = NAME) -> Object | None:
    """The InferenceImage."""
    return bench.api.find(path(bench.namespace, name))


def jobs(bench: Bench) -> list[Object]:
    """All Jobs of the namespace."""
    return bench.api.get(bench.path(BATCH, "jobs"))["items"]


def until(bench: Bench, kind: str, status: str, reason: str, name: str = NAME, *, generation: int = 0) -> Object:
    """Waits until the object has this condition, observed at this generation or a later one."""

    def find() -> Object | None:
        image = get(bench, name)
        if conditions(image).get(kind) != (status, reason):
            return None
        return image if image and image["status"].get("observedGeneration", 0) >= generation else None

    return bench.until(f"{kind} of {name} is {status} {reason}", find)


def until_job(bench: Bench, stage: Stage, name: str = NAME, *, recorded: bool = False) -> Object:
    """Waits for the claimed Job of this stage; with `recorded`, until its UID is in the status."""

    def find() -> Object | None:
        claim = (get(bench, name) or {}).get("status", {}).get("stage", {})
        if claim.get("name") != stage or (recorded and not claim.get("jobUID")):
            return None
        return bench.api.find(bench.path(BATCH, "jobs", claim["job"]))

    return bench.until(f"a Job of {stage} is claimed and created", find)


def pod_of(bench: Bench, job: Object) -> Object:
    """Waits for the first pod of this Job."""
    where = bench.path("/api/v1", "pods") + f"?labelSelector=job-name={job['metadata']['name']}"
    return bench.until("the Job has a pod", lambda: bench.api.get(where)["items"])[0]


def release(bench: Bench, job: Object) -> None:
    """Completes the held pod of this Job with the usual result of its stage."""
    message = results.encode(RESULTS[Stage(stage_of(job))]).decode()
    where = bench.path("/api/v1", "pods", pod_of(bench, job)["metadata"]["name"])
    bench.api.merge(where, {"metadata": {"annotations": pods.released(message)}})


def published(bench: Bench, name: str = NAME, generation: int = 0) -> Object:
    """Waits until the object is Ready."""
    return until(bench, "Ready", "True", "Published", name, generation=generation)


def created(writes: Sequence[Write]) -> list[str]:
    """The stages of the created Jobs, in order."""
    return [stage_of(w.object) for w in writes if (w.verb, w.resource) == ("create", "jobs") and w.done]


def stage_of(job: Object) -> str:
    """The Job's stage, from its label."""
    return job["metadata"].get("labels", {}).get(STAGE_LABEL, "")


def ended(job: Object) -> str:
    """Complete or Failed; empty while the Job is unfinished."""
    return next(
        (
            c["type"]
            for c in job.get("status", {}).get("conditions", [])
            if c["type"] in ("Complete", "Failed") and c["status"] == "True"
        ),
        "",
    )
