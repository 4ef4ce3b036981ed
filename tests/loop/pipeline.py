"""One InferenceImage on a real control plane. The test plays the kubelet for its pods."""

import copy
import json
from typing import Any

from inference_image_contract import results
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import MAIN
from inference_image_operator.jobs import POLL
from tests.loop.api import DEADLINE, IMAGES, Api, Object, container_status, wait_for
from tests.support.world import RESULTS, SPEC


class Pipeline:
    """Waits for conditions with deadlines. A failure shows the object, its Jobs and the operator's log."""

    def __init__(self, api: Api, namespace: str, operator: Any, name: str = "detector") -> None:
        self._api = api
        self._operator = operator
        self.namespace = namespace
        self.name = name
        self.path = f"{IMAGES.format(namespace)}/{name}"
        self.spec = copy.deepcopy(SPEC)

    def apply(self, **annotations: str) -> Object:
        body = {
            "apiVersion": "uai.ucloud.cn/v1alpha1",
            "kind": "InferenceImage",
            "metadata": {"name": self.name, "namespace": self.namespace, "annotations": annotations},
            "spec": self.spec,
        }
        return self._api.apply(self.path, body)

    @property
    def image(self) -> Object:
        return self._api.get(self.path)

    @property
    def conditions(self) -> dict[str, tuple[str, str]]:
        found = (self._api.find(self.path) or {}).get("status", {}).get("conditions", [])
        return {c["type"]: (c["status"], c["reason"]) for c in found}

    @property
    def jobs(self) -> list[Object]:
        return self._api.get(f"/apis/batch/v1/namespaces/{self.namespace}/jobs")["items"]

    @property
    def events(self) -> list[Object]:
        found = self._api.get(f"/api/v1/namespaces/{self.namespace}/events")["items"]
        return [event for event in found if event["involvedObject"]["kind"] == "InferenceImage"]

    @property
    def operator_log(self) -> str:
        return self._operator.log

    def stages(self) -> list[str]:
        """The stages of the Jobs by the times of their creation; of one second, in the order of a run."""
        metadata = (job["metadata"] for job in self.jobs)
        found = [(meta["creationTimestamp"], meta["labels"]["uai.ucloud.cn/stage"]) for meta in metadata]
        return [stage for _, stage in sorted(found, key=lambda job: (job[0], [*Stage, POLL].index(job[1])))]

    def explain(self) -> str:
        return json.dumps([self._api.find(self.path), self.jobs], indent=1)[-6000:] + self._operator.log[-4000:]

    def until(self, what: str, find: Any, seconds: float = DEADLINE) -> Any:
        return wait_for(what, find, self.explain, seconds)

    def until_condition(self, kind: str, status: str, reason: str, seconds: float = DEADLINE) -> None:
        self.until(f"{kind} is {status} {reason}", lambda: self.conditions.get(kind) == (status, reason), seconds)

    def claimed(self, stage: Stage) -> Object:
        """The Job that the status names for this stage, once it exists."""

        def find() -> Object | None:
            claim = self.image.get("status", {}).get("stage", {})
            if claim.get("name") != stage:
                return None
            return self._api.find(f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{claim['job']}")

        return self.until(f"a Job of {stage} is claimed and created", find)

    def pod(self, job: Object) -> Object:
        selector = f"?labelSelector=batch.kubernetes.io/controller-uid={job['metadata']['uid']}"

        def find() -> Object | None:
            items = self._api.get(f"/api/v1/namespaces/{self.namespace}/pods{selector}")["items"]
            return items[0] if items else None

        return self.until(f"the Job controller makes a pod for {job['metadata']['name']}", find)

    def finish(self, stage: Stage, result: results.Result | None = None, phase: str = "Succeeded") -> None:
        """The pod of the stage's Job succeeds with the usual result, or another. `Running`: its sidecars still stop."""
        pod = self.pod(self.claimed(stage))
        message = results.encode(result or RESULTS[stage]).decode()
        self.end(pod, phase, {MAIN[stage]: (0, message)})

    def fail(self, stage: Stage, code: int, message: str) -> None:
        self.end(self.pod(self.claimed(stage)), "Failed", {MAIN[stage]: (code, message)})

    def end(self, pod: Object, phase: str, containers: dict[str, tuple[int, str]]) -> None:
        """What the kubelet writes when a pod has ended. Of its init containers it tells those in `containers`."""
        spec = pod["spec"]
        init = [one for one in spec.get("initContainers", []) if one["name"] in containers]
        statuses = [_ended(one, *containers.get(one["name"], (0, ""))) for one in spec["containers"]]
        status = {"phase": phase, "containerStatuses": statuses}
        if init:
            status["initContainerStatuses"] = [_ended(one, *containers[one["name"]]) for one in init]
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}/status"
        self._api.merge(path, {"status": status})

    def run_whole(self) -> None:
        for stage in Stage:
            self.finish(stage)
        self.until_condition("Ready", "True", "Published")

    def until_jobs_are_complete(self) -> None:
        """A stage ends with its pod; without a status, a Job that does not say so yet is replaced."""

        def complete(job: Object) -> bool:
            conditions = job["status"].get("conditions", [])
            return any(one["type"] == "Complete" and one["status"] == "True" for one in conditions)

        self.until("every Job is complete", lambda: all(complete(job) for job in self.jobs))


def _ended(container: Object, code: int, message: str) -> Object:
    return container_status(container["name"], {"terminated": {"exitCode": code, "message": message}})
