"""The walk of docs/guides/gitops.md through a Git repository, by Flux's own controllers. The test plays the pods."""

import msgspec
import pytest

from devcluster.controlplane import ControlPlane
from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from kubectl_inferenceimage.__main__ import main
from tests.gitops.walk import NAMESPACE, Walk
from tests.loop.api import Api, Object
from tests.loop.pipeline import Pipeline
from tests.support.world import DIGEST, GRAPH, RESULTS, SPEC

NEWER = "sha256:" + "e" * 64
REQUEST = "uai.ucloud.cn/requestedAt"
NOT_FOUND = results.Failed(reason="CheckpointNotFound", message="There is no step 7.", hint="Name another.")


def reference(digest: str) -> str:
    return f"{SPEC['image']['repository']}@{digest}"


def resolved(step: int, digest: str) -> results.Result:
    return msgspec.structs.replace(RESULTS[Stage.RESOLVE], step=step, inputs_hash=digest)


def publish(pipeline: Pipeline, step: int, digest: str) -> None:
    """The pods of a run succeed; its image has this digest."""
    for stage in Stage:
        plain = RESULTS[stage]
        changed = msgspec.structs.replace(plain, digest=digest) if hasattr(plain, "digest") else plain
        pipeline.finish(stage, resolved(step, digest) if stage is Stage.RESOLVE else changed)


def publish_again(pipeline: Pipeline, step: int, digest: str) -> None:
    """The pods of a run succeed that finds its graph and its image, which has passed its test."""
    built = msgspec.structs.replace(RESULTS[Stage.BUILD], digest=digest)
    pipeline.finish(Stage.RESOLVE, msgspec.structs.replace(resolved(step, digest), graph=GRAPH, image=built))
    pipeline.finish(Stage.PUBLISH, msgspec.structs.replace(RESULTS[Stage.PUBLISH], digest=digest))


def beside_status(image: Object) -> Object:
    """What Flux could write. The operator may still tidy the status up."""
    metadata = {key: value for key, value in image["metadata"].items() if key != "resourceVersion"}
    metadata["managedFields"] = [one for one in metadata["managedFields"] if one.get("subresource") != "status"]
    return {"metadata": metadata, "spec": image["spec"]}


class Serving:
    """What Git says about the server, and its pods."""

    def __init__(self, api: Api, walk: Walk) -> None:
        self._api, self._walk = api, walk
        self._pods = f"/api/v1/namespaces/{walk.namespace}/pods"

    def starts(self, digest: str) -> None:
        """A pod with this image becomes Ready."""
        pod = self._walk.until(f"a pod with {digest}", lambda: self._pod(reference(digest)))
        since = pod["metadata"]["creationTimestamp"]
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": since}
        status = {"phase": "Running", "conditions": [ready]}
        self._api.merge(f"{self._pods}/{pod['metadata']['name']}/status", {"status": status})

    def _pod(self, image: str) -> Object | None:
        items = self._api.get(f"{self._pods}?labelSelector=app.kubernetes.io/name={NAMESPACE}")["items"]
        return next((pod for pod in items if pod["spec"]["containers"][0]["image"] == image), None)

    def images(self) -> tuple[str, str]:
        """In the ConfigMap and in the Deployment."""
        config = self._api.get(f"/api/v1/namespaces/{self._walk.namespace}/configmaps/{NAMESPACE}-image")
        found = self._api.get(f"/apis/apps/v1/namespaces/{self._walk.namespace}/deployments/{NAMESPACE}")
        return config["data"]["image"], found["spec"]["template"]["spec"]["containers"][0]["image"]


@pytest.mark.parametrize("judged_by", ["conditions", "expressions"])
def test_the_walk(walk: Walk, pipeline: Pipeline, api: Api, judged_by: str) -> None:
    serving = Serving(api, walk)
    if judged_by == "expressions":
        walk.judge_by_expressions()

    walk.run_next()
    walk.until("Flux applies the InferenceImage", lambda: pipeline.conditions)
    walk.until("Flux waits for the image", lambda: walk.ready("detectors")[:2] == ("Unknown", "Progressing"))
    publish(pipeline, 800, DIGEST)
    serving.starts(DIGEST)
    walk.until_ready("serving")
    walk.run_next()
    first = walk.revision
    assert walk.status("detectors")["lastAppliedRevision"] == first
    assert serving.images() == (reference(DIGEST), reference(DIGEST))

    walk.run_next()
    pipeline.claimed(Stage.RESOLVE)
    assert walk.status("detectors")["lastAppliedRevision"] == first
    publish(pipeline, 900, NEWER)
    serving.starts(NEWER)
    walk.until_ready("serving")
    walk.run_next()
    second = walk.revision
    assert walk.status("detectors")["lastAppliedRevision"] == second != first
    assert pipeline.image["status"]["image"]["generation"] == 2
    assert serving.images() == (reference(NEWER), reference(NEWER))

    walk.run_next()
    pipeline.fail(Stage.RESOLVE, ExitCode.NOT_FOUND, results.encode(NOT_FOUND).decode())
    walk.until("Flux gives the commit up", lambda: walk.ready("detectors")[1] == "HealthCheckFailed")
    assert "CheckpointNotFound" in walk.run_next()
    status, reason, message = walk.ready("detectors")
    assert (status, reason) == ("False", "HealthCheckFailed")
    assert f"InferenceImage/{walk.namespace}/{NAMESPACE}" in message
    assert walk.status("detectors")["lastAppliedRevision"] == second
    assert pipeline.conditions["Stalled"] == ("True", "CheckpointNotFound")
    assert pipeline.image["status"]["image"]["digest"] == NEWER
    assert serving.images() == (reference(NEWER), reference(NEWER))

    walk.run_next()
    publish_again(pipeline, 900, NEWER)
    walk.until_ready("serving")
    walk.run_next()
    assert walk.status("detectors")["lastAppliedRevision"] == walk.revision != second
    assert pipeline.conditions["Ready"][0] == "True"
    assert serving.images() == (reference(NEWER), reference(NEWER))
    assert walk.at_the_end()

    before = beside_status(pipeline.image)
    for name in ("detectors", "serving"):
        walk.reconcile(name)
    assert beside_status(pipeline.image) == before
    assert serving.images() == (reference(NEWER), reference(NEWER))


def test_what_the_plugin_sets_stays_and_what_kubectl_sets_does_not(
    walk: Walk, pipeline: Pipeline, api: Api, plane: ControlPlane
) -> None:
    def plugin(*words: str) -> None:
        assert main([*words, "-n", walk.namespace, "--kubeconfig", str(plane.kubeconfig)]) == 0

    serving = Serving(api, walk)
    walk.run_next()
    walk.until("Flux applies the InferenceImage", lambda: pipeline.conditions)
    publish(pipeline, 800, DIGEST)
    serving.starts(DIGEST)
    walk.until_ready("serving")

    plugin("suspend", NAMESPACE)
    walk.reconcile("detectors")
    assert pipeline.image["spec"]["suspend"] is True
    plugin("resume", NAMESPACE)

    plugin("rebuild", NAMESPACE)
    publish(pipeline, 800, NEWER)
    serving.starts(NEWER)  # without a commit, and long before the interval
    walk.until_ready("serving")
    before = beside_status(pipeline.image)
    walk.reconcile("detectors")
    assert beside_status(pipeline.image) == before

    walk.kubectl("patch", f"inferenceimage/{NAMESPACE}", "--type=merge", '--patch={"spec": {"suspend": true}}')
    walk.reconcile("detectors")
    assert pipeline.image["spec"]["suspend"] is False

    walk.kubectl("annotate", f"inferenceimage/{NAMESPACE}", "--overwrite", f"{REQUEST}=now")
    publish_again(pipeline, 800, NEWER)
    pipeline.until_condition("Ready", "True", "Published")
    walk.request("detectors")
    publish_again(pipeline, 800, NEWER)  # Flux takes the annotation back, which is a request too
    assert REQUEST not in pipeline.image["metadata"].get("annotations", {})
