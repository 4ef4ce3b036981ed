"""The baseline: a minimal script that creates a pipeline's next Job as soon as the previous one completes.

It checks nothing, records nothing and survives nothing: its time is the minimum for any implementation.
"""

import asyncio
import copy
import time
from collections.abc import Iterator

from bench.pipelines.client import Client, Object
from bench.pipelines.timing import Run
from inference_image_operator.api.stages import Stage
from tests.support.world import World

LABEL = "bench/pipeline"
STAGE = "bench/stage"


def manifests() -> list[Object]:
    """The Jobs that the operator creates for one InferenceImage, in order, without owner references."""
    world = World()
    world.run_whole()
    found = [copy.deepcopy(manifest) for manifest in world.created]
    if len(found) != len(Stage):
        raise ValueError(f"a pipeline has {len(Stage)} Jobs, but the operator created {len(found)}")
    for number, manifest in enumerate(found):
        meta = manifest["metadata"]
        del meta["ownerReferences"]
        meta["labels"][STAGE] = str(number)
    return found


class Script:
    """Runs pipelines in a namespace without other controllers."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._namespace = namespace
        self._manifests = manifests()

    async def run(self, names: list[str]) -> Run:
        """Runs all pipelines at once; returns when the last Job of each is complete."""
        run = Run()
        watching = asyncio.create_task(self._watch(set(names), run))
        await self._client.create_all(self._path, self._first(names, run))
        await watching
        return run

    def _first(self, names: list[str], run: Run) -> Iterator[Object]:
        for name in names:
            run.started[name] = time.monotonic()
            yield self._job(name, 0)

    def _job(self, name: str, number: int) -> Object:
        manifest = copy.deepcopy(self._manifests[number])
        meta = manifest["metadata"]
        meta["name"], meta["namespace"] = f"{name}-{number}", self._namespace
        meta["labels"][LABEL] = name
        return manifest

    async def _watch(self, waiting: set[str], run: Run) -> None:
        seen: set[str] = set()
        creating: set[asyncio.Task[Object]] = set()
        async for job in self._client.watch(self._path, b'"Complete"'):
            meta = job["metadata"]
            pipeline = meta["labels"].get(LABEL)
            if pipeline not in waiting or meta["name"] in seen or not _complete(job):
                continue
            seen.add(meta["name"])
            number = int(meta["labels"][STAGE]) + 1
            if number < len(self._manifests):
                task = asyncio.create_task(self._client.request("POST", self._path, self._job(pipeline, number)))
                creating.add(task)
                task.add_done_callback(creating.discard)
            else:
                run.ended[pipeline] = time.monotonic()
                waiting.discard(pipeline)
            if not waiting:
                return


def _complete(job: Object) -> bool:
    return any(c["type"] == "Complete" and c["status"] == "True" for c in job.get("status", {}).get("conditions", []))
