"""Ten tenants whose objects go through the whole pipeline. The test plays the kubelet for their pods."""

import time

from inference_image_contract import results
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import MAIN
from inference_image_operator.jobs.job import LABEL_STAGE
from tests.loop.api import TICK, Api, Object
from tests.loop.pipeline import Pipeline
from tests.support.world import RESULTS

DEADLINE = 120.0


class Tenants:
    """One object in each of some namespaces."""

    def __init__(self, api: Api, namespaces: list[str], operator: object, name: str) -> None:
        """`name` is that of the objects."""
        self._api = api
        self._label = f"{namespaces[0]}-{name}"
        self._pipelines = {namespace: Pipeline(api, namespace, operator, name) for namespace in namespaces}
        for pipeline in self._pipelines.values():
            pipeline.spec["image"]["repository"] += f"-{pipeline.namespace}-{name}"
            pipeline.spec["podMetadata"] = {"labels": {"tenants": self._label}}

    @property
    def objects(self) -> list[Object]:
        """The metadata of each object."""
        return [pipeline.image["metadata"] for pipeline in self._pipelines.values()]

    def run(self) -> float:
        """Applies the objects; returns the seconds until all are Ready."""
        began = time.monotonic()
        for pipeline in self._pipelines.values():
            pipeline.apply()
        ended: dict[str, str] = {}
        while not self._all_ready(ended):
            if time.monotonic() - began > DEADLINE:
                late = next(one for one in self._pipelines.values() if not _ready(one))
                raise AssertionError(f"not Ready after {DEADLINE:.0f} s:\n{late.explain()}")
            for pod in self._pending():
                if pod["metadata"]["uid"] not in ended:
                    ended[pod["metadata"]["uid"]] = self._finish(pod)
            time.sleep(TICK)
        return time.monotonic() - began

    def _pending(self) -> list[Object]:
        selector = f"labelSelector=tenants%3D{self._label}&fieldSelector=status.phase%3DPending&resourceVersion=0"
        return self._api.get(f"/api/v1/pods?{selector}")["items"]

    def _finish(self, pod: Object) -> str:
        stage = Stage(pod["metadata"]["labels"][LABEL_STAGE])
        message = results.encode(RESULTS[stage]).decode()
        self._pipelines[pod["metadata"]["namespace"]].end(pod, "Succeeded", {MAIN[stage]: (0, message)})
        return stage

    def _all_ready(self, ended: dict[str, str]) -> bool:
        done = list(ended.values()).count([*Stage][-1]) == len(self._pipelines)
        return done and all(map(_ready, self._pipelines.values()))


def _ready(pipeline: Pipeline) -> bool:
    return pipeline.conditions.get("Ready") == ("True", "Published")
