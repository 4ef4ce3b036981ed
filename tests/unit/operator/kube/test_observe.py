"""What a reconcile reads: only what it needs, and from the first object on, in two threads at the same time."""

import subprocess
import sys

import msgspec
import pytest

from inference_image_contract import results
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import MAIN
from inference_image_operator.kube.observe import observe
from tests.support.world import RESULTS, START, World

READS = """
import os, sys, threading
from inference_image_operator.kube.observe import from_object
from tests.support.world import SPEC
sys.setswitchinterval(1e-6)
meta = {"name": "n", "namespace": "s", "uid": "u"}
at_once = threading.Barrier(8)
def reads():
    at_once.wait()
    from_object({"metadata": meta, "spec": SPEC, "status": {"observedGeneration": -1}})
def first_reads():
    threads = [threading.Thread(target=reads) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
ended = []
for _ in range(16):  # one import serves all: a copy of this process has read nothing either
    copy = os.fork()
    if not copy:
        first_reads()
        os._exit(0)
    ended.append(os.waitpid(copy, 0)[1])
print(ended)
"""


def test_two_threads_may_read_the_first_objects_at_once():
    """Without the early decoders, about every second process ends with a segmentation fault."""
    done = subprocess.run([sys.executable, "-c", READS], capture_output=True, text=True, check=True)
    assert done.stdout == f"{[0] * 16}\n"


class JobsAlone:
    """A cluster with one Job. It has no other answer."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.asked: list[str] = []

    async def list_jobs(self, _: str, __: str, name: str = "") -> list[dict]:
        self.asked.append(name)
        (job,) = (msgspec.to_builtins(created) for created in self._world.created)
        found = job | {"metadata": job["metadata"] | {"uid": self._world.claimed.uid}}
        return [found] if name in ("", found["metadata"]["name"]) else []


def succeeded(job: str) -> dict:
    """The pod of a Resolve Job with this UID."""
    ended = {"exitCode": 0, "message": results.encode(RESULTS[Stage.RESOLVE]).decode()}
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": job, "controller": True}
    times = {"creationTimestamp": "2026-01-31T09:30:00Z"}
    return {
        "metadata": {"name": "pod", "uid": "pod-uid", "ownerReferences": [owner]} | times,
        "spec": {},
        "status": {
            "phase": "Succeeded",
            "containerStatuses": [{"name": MAIN[Stage.RESOLVE], "state": {"terminated": ended}}],
        },
    }


@pytest.fixture
def world() -> World:
    world = World()
    world.settle()
    return world


async def test_the_pod_that_a_watch_brought_is_not_read_again(world):
    pod = succeeded(world.claimed.uid)
    found = await observe(JobsAlone(world), world.observed(), START, done=[pod])
    assert found.claimed.pod_done
    assert [pod.phase for pod in found.pods] == ["Succeeded"]


async def test_the_pod_of_another_job_says_nothing_about_this_one(world):
    """Its name is that of a pod of this Job: anybody can choose a name."""
    found = await observe(JobsAlone(world), world.observed(), START, done=[succeeded("another")])
    assert not found.claimed.pod_done
    assert found.pods is None


async def test_lines_of_progress_are_no_part_of_a_containers_report(world):
    """A container that is killed has the end of its log as its message; the first line may be cut."""
    pod = succeeded(world.claimed.uid)
    line = "progress: download 1 of 2 bytes\n"
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    ended["message"] = f"{line[9:]}{line}Trying again in 1.0 s (1 of 4).\n{line}"
    found = await observe(JobsAlone(world), world.observed(), START, done=[pod])
    assert [one.report for one in found.pods[0].containers] == ["Trying again in 1.0 s (1 of 4).\n"]


async def test_where_the_jobs_are_known_they_are_asked_for_by_name(world):
    cluster = JobsAlone(world)
    found = await observe(cluster, world.observed(), START, jobs=("a-job-before", world.claimed.name))
    assert cluster.asked == sorted(["a-job-before", world.claimed.name])
    assert found.jobs == (await observe(JobsAlone(world), world.observed(), START)).jobs


async def test_the_claimed_job_is_always_asked_for(world):
    cluster = JobsAlone(world)
    assert (await observe(cluster, world.observed(), START, jobs=())).claimed
    assert cluster.asked == [world.claimed.name]


async def test_where_the_jobs_are_not_known_all_are_listed(world):
    cluster = JobsAlone(world)
    await observe(cluster, world.observed(), START)
    assert cluster.asked == [""]
