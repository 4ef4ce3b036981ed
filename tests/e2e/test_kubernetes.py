"""A whole pipeline on the kubelet of the chosen Kubernetes version, and its native sidecar."""

import json

import pytest
import yaml

from demo import kubectl
from demo.pipeline import MANIFEST
from devcluster import settings, versions
from devcluster.node import configuration
from inference_image_operator.api.stages import Stage
from tests.e2e.registry import served
from tests.e2e.stack import EXAMPLE, OUTPUT, objects

STAGE = "uai.ucloud.cn/stage"
EXIT_CODE = 7
"""The exit code of the second test's image on SIGTERM."""
STUBBORN = f"""
CMD ["sh", "-c", "trap 'exit {EXIT_CODE}' TERM; python3 -m inference_server & wait"]
"""


def renew(case) -> None:
    """Prevents the reuse of an earlier run."""
    case.spec["export"]["outputPrefix"] = f"{OUTPUT}{case.tag}/"
    objects({"write": [f"{case.prefix}source/code/note.py", f"# {case.tag}\n"]})


def job_and_pod(case) -> tuple[dict, dict]:
    """The Test stage's Job and its only pod."""
    found = kubectl.get("-n", case.namespace, "jobs,pods", "-l", f"{STAGE}=Test")["items"]
    (job,) = [one for one in found if one["kind"] == "Job"]
    (pod,) = [one for one in found if one["kind"] == "Pod"]
    return job, pod


def ended(pod: dict) -> dict[str, dict]:
    """How each container ended; KeyError for one that has not."""
    status = pod["status"]
    return {one["name"]: one["state"]["terminated"] for kind in ("init", "") for one in status[_statuses(kind)]}


def _statuses(kind: str) -> str:
    return "initContainerStatuses" if kind else "containerStatuses"


def test_servers_and_kubelet_have_the_chosen_version(stack):
    wanted = versions.chosen().release
    (node,) = kubectl.get("nodes")["items"]
    assert json.loads(kubectl.kubectl("get", "--raw=/version"))["gitVersion"] == wanted
    assert node["status"]["nodeInfo"]["kubeletVersion"] == wanted


@pytest.mark.parametrize("name", configuration.FILES)
def test_kubelet_and_proxy_know_all_their_settings(stack, name):
    """A kubelet or kube-proxy that finds an unknown key parses the file again leniently, and warns."""
    log = (settings.STATE / "log" / f"{name.removesuffix('.yaml')}.log").read_text(errors="replace")
    assert "unknown field" not in log


def test_a_whole_pipeline_from_object_to_ready(case):
    renew(case)
    case.apply()
    status = case.until_ready()
    assert served(case.image_name)
    assert status["checkpoint"]["step"] == yaml.safe_load(MANIFEST.read_text())["spec"]["model"]["checkpoint"]["step"]
    assert status["image"]["digest"] == status["built"]["digest"]
    attempts = kubectl.get("-n", case.namespace, "jobs")["items"]
    assert sorted(job["metadata"]["labels"][STAGE] for job in attempts) == sorted(Stage)
    assert "lastFailure" not in status, case.explain()


def test_the_sidecar_ends_after_the_last_container_and_its_exit_code_is_ignored(case):
    dockerfile = (EXAMPLE / "object-detect-cpu.Dockerfile").read_text()
    objects({"write": [f"{case.prefix}source/object-detect-cpu.Dockerfile", dockerfile + STUBBORN]})
    case.apply()
    case.until_ready()
    job, pod = case.until("the sidecar has ended", lambda: _with_its_end(case))
    containers = ended(pod)
    assert containers["image"]["exitCode"] == EXIT_CODE
    assert containers["probe"]["exitCode"] == 0
    assert containers["image"]["startedAt"] <= containers["probe"]["startedAt"], (
        "it starts before the one that needs it"
    )
    assert containers["image"]["finishedAt"] >= containers["probe"]["finishedAt"], "and ends after it"
    assert pod["status"]["phase"] == "Succeeded"
    assert {"Complete"} <= {c["type"] for c in job["status"]["conditions"] if c["status"] == "True"}


def _with_its_end(case) -> tuple[dict, dict] | None:
    job, pod = job_and_pod(case)
    try:
        ended(pod)
    except KeyError:
        return None
    return job, pod
