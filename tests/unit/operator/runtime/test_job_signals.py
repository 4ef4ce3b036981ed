"""Which Jobs, Warning Events and pods make which object due, and how a watch goes on after errors."""

import asyncio

import pytest

from inference_image_operator.diagnosis.pending import POD_CHECK_DELAY
from inference_image_operator.kube.client import ENDING_PODS, OUR_JOBS, WARNING_EVENTS
from inference_image_operator.kube.connection import ApiError
from inference_image_operator.runtime import job_signals as module
from inference_image_operator.runtime.job_signals import (
    DELAY,
    EVENT_DEBOUNCE,
    LINGER,
    MAX_EVENTS,
    MAX_PODS,
    JobSignals,
    job_event_delay,
    kept,
    owner_of,
    watch,
)

KEY = ("space", "detector")
JOB = "detector-resolve-0123456789"


def event(reason: str = "FailedMount", kind: str = "Pod", name: str = f"{JOB}-x7k2p", namespace: str = "space", **more):
    about = {"kind": kind, "name": name, "namespace": namespace, "uid": "u", **more}
    return {"reason": reason, "involvedObject": about, "metadata": {"resourceVersion": "7"}}


@pytest.fixture
def woken() -> list:
    return []


@pytest.fixture
def signals(woken) -> JobSignals:
    found = JobSignals(lambda key, after: woken.append((key, after)))
    found.follow(KEY, JOB)
    return found


@pytest.mark.parametrize(
    "found",
    [
        event(),
        event("FailedScheduling"),
        event("Failed", fieldPath="spec.containers{resolve}"),
        event("InspectFailed", fieldPath="spec.containers{resolve}"),
        event("ErrImageNeverPull", fieldPath="spec.containers{resolve}"),
        event("BackOff", fieldPath="spec.containers{resolve}"),
        event("FailedCreate", "Job", JOB),
    ],
)
def test_the_first_warning_about_a_job_or_its_pod_makes_the_object_due(signals, woken, found):
    signals.warned(found)
    signals.warned(found)
    assert woken == [(KEY, DELAY)]
    assert signals.warnings(KEY) == [found]


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
def test_other_events_are_ignored(signals, woken, found):
    signals.warned(found)
    assert (woken, signals.warnings(KEY)) == ([], [])


def test_the_api_server_cuts_the_name_of_a_long_job(signals, woken):
    job = "d" * 44 + "-resolve-0123456789"
    assert len(job) == 63
    signals.follow(KEY, job)
    signals.warned(event(name=job[:58] + "x7k2p"))
    signals.warned(event("FailedCreate", "Job", job))
    assert woken == [(KEY, DELAY)] * 2


def test_the_kubelet_says_the_cause_and_then_less(signals, woken):
    said = [event("Failed") | {"message": text} for text in ("Failed to pull image: gone", "Error: ErrImagePull")]
    for found in said:
        signals.warned(found)
    assert signals.warnings(KEY) == said
    assert woken == [(KEY, DELAY)]


def test_the_newest_few_are_kept(signals, woken):
    said = [event("FailedCreate") | {"message": str(number)} for number in range(2 * MAX_EVENTS)]
    for found in said:
        signals.warned(found)
    assert signals.warnings(KEY) == said[-MAX_EVENTS:]
    assert len(woken) == 1


def test_the_next_job_has_no_warnings_yet(signals, woken):
    signals.warned(event())
    signals.follow(KEY, JOB)
    assert signals.warnings(KEY)
    signals.follow(KEY, "detector-export-0123456789")
    assert signals.warnings(KEY) == []
    signals.warned(event())
    assert len(woken) == 1


def test_an_object_that_waits_for_no_job_is_forgotten(signals, woken):
    signals.warned(event())
    signals.forget(KEY)
    signals.forget(KEY)
    signals.warned(event())
    assert (len(woken), signals.warnings(KEY)) == (1, [])


def pod(uid: str = "pod-1", job: str = JOB, namespace: str = "space", stage: str = "Build", **status: object) -> dict:
    """A pod that has succeeded, unless `status` says otherwise."""
    labels = {"uai.ucloud.cn/stage": stage}
    return {
        "metadata": {"name": f"{job}-x7k2p", "namespace": namespace, "uid": uid, "labels": labels},
        "spec": {"containers": [{"name": "report"}, {"name": "injected"}]},
        "status": {"phase": "Succeeded"} | status,
    }


def stopping(*codes: int | None, stage: str = "Build", conditions: tuple = (), **meta: object) -> dict:
    """A pod whose containers ended with these exit codes; None runs. Its sidecars still run."""
    ends = [{"state": {} if code is None else {"terminated": {"exitCode": code}}} for code in codes]
    found = pod(stage=stage, phase="Running", containerStatuses=ends, conditions=[*conditions])
    found["metadata"] |= meta
    return found


@pytest.mark.parametrize("stage", ["Resolve", "Export", "Build", "Test"])
def test_a_pod_that_only_stops_its_sidecars_makes_its_object_due(signals, woken, stage):
    found = stopping(0, 0, stage=stage)
    signals.ended(found)
    signals.ended(pod(stage=stage))
    assert (woken, signals.done(KEY)) == ([(KEY, 0)], [found])


@pytest.mark.parametrize(
    "found",
    [
        stopping(),
        stopping(0),
        stopping(0, None),
        stopping(0, 1),
        stopping(0, 0, stage="Publish"),
        stopping(0, 0, deletionTimestamp="2026-01-31T09:30:00Z"),
        stopping(0, 0, conditions=({"type": "DisruptionTarget", "status": "True"},)),
        pod(phase="Failed"),
    ],
    ids=["starts", "has one status", "runs", "fails", "publishes", "is deleted", "is evicted", "failed"],
)
def test_a_pod_that_may_still_fail_says_nothing(signals, woken, found):
    signals.ended(found)
    assert (woken, signals.done(KEY)) == ([], [])


def test_a_publication_counts_when_its_pod_has_succeeded(signals, woken):
    signals.ended(stopping(0, 0, stage="Publish"))
    signals.ended(pod(stage="Publish"))
    assert (woken, signals.done(KEY)) == ([(KEY, 0)], [pod(stage="Publish")])


def test_a_pod_that_succeeded_makes_its_object_due_once(signals, woken):
    signals.ended(pod())
    signals.ended(pod())
    assert (woken, signals.done(KEY)) == ([(KEY, 0)], [pod()])


@pytest.mark.parametrize(
    "found",
    [pod(namespace="other"), pod(job="detector-resolve-9876543210"), {"metadata": {"resourceVersion": "8"}}],
    ids=["another namespace", "another Job", "a bookmark"],
)
def test_other_pods_are_ignored(signals, woken, found):
    signals.ended(found)
    assert (woken, signals.done(KEY)) == ([], [])


def test_the_pods_of_the_last_few_jobs_are_remembered_until_the_end_of_the_run(signals):
    jobs = [f"detector-{number}-0123456789" for number in range(2 * MAX_PODS)]
    for job in jobs:
        signals.follow(KEY, job)
        signals.ended(pod(job, job))
    assert [found["metadata"]["uid"] for found in signals.done(KEY)] == jobs[-MAX_PODS:]
    signals.forget(KEY)
    assert signals.done(KEY) == []


def test_the_pod_of_a_poll_says_nothing(signals, woken):
    """A poll is over with its Job."""
    signals.ended(pod(stage="Poll"))
    assert (woken, signals.done(KEY)) == ([], [])


def test_the_end_of_a_job_says_nothing_new_after_its_pod(signals):
    found = pod()
    found["metadata"]["ownerReferences"] = [{"uid": "job-1", "controller": True}]
    assert not signals.has_taken(KEY, "job-1")
    signals.ended(found)
    assert signals.has_taken(KEY, "job-1")
    assert not signals.has_taken(KEY, "job-2")
    signals.forget(KEY)
    assert not signals.has_taken(KEY, "job-1")


@pytest.mark.parametrize(
    ("kind", "condition", "status", "after"),
    [
        ("ADDED", None, "", POD_CHECK_DELAY),
        ("MODIFIED", "Suspended", "True", EVENT_DEBOUNCE),
        ("MODIFIED", "Suspended", "False", EVENT_DEBOUNCE),
        ("MODIFIED", "SuccessCriteriaMet", "True", POD_CHECK_DELAY),
        ("MODIFIED", "Complete", "False", POD_CHECK_DELAY),
        ("DELETED", None, "", 0),
    ],
)
def test_the_progress_of_a_job_is_due_later_and_its_deletion_at_once(kind, condition, status, after):
    conditions = [{"type": condition, "status": status}] if condition else []
    assert job_event_delay(kind, {"status": {"conditions": conditions}}) == after


OWNER = {"apiVersion": "uai.ucloud.cn/v1alpha1", "kind": "InferenceImage", "name": "detector", "controller": True}


@pytest.mark.parametrize(
    ("owners", "name"),
    [
        ([OWNER], "detector"),
        ([{**OWNER, "kind": "Deployment"}, OWNER], "detector"),
        ([{**OWNER, "controller": False}], None),
        ([{**OWNER, "apiVersion": "apps/v1"}], None),
        ([], None),
        *(([OWNER | {"name": name}], name) for name in ("a", "a.b-c", "0")),
        *(([OWNER | {"name": name}], None) for name in ("?watch=true", "../x", "a..b", "-a", "A", "a" * 254, "")),
    ],
)
def test_the_owner_of_a_job_is_its_controller_whatever_its_annotations_say(owners, name):
    metadata = {"annotations": {"uai.ucloud.cn/owner": "other"}, "ownerReferences": owners}
    assert owner_of({"metadata": metadata}) == name


def job(uid: str = "job-1", *, ended: bool = False, **meta: object) -> dict:
    """A Job of the object."""
    conditions = [{"type": "Complete", "status": "True"}] if ended else []
    metadata = {"name": JOB, "namespace": "space", "uid": uid, "resourceVersion": "9", "ownerReferences": [OWNER]}
    return {"metadata": metadata | meta, "status": {"conditions": conditions}}


def test_the_end_of_a_job_makes_its_object_due_at_once(signals, woken):
    signals.changed("MODIFIED", job())
    signals.changed("MODIFIED", job(ended=True))
    signals.changed("DELETED", job())
    assert woken == [(KEY, POD_CHECK_DELAY), (KEY, 0), (KEY, 0)]


def test_every_job_that_the_watch_brings_is_told():
    told = []
    signals = JobSignals(lambda *_: None, saw_job=lambda *about: told.append(about))
    for kind, found in (("ADDED", job()), ("MODIFIED", job(ended=True)), ("DELETED", job())):
        signals.changed(kind, found)
    assert told == [(KEY, JOB, False), (KEY, JOB, True), (KEY, JOB, True)]


def test_the_end_of_a_job_whose_pod_came_before_makes_nothing_due(signals, woken):
    found = pod()
    found["metadata"]["ownerReferences"] = [{"uid": "job-1", "controller": True}]
    signals.ended(found)
    woken.clear()
    signals.changed("MODIFIED", job(ended=True))
    assert woken == []
    signals.changed("MODIFIED", job("job-2", ended=True))
    assert woken == [(KEY, 0)]


@pytest.mark.parametrize(
    "found", [job(ownerReferences=[]), {"metadata": {"resourceVersion": "8"}}], ids=["of nobody", "a bookmark"]
)
def test_jobs_of_others_make_nothing_due(signals, woken, found):
    signals.changed("MODIFIED", found)
    assert woken == []


def test_jobs_in_the_namespaces_of_another_installation_make_nothing_due(woken):
    JobSignals(lambda key, after: woken.append((key, after)), lambda namespace: namespace != "space").changed(
        "MODIFIED", job(ended=True)
    )
    assert woken == []


class Cluster:
    """Answers each watch with the next of `answers`: objects, or an error. Afterwards, the watch hangs."""

    def __init__(self, *answers: list | ApiError, exist: tuple | ApiError = ()) -> None:
        self._answers = list(answers)
        self.exist = exist
        self.versions: list[str] = []
        self.lists = 0

    async def newest(self, *_: object) -> str:
        self.lists += 1
        return f"list-{self.lists}"

    async def existing(self, *_: object):
        exist, self.exist = self.exist, ()
        if isinstance(exist, ApiError):
            raise exist
        for found in exist:
            yield found

    async def watch(self, _: object, __: str, version: str):
        self.versions.append(version)
        if not self._answers:
            await asyncio.Event().wait()
        answer = self._answers.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        for found in answer:
            yield "MODIFIED", found


async def watched(cluster: Cluster, what, arrived, times: int) -> None:
    """Watches until the watch has been asked for so many times."""
    task = asyncio.create_task(watch(cluster, what, "", arrived))
    async with asyncio.timeout(20):
        while len(cluster.versions) < times:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


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
@pytest.mark.parametrize("what", [WARNING_EVENTS, ENDING_PODS, OUR_JOBS], ids=lambda what: what.name)
async def test_the_watch_goes_on(monkeypatch, caplog, what, answers, versions):
    monkeypatch.setattr(module, "PAUSE", 0)
    cluster, seen = Cluster(*answers), []
    await watched(cluster, what, kept(seen.append), len(versions))
    assert cluster.versions == versions
    assert len(seen) == sum(len(answer) for answer in answers if isinstance(answer, list))
    assert [record.levelname for record in caplog.records] == ["WARNING" for answer in answers if is_refused(answer)]


@pytest.mark.parametrize(("retry_after", "paused"), [(None, 2.0), (1, 2.0), (20, 20)])
async def test_a_watch_waits_as_long_as_the_api_server_asks(monkeypatch, retry_after, paused):
    pauses, sleep = [], asyncio.sleep

    async def noted(seconds):
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(module.asyncio, "sleep", noted)
    cluster = Cluster(ApiError(429, "TooManyRequests", "slow down", retry_after))
    await watched(cluster, OUR_JOBS, lambda *_: None, 2)
    assert [seconds for seconds in pauses if seconds] == [paused]


def is_refused(answer: list | ApiError) -> bool:
    return isinstance(answer, ApiError) and answer.reason != "Expired"


async def test_a_watch_begins_with_what_exists(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0)
    cluster, seen = Cluster([job("new")], exist=(job("old"),)), []
    await watched(cluster, OUR_JOBS, lambda kind, found: seen.append((kind, found["metadata"]["uid"])), 2)
    assert seen == [("ADDED", "old"), ("MODIFIED", "new")]
    assert cluster.versions == ["list-1", "9"]


async def test_a_list_that_fails_begins_again(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0)
    cluster = Cluster(exist=ApiError(500, "", "no"))
    await watched(cluster, OUR_JOBS, lambda *_: None, 1)
    assert cluster.versions == ["list-2"]


def test_a_deleted_warning_or_pod_says_nothing():
    seen = []
    kept(seen.append)("DELETED", event())
    kept(seen.append)("MODIFIED", event())
    assert seen == [event()]


def added(proxy: dict, *, main: int | None = 0, stage: str = "Build") -> dict:
    """A running pod to which something else has added a proxy in this state."""
    ends = {"state": {} if main is None else {"terminated": {"exitCode": main}}}
    found = pod(stage=stage, phase="Running", containerStatuses=[{"name": "report"} | ends, {"name": "proxy"} | proxy])
    found["spec"]["containers"] = [{"name": "report"}, {"name": "proxy"}]
    return found


RUNS, FAILED, ENDED = (
    {"state": {}},
    {"state": {"terminated": {"exitCode": 1}}},
    {"state": {"terminated": {"exitCode": 0}}},
)


@pytest.mark.parametrize("proxy", [RUNS, FAILED], ids=["runs on", "failed"])
@pytest.mark.parametrize("main", [0, 5], ids=["well", "badly"])
def test_a_pod_that_only_an_added_container_keeps_running_asks_for_a_check(signals, woken, proxy, main):
    found = added(proxy, main=main)
    signals.ended(found)
    signals.ended(found)
    assert (woken, signals.lingers(KEY), signals.done(KEY)) == ([(KEY, LINGER)], True, [])


@pytest.mark.parametrize(
    "found",
    [added(RUNS, main=None), added(ENDED, main=5), added(RUNS, stage="Unknown")],
    ids=["the stage runs", "all have ended", "a forged stage"],
)
def test_a_pod_that_works_or_has_ended_asks_for_no_check(signals, woken, found):
    signals.ended(found)
    assert (woken, signals.lingers(KEY)) == ([], False)


def test_a_poll_whose_pod_lingers_is_checked_too(signals, woken):
    found = added(RUNS, stage="Poll")
    found["status"]["containerStatuses"][0]["name"] = "resolve"
    signals.ended(found)
    assert woken == [(KEY, LINGER)]


def test_the_next_job_has_no_lingering_pod_yet(signals):
    signals.ended(added(RUNS))
    signals.follow(KEY, "detector-test-0123456789")
    assert not signals.lingers(KEY)
