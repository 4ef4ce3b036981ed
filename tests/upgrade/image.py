"""An InferenceImage that two versions of the operator serve, in a namespace of its own. The test plays the kubelet."""

import json
from datetime import UTC, datetime, timedelta

from inference_image_contract import results
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import MAIN
from inference_image_operator.api.times import rfc3339
from inference_image_operator.jobs import POLL
from inference_image_operator.kube.cluster import FIELD_MANAGER
from tests.loop.api import Object
from tests.loop.pipeline import Pipeline
from tests.loop.process import Process
from tests.support.world import RESULTS
from tests.upgrade import earlier

LONG_AGO = "2026-01-01T00:00:00Z"


class Image(Pipeline):
    """One of the objects, named after its state."""

    def follow(self, operator: Process) -> None:
        """From now on, a failure shows the log of this operator."""
        self._operator = operator

    def finish_earlier(self, *stages: Stage) -> None:
        """The pods of these stages succeed, as those of the earlier version do."""
        for stage in stages:
            self.end_earlier(stage, self.claimed(stage))

    def end_earlier(self, stage: Stage, job: Object) -> None:
        reports = {name: (0, json.dumps(report)) for name, report in earlier.REPORTS[stage].items()}
        self.end(self.pod(job), "Succeeded", reports)

    def publish_earlier(self) -> None:
        self.apply()
        self.finish_earlier(Stage.RESOLVE, Stage.EXPORT, Stage.BUILD, Stage.TEST)
        self.until_condition("Ready", "True", "Published")

    def fail_earlier(self, stage: Stage, container: str, code: int, failed: results.Failed) -> None:
        pod = self.pod(self.claimed(stage))
        self.end(pod, "Failed", {container: (code, results.encode(failed).decode())})

    def edit(self, **spec: object) -> None:
        """A person changes these fields."""
        self._api.merge(self.path, {"spec": spec})

    def date(self, **fields: object) -> None:
        """Writes these times into the status, as the operator does. It only ends a wait, or makes it longer."""

        def written() -> bool:
            image = self.image
            meta = {key: image["metadata"][key] for key in ("name", "namespace", "resourceVersion")}
            body = {key: image[key] for key in ("apiVersion", "kind")} | {"metadata": meta}
            path = f"{self.path}/status?fieldManager={FIELD_MANAGER}&force=true"
            body["status"] = _merged(image["status"], fields)
            return self._api.send("PATCH", path, body, "application/apply-patch+yaml").ok

        self.until("the times are written", written)

    def put_off(self) -> None:
        """The next attempt of the stage is far away."""
        self.date(stage={"retryAt": rfc3339(datetime.now(UTC) + timedelta(hours=2))})

    def write_pod(self, pod: Object, body: Object, subresource: str = "") -> None:
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}"
        self._api.merge(f"{path}/{subresource}".rstrip("/"), body)

    @property
    def pods(self) -> list[Object]:
        return self._api.get(f"/api/v1/namespaces/{self.namespace}/pods")["items"]

    @property
    def poll_job(self) -> Object | None:
        return next((job for job in self.jobs if job["metadata"]["labels"]["uai.ucloud.cn/stage"] == POLL), None)

    def delete(self, job: Object) -> None:
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{job['metadata']['name']}"
        self._api.request("DELETE", path, {"propagationPolicy": "Background"})

    @property
    def current_job(self) -> Object:
        """The Job that the status claims; it exists."""
        name = self.image["status"]["stage"]["job"]
        return next(job for job in self.jobs if job["metadata"]["name"] == name)

    @property
    def uids(self) -> set[str]:
        return {job["metadata"]["uid"] for job in self.jobs}

    def stages_except(self, uids: set[str]) -> list[str]:
        """The stages of all Jobs but these, in the order of a run; retries of one stage follow each other."""
        labels = [job["metadata"]["labels"] for job in self.jobs if job["metadata"]["uid"] not in uids]
        return sorted((one["uai.ucloud.cn/stage"] for one in labels), key=[POLL, *Stage].index)

    def succeed(self, pod: Object) -> None:
        """The pod succeeds with the usual result of its stage."""
        label = pod["metadata"]["labels"]["uai.ucloud.cn/stage"]
        stage = Stage.RESOLVE if label == POLL else Stage(label)
        self.end(pod, "Succeeded", {MAIN[stage]: (0, results.encode(RESULTS[stage]).decode())})


def _merged(part: Object, changes: Object) -> Object:
    return part | {name: _merged(part[name], new) if isinstance(new, dict) else new for name, new in changes.items()}
