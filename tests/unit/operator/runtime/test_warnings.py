"""Which Warning Events make which object due, and how the watch goes on after errors."""

import asyncio

import pytest

from inference_image_operator.kube.connection import ApiError
from inference_image_operator.runtime import warnings as module
from inference_image_operator.runtime.warnings import DELAY, MAX_EVENTS, Warnings, watch

KEY = ("space", "detector")
JOB = "detector-resolve-0123456789"


def event(reason: str = "FailedMount", kind: str = "Pod", name: str = f"{JOB}-x7k2p", namespace: str = "space", **more):
    about = {"kind": kind, "name": name, "namespace": namespace, "uid": "u", **more}
    return {"reason": reason, "involvedObject": about, "metadata": {"resourceVersion": "7"}}


@pytest.fixture
def woken() -> list:
    return []


@pytest.fixture
def warnings(woken) -> Warnings:
    found = Warnings(lambda key, after: woken.append((key, after)))
    found.follow(KEY, JOB)
    return found


@pytest.mark.parametrize(
    "found",
    [
        event(),
        event("FailedScheduling"),
        event("Failed", fieldPath="spec.containers{resolve}"),
        event("FailedCreate", "Job", JOB),
    ],
)
def test_the_first_warning_about_a_job_or_its_pod_makes_the_object_due(warnings, woken, found):
    warnings.arrived(found)
    warnings.arrived(found)
    assert woken == [(KEY, DELAY)]
    assert warnings.of(KEY) == [found]


@pytest.mark.parametrize(
    "found",
    [
        event("DNSConfigForming"),
        event(namespace="other"),
        event(name="detector-resolve-9876543210-x7k2p"),
        event(kind="Node", name="a-node-abcde", namespace=""),
        {"metadata": {"resourceVersion": "8"}},
    ],
    ids=["another reason", "another namespace", "another Job", "a node", "a bookmark"],
)
def test_other_events_are_ignored(warnings, woken, found):
    warnings.arrived(found)
    assert (woken, warnings.of(KEY)) == ([], [])


def test_the_api_server_cuts_the_name_of_a_long_job(warnings, woken):
    job = "d" * 44 + "-resolve-0123456789"
    assert len(job) == 63
    warnings.follow(KEY, job)
    warnings.arrived(event(name=job[:58] + "x7k2p"))
    warnings.arrived(event("FailedCreate", "Job", job))
    assert woken == [(KEY, DELAY)] * 2


def test_the_kubelet_says_the_cause_and_then_less(warnings, woken):
    said = [event("Failed") | {"message": text} for text in ("Failed to pull image: gone", "Error: ErrImagePull")]
    for found in said:
        warnings.arrived(found)
    assert warnings.of(KEY) == said
    assert woken == [(KEY, DELAY)]


def test_the_newest_few_are_kept(warnings, woken):
    said = [event("FailedCreate") | {"message": str(number)} for number in range(2 * MAX_EVENTS)]
    for found in said:
        warnings.arrived(found)
    assert warnings.of(KEY) == said[-MAX_EVENTS:]
    assert len(woken) == 1


def test_the_next_job_has_no_warnings_yet(warnings, woken):
    warnings.arrived(event())
    warnings.follow(KEY, JOB)
    assert warnings.of(KEY)
    warnings.follow(KEY, "detector-export-0123456789")
    assert warnings.of(KEY) == []
    warnings.arrived(event())
    assert len(woken) == 1


def test_an_object_that_waits_for_no_job_is_forgotten(warnings, woken):
    warnings.arrived(event())
    warnings.forget(KEY)
    warnings.forget(KEY)
    warnings.arrived(event())
    assert (len(woken), warnings.of(KEY)) == (1, [])


class Cluster:
    """Answers each watch with the next of `answers`: Events, or an error. Afterwards, the watch hangs."""

    def __init__(self, *answers: list | ApiError) -> None:
        self._answers = list(answers)
        self.versions: list[str] = []
        self.lists = 0

    async def newest_warning(self, _: str) -> str:
        self.lists += 1
        return f"list-{self.lists}"

    async def watch_warnings(self, _: str, version: str):
        self.versions.append(version)
        if not self._answers:
            await asyncio.Event().wait()
        answer = self._answers.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        for found in answer:
            yield found


@pytest.mark.parametrize(
    ("answers", "versions"),
    [
        (([event()],), ["list-1", "7"]),
        (([],), ["list-1", "list-1"]),
        ((ApiError(410, "Expired", "too old"),), ["list-1", "list-2"]),
        ((ApiError(403, "Forbidden", "no"), [event()]), ["list-1", "list-2", "7"]),
    ],
    ids=["goes on after its end", "without an Event", "starts again after a version that is gone", "without the right"],
)
async def test_the_watch_goes_on(monkeypatch, answers, versions):
    monkeypatch.setattr(module, "PAUSE", 0)
    cluster, seen = Cluster(*answers), []
    task = asyncio.create_task(watch(cluster, "", seen.append))
    async with asyncio.timeout(20):
        while len(cluster.versions) < len(versions):
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert cluster.versions == versions
    assert len(seen) == sum(len(answer) for answer in answers if isinstance(answer, list))
