"""The runs of the walks in docs/guides/gitops.md: the test plays the pods of the operator and those of the server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from devcluster.controlplane import ControlPlane
from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from tests.gitops.reader import NAMESPACE, Reader
from tests.loop.api import Api, Object
from tests.loop.conftest import Operator, started
from tests.loop.pipeline import Pipeline
from tests.support.world import DIGEST, GRAPH, RESULTS, SPEC

OLDER, NEWER = DIGEST, "sha256:" + "e" * 64
NOT_FOUND = results.Failed(reason="CheckpointNotFound", message="There is no step 7.", hint="Name another.")


@contextmanager
def runs_of(plane: ControlPlane, api: Api, namespace: str, folder: Path, *, rollout: str) -> Iterator[Pipeline]:
    """Of the InferenceImage in the page's repository; the installation allows rollouts to this kind."""
    with started(Operator(plane, api, namespace, folder, rollout={"allowed": [rollout]})) as operator:
        yield Pipeline(api, namespace, operator, NAMESPACE)


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


def find_no_checkpoint(pipeline: Pipeline) -> None:
    """The run ends, since its step is not in the bucket."""
    pipeline.fail(Stage.RESOLVE, ExitCode.NOT_FOUND, results.encode(NOT_FOUND).decode())


def beside_status(image: Object) -> Object:
    """What a tool could write. The operator may still tidy the status up."""
    metadata = {key: value for key, value in image["metadata"].items() if key != "resourceVersion"}
    metadata["managedFields"] = [one for one in metadata["managedFields"] if one.get("subresource") != "status"]
    return {"metadata": metadata, "spec": image["spec"]}


class Serving:
    """The Deployment of the walks, and its pods."""

    def __init__(self, api: Api, reader: Reader) -> None:
        self._api, self._reader = api, reader
        self._root = f"namespaces/{reader.namespace}"
        self._pods = f"/api/v1/{self._root}/pods"

    def starts(self, image: str) -> None:
        """A pod with this image becomes Ready."""
        pod = self._reader.until(f"a pod with {image}", lambda: self._pod(image))
        since = pod["metadata"]["creationTimestamp"]
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": since}
        status = {"phase": "Running", "conditions": [ready]}
        self._api.merge(f"{self._pods}/{pod['metadata']['name']}/status", {"status": status})

    def _pod(self, image: str) -> Object | None:
        items = self._api.get(f"{self._pods}?labelSelector=app.kubernetes.io/name={NAMESPACE}")["items"]
        return next((pod for pod in items if pod["spec"]["containers"][0]["image"] == image), None)

    @property
    def deployment(self) -> Object | None:
        return self._api.find(f"/apis/apps/v1/{self._root}/deployments/{NAMESPACE}")

    @property
    def image(self) -> str:
        """Of the Deployment; empty without one."""
        found = self.deployment
        return found["spec"]["template"]["spec"]["containers"][0]["image"] if found else ""

    @property
    def handed_over(self) -> str:
        """The image in the ConfigMap of a rollout."""
        return self._api.get(f"/api/v1/{self._root}/configmaps/{NAMESPACE}-image")["data"]["image"]
