"""`logs`: of which pod, of which containers, in which order, and followed until the pod ends."""

from collections import deque
from typing import Any

import pytest

from kubectl_inferenceimage.cluster.connection import connect
from kubectl_inferenceimage.cluster.logs.logs import Options, current, logs
from tests.unit.cli.cluster.standin import IMAGES, JOBS, NAMESPACE, PODS, ApiServer

Object = dict[str, Any]
PATH = f"{IMAGES}/detector"
FAILED = {"stage": "Test", "job": "test-2", "logTail": "kept\x1b[2J\n"}
RUNNING: Object = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
ENDED: Object = {"terminated": {"exitCode": 0}}


def image(**status: Any) -> Object:
    meta = {"namespace": NAMESPACE, "name": "detector", "uid": "1", "resourceVersion": "1"}
    return {"metadata": meta, "spec": {}, "status": status}


def pod(job: str, stage: str = "Test", phase: str = "Running", **states: Object) -> Object:
    """A pod of a Job with these containers, and with what they do."""
    labels = {"uai.ucloud.cn/stage": stage, "batch.kubernetes.io/job-name": job}
    meta = {"name": f"{job}-pod", "uid": f"{job}-uid", "creationTimestamp": job[-1], "labels": labels}
    statuses = [{"name": name, "state": state} for name, state in states.items()]
    spec = {"containers": [{"name": name} for name in states]}
    return {"metadata": meta, "spec": spec, "status": {"phase": phase, "containerStatuses": statuses}}


def job(name: str, attempt: int, stage: str = "Test") -> Object:
    meta = {"labels": {"uai.ucloud.cn/stage": stage}, "annotations": {"uai.ucloud.cn/attempt": str(attempt)}}
    return {"metadata": {"name": name, "creationTimestamp": name[-1], **meta}}


@pytest.fixture
def tested(api: ApiServer) -> ApiServer:
    """An object whose Test failed twice; another container came from outside."""
    pods = [pod(name, image=ENDED, probe=ENDED, injected=ENDED, phase="Failed") for name in ("test-1", "test-2")]
    api.objects |= {PATH: image(lastFailure=FAILED), PODS: pods, JOBS: [job("test-1", 1), job("test-2", 2)]}
    api.logs |= {
        "image": deque(["first\n\x1b]0;title\x07second\n"]),
        "probe": deque([404]),
        "injected": deque(["proxy"]),
    }
    return api


def test_they_are_printed_in_the_order_of_the_containers(tested: ApiServer, ask) -> None:
    code, out, _ = ask("logs", "detector")
    assert code == 0
    assert out.splitlines() == [
        "[Test/image] first",
        "[Test/image] \N{REPLACEMENT CHARACTER}]0;title\N{REPLACEMENT CHARACTER}second",
        f"[Test/probe] Cannot read the log of container probe of pod {NAMESPACE}/test-2-pod: it does not exist.",
        "[Test/injected] proxy",
    ]


def test_an_attempt_is_chosen(tested: ApiServer, ask) -> None:
    assert ask("logs", "detector", "--attempt", "1")[0] == 0
    assert tested.asked[-1][1] == f"{PODS}/test-1-pod/log"
    code, _, err = ask("logs", "detector", "--attempt", "3")
    assert (code, err) == (1, "Attempt 3 of Test has no pod. Its Jobs are deleted after spec.ttlAfterFinished.\n")


@pytest.mark.parametrize(("tail", "asked"), [((), "200"), (("--tail", "5"), "5"), (("--tail", "-1"), None)])
def test_how_many_lines(tested: ApiServer, ask, tail, asked) -> None:
    ask("logs", "detector", *tail)
    assert tested.asked[-1][2].get("tailLines") == asked


def test_one_container_needs_no_name(api: ApiServer, ask) -> None:
    api.objects |= {PATH: image(stage={"name": "Resolve"}), PODS: [pod("resolve-1", "Resolve", resolve=RUNNING)]}
    api.logs["resolve"] = deque(["pinned\n"])
    assert ask("logs", "detector")[1] == "pinned\n"


def test_of_a_failure_whose_pod_is_gone_the_status_keeps_the_end(tested: ApiServer, ask) -> None:
    tested.objects[PODS] = []
    code, out, err = ask("logs", "detector")
    assert (code, out) == (0, "kept\N{REPLACEMENT CHARACTER}[2J\n")
    assert err == "The pod is gone. The last lines of its log, as the status has them:\n"
    assert ask("logs", "detector", "--attempt", "2")[:2] == (code, out)
    assert ask("logs", "detector", "--attempt", "1")[0] == 1, "that one was another"


def test_a_stage_without_a_pod(tested: ApiServer, ask) -> None:
    code, out, err = ask("logs", "detector", "--stage", "build")
    assert (code, out) == (1, "")
    assert "Build has no pod" in err
    assert "The stages are Resolve, Export, Build, Test, Publish" in ask("logs", "detector", "--stage", "Compile")[2]


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ({"stage": {"name": "Build"}, "lastFailure": {"stage": "Test"}}, "Build"),
        ({"lastFailure": {"stage": "Test"}}, "Test"),
        ({}, "Publish"),
    ],
)
def test_which_stage_is_meant(status: Object, stage: str) -> None:
    assert current(status) == stage


@pytest.fixture
def follow(api: ApiServer, tmp_path, capsys):
    """follow(states of the pods...) -> what is printed while they follow each other."""
    cluster = connect(str(api.kubeconfig(tmp_path)), "", "")

    def call(*pods: Object | None, status: Object | None = None) -> list[str]:
        api.objects[PATH] = image(stage=status or {"name": "Build"})
        api.sequences[PODS] = [[found] if found else [] for found in pods]
        logs(cluster, "detector", Options(follow=True), poll=0.01)
        return capsys.readouterr().out.splitlines()

    return call


def build(phase: str = "Running", **states: Object) -> Object:
    return pod("build-1", "Build", phase, **states)


def at(second: float, text: str, zone: str = "Z") -> str:
    return f"2026-01-31T09:30:{second:012.9f}{zone} {text}\n"


def test_each_container_is_followed_from_its_start_until_the_pod_ends(api: ApiServer, follow) -> None:
    api.logs |= {"assemble": deque([at(1, "copied")]), "kaniko": deque([at(2, "built") + at(3, "pushed").rstrip()])}
    shown = follow(
        build("Pending", assemble={"waiting": {}}, kaniko={"waiting": {}}),
        build(assemble=RUNNING, kaniko={"waiting": {}}),
        build(assemble=ENDED, kaniko=RUNNING),
        build("Succeeded", assemble=ENDED, kaniko=ENDED),
    )
    assert sorted(shown) == ["[Build/assemble] copied", "[Build/kaniko] built", "[Build/kaniko] pushed"]


def test_a_broken_stream_goes_on_where_it_broke(api: ApiServer, follow) -> None:
    api.logs["kaniko"] = deque([
        at(1.5, "one", "+08:00") + at(1.51, "two", "+08:00") + at(1.51, "two again", "+08:00"),
        500,
        at(1.5, "one", "+08:00") + at(1.51, "two", "+08:00") + at(1.52, "three", "+08:00"),
    ])  # fmt: skip
    shown = follow(build(kaniko=RUNNING), build(kaniko=RUNNING), build(kaniko=RUNNING), build("Failed", kaniko=ENDED))
    assert shown == ["one", "two", "two again", "three"]
    asked = [query for _, path, query, _ in api.asked if path.endswith("/log")]
    assert (asked[0]["tailLines"], "sinceTime" in asked[0]) == ("200", False)
    assert ("tailLines" in asked[2], asked[2]["sinceTime"]) == (False, "2026-01-31T09:30:01.510000000+08:00")


def test_it_waits_for_the_pod_of_the_stage_at_work(api: ApiServer, follow) -> None:
    api.logs["kaniko"] = deque([at(1, "built")])
    assert follow(None, None, build("Succeeded", kaniko=ENDED)) == ["built"]


def test_containers_that_never_start_end_with_the_pod(api: ApiServer, follow) -> None:
    api.logs["kaniko"] = deque([at(1, "no space")])
    shown = follow(build("Failed", kaniko=ENDED, report={"waiting": {}}))
    assert shown == ["[Build/kaniko] no space"]


def test_a_pod_that_is_deleted_ends_it(api: ApiServer, follow) -> None:
    api.logs["kaniko"] = deque([at(1, "one"), 404])
    assert follow(build(kaniko=RUNNING), build(kaniko=RUNNING), None) == ["one"]


def test_a_log_that_may_not_be_read_is_named_once(api: ApiServer, follow) -> None:
    api.logs |= {"kaniko": deque([403]), "depot": deque([at(1, "served")])}
    shown = follow(build(depot=RUNNING, kaniko=RUNNING), build("Succeeded", depot=ENDED, kaniko=ENDED))
    right = f"You may not read the log of container kaniko of pod {NAMESPACE}/build-1-pod. Ask for that right"
    assert sorted(shown) == ["[Build/depot] served", f"[Build/kaniko] {right} in the namespace."]


def test_it_gives_up_at_last(api: ApiServer, follow) -> None:
    api.logs["kaniko"] = deque([500])
    (said,) = follow(build(kaniko=RUNNING))
    assert "the API server says 500" in said
