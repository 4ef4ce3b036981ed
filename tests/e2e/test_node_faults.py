"""Faults of nodes and pods, on the real kubelet: named in the status, and fixed as the hint says.

The numbers are the rows of the fault table in docs/operations/reliability.md.
"""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from demo import kubectl
from devcluster import settings
from devcluster.node import supervisor
from tests.e2e.registry import served
from tests.e2e.stack import DEADLINE, EXAMPLE, OUTPUT, TICK, objects

SECONDS = 5
STAGE = "uai.ucloud.cn/stage"


def healed(case) -> dict:
    status = case.until_ready()
    assert served(case.image_name)
    return status


def own_export(case) -> None:
    """Prevents the reuse of an earlier export, and of an image that would make the export unnecessary."""
    own_content(case)
    case.spec["export"]["outputPrefix"] = f"{OUTPUT}{case.tag}/"


def own_content(case) -> None:
    """Prevents the reuse of an earlier build."""
    objects({"write": [f"{case.prefix}source/code/note.py", f"# {case.tag}\n"]})


def running_export(case) -> str:
    """The name of the Export stage's pod, once its container that runs TensorFlow does."""

    def runs(pod: dict) -> bool:
        found = pod["status"].get("initContainerStatuses", [])
        return any("running" in one["state"] for one in found if one["name"] == "export")

    def look() -> str | None:
        pods = kubectl.get("-n", case.namespace, "pods", "-l", f"{STAGE}=Export")["items"]
        return next((pod["metadata"]["name"] for pod in pods if runs(pod)), None)

    return case.until("the export runs", look)


def jobs(case, stage: str) -> list[dict]:
    return kubectl.get("-n", case.namespace, "jobs", "-l", f"{STAGE}={stage}")["items"]


def named_in_time(case, reason: str, words: str) -> None:
    """Waits for Ready=False with this reason and the cluster's own words, within 5 s of the cluster's Event."""
    found = case.until_failed(reason)
    assert words in found["message"]
    assert case.seconds_since_said(words, found) <= SECONDS, case.explain()


@pytest.mark.row(29, "pod evicted (real kubelet): replaced, not counted")
def test_row_29_an_evicted_pod_is_replaced_and_not_counted(case):
    own_export(case)
    case.apply()
    name = running_export(case)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": case.namespace}}
    path = f"/api/v1/namespaces/{case.namespace}/pods/{name}/eviction"
    kubectl.kubectl("create", f"--raw={path}", "-f", "-", text=json.dumps(eviction))
    healed(case)
    assert len(jobs(case, "Export")) == 1, case.explain()


@pytest.mark.row(29, "pod deleted by hand (real kubelet): another Job, not counted, nobody blamed")
def test_row_29_a_deleted_pod_is_not_counted(case):
    own_export(case)
    case.apply()
    kubectl.kubectl("delete", "pod", "-n", case.namespace, running_export(case))
    status = healed(case)
    assert status["lastFailure"]["reason"] == "PodLost", case.explain()


@pytest.mark.row(29, "node drained (real kubelet): delayed, not counted")
def test_row_29_a_drained_node_only_delays(case):
    own_export(case)
    case.apply()
    running_export(case)
    selector = f"uai.ucloud.cn/inferenceimage={case.name}"
    try:
        kubectl.kubectl(
            "drain",
            settings.NODE_NAME,
            f"--pod-selector={selector}",
            "--delete-emptydir-data",
            "--force",
            "--timeout=60s",
        )
    finally:
        kubectl.kubectl("uncordon", settings.NODE_NAME)
    healed(case)
    assert len(jobs(case, "Export")) == 1, case.explain()


@pytest.mark.row(30, "the kubelet killed while a stage runs, started again by the node: nothing lost, nothing counted")
def test_row_30_a_killed_kubelet_only_delays(case):
    own_export(case)
    case.apply()
    running_export(case)
    os.kill(kubelet(), signal.SIGKILL)
    healed(case)
    assert [attempt(job) for job in jobs(case, "Export")] == [1], case.explain()


def kubelet() -> int:
    """The host PID of this cluster's kubelet; other clones may run clusters too."""
    node = supervisor.node_process()
    children = map(int, Path(f"/proc/{node}/task/{node}/children").read_text().split())
    (found,) = (child for child in children if program(Path(f"/proc/{child}")).endswith(b"/kubelet"))
    return found


def program(process: Path) -> bytes:
    return (process / "cmdline").read_bytes().partition(b"\0")[0]


@pytest.mark.row(31, "a memory limit that really kills: once more with twice as much, then OutOfMemory with a hint")
def test_row_31_out_of_memory_is_retried_with_more_then_named(case):
    own_export(case)
    case.spec["export"]["resources"] = {"requests": {"memory": "100Mi"}, "limits": {"memory": "100Mi"}}
    case.apply()
    case.until_failed("OutOfMemory")
    case.until("it is stalled", lambda: case.condition("Stalled"))
    assert [limit(job) for job in sorted(jobs(case, "Export"), key=attempt)] == ["100Mi", "200Mi"]
    assert "spec.export.resources" in case.status["lastFailure"]["hint"]
    assert not served(case.image_name)
    case.spec["export"]["resources"] = {}
    case.apply()
    healed(case)


def limit(job: dict) -> str:
    found = job["spec"]["template"]["spec"]["initContainers"]
    return next(one for one in found if one["name"] == "export")["resources"]["limits"]["memory"]


def attempt(job: dict) -> int:
    return int(job["metadata"]["annotations"]["uai.ucloud.cn/attempt"])


@pytest.mark.row(
    32,
    "image cannot be pulled (real kubelet): named within 5 s, heals",
)
def test_row_32_an_image_that_cannot_be_pulled(case, tmp_path):
    own_content(case)
    case.apply()
    case.until("the build is running", lambda: case.status.get("stage", {}).get("name") == "Build")
    case.spec["suspend"] = True
    case.apply()
    case.until(
        "the image is built and nothing new starts", lambda: case.status.get("built") and case.condition("Suspended")
    )
    place = [case.spec["image"]["repository"].partition("/")[2], case.status["built"]["digest"], str(tmp_path / "m")]
    objects({"take": place})
    case.spec["suspend"] = False
    case.apply()
    named_in_time(case, "ImagePullFailed", case.status["built"]["digest"])
    objects({"give": place})
    healed(case)


@pytest.mark.row(33, "unschedulable: the scheduler's own words")
def test_row_33_the_schedulers_own_words(case):
    label = f"e2e-{case.tag}"
    case.spec["scheduling"] = {"nodeSelector": {label: "here"}}
    case.apply()
    named_in_time(case, "Unschedulable", "didn't match Pod's node affinity/selector")
    kubectl.kubectl("label", "node", settings.NODE_NAME, f"{label}=here")
    try:
        healed(case)
    finally:
        kubectl.kubectl("label", "node", settings.NODE_NAME, f"{label}-")


@pytest.mark.row(34, "quota: QuotaExceeded, waits")
def test_row_34_a_quota_on_pods_is_named_and_waited_for(case):
    quota = {
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": case.namespace},
        "spec": {"hard": {"pods": "0"}},
    }  # fmt: skip
    kubectl.apply(quota)
    case.until(
        "the quota counts",
        lambda: (
            "pods" in (kubectl.get("-n", case.namespace, "resourcequota", "none").get("status", {}).get("hard") or {})
        ),
    )
    case.apply()
    named_in_time(case, "QuotaExceeded", "exceeded quota")
    assert not case.condition("Stalled")
    kubectl.kubectl("-n", case.namespace, "delete", "resourcequota", "none")
    healed(case)


@pytest.mark.row(34, "Pod Security: PodSecurityViolated, stalls")
def test_row_34_a_pod_that_pod_security_forbids_stalls_and_heals(case):
    own_content(case)
    kubectl.kubectl(
        "label", "namespace", case.namespace, "--overwrite", "pod-security.kubernetes.io/enforce=restricted"
    )
    case.apply()
    named_in_time(case, "PodSecurityViolated", "violates PodSecurity")
    assert case.condition("Resolved")["status"] == "True", "our own containers run under restricted"
    assert case.condition("Stalled")
    kubectl.kubectl("label", "namespace", case.namespace, "--overwrite", "pod-security.kubernetes.io/enforce=baseline")
    healed(case)


@pytest.mark.row(35, "deadline exceeded: TimedOut, the pod is gone")
def test_row_35_a_deadline_is_named_and_the_pod_is_gone(case):
    own_export(case)
    case.spec["export"]["timeout"] = "2s"
    case.apply()
    case.until_failed("TimedOut")
    assert "spec.export.timeout" in case.status["lastFailure"]["hint"]
    case.until(
        "the pod is gone",
        lambda: not [
            p for p in kubectl.get("-n", case.namespace, "pods", "-l", f"{STAGE}=Export")["items"]
            if p["status"]["phase"] in ("Pending", "Running")
        ],
    )  # fmt: skip
    case.spec["export"]["timeout"] = "10m"
    case.apply()
    healed(case)


LONG_PUSH = (EXAMPLE / "object-detect-cpu.Dockerfile").read_text() + "RUN head -c 200M /dev/urandom > /tmp/ballast\n"
"""Incompressible: its push takes seconds, long enough to find and kill Kaniko."""


def kaniko_with_a_digest(pod: str) -> Path | None:
    """The process of the Kaniko in the pod with this UID, if it has written its digest file and pushes.

    Another test may run a Kaniko at the same time.
    """
    for process in Path("/proc").glob("[0-9]*"):
        try:
            ours = pod in (process / "cgroup").read_text()
            if ours and program(process) == b"/kaniko/executor" and (process / "root/inference-image/digest").exists():
                return process
        except OSError:  # ended meanwhile
            continue
    return None


@pytest.mark.row(54, "Kaniko killed between its digest file and the end of the push: a failure, with its log")
def test_row_54_a_kaniko_that_dies_while_it_pushes_has_built_nothing(case):
    objects({"write": [f"{case.prefix}source/object-detect-cpu.Dockerfile", LONG_PUSH]})
    case.spec["image"]["repository"] = f"{settings.REGISTRY_HOST}/demo/{case.tag}"
    case.apply()
    deadline = time.monotonic() + DEADLINE
    builds = ("-n", case.namespace, "pods", "-l", f"{STAGE}=Build")
    pod = case.until("the Build's pod", lambda: [p["metadata"]["uid"] for p in kubectl.get(*builds)["items"]])[0]
    while (process := kaniko_with_a_digest(pod)) is None:
        assert time.monotonic() < deadline, case.explain()
        time.sleep(TICK / 50)
    os.kill(int(process.name), signal.SIGKILL)
    case.until("the failure is reported", lambda: case.status.get("lastFailure", {}).get("stage") == "Build")
    failure = case.status["lastFailure"]
    assert failure["reason"] == "ContainerFailed", failure
    assert "built" not in case.status
    assert failure["logTail"]
    status = case.until_ready()
    assert [attempt(job) for job in sorted(jobs(case, "Build"), key=attempt)] == [1, 2]
    assert status["image"]["digest"] == status["built"]["digest"]
