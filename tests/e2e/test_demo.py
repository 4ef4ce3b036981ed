"""The whole demo, a second demo, and changes without effect, which must write nothing."""

import json
import subprocess
import sys

import pytest
from PIL import Image

from demo import audit, install, kubectl
from demo.install import NAMESPACE
from demo.scenario import OBJECT_DETECT
from demo.serve import NEEDED
from devcluster.certs import credentials
from tests.e2e.stack import objects, run_demo

OUT, PICTURES = OBJECT_DETECT.out, OBJECT_DETECT.pictures
DEPLOYMENT = "deployment/inference-image-operator"


@pytest.fixture(scope="module")
def summary() -> dict:
    run_demo()
    return json.loads((OUT / "summary.json").read_text())


def test_the_published_image_answers_as_its_checkpoint_was_trained_to(summary):
    answers = summary["answers"]
    assert answers["pictures"] == PICTURES
    assert answers["right"] >= NEEDED * PICTURES
    assert answers["different"] == []
    assert len(list(OUT.glob("picture-*.png"))) == PICTURES


def test_the_status_links_checkpoint_and_digest(summary):
    status = kubectl.get("-n", "object-detect", "infimg", "object-detect")["status"]
    assert status["image"]["reference"] == summary["image"]["reference"]
    assert status["checkpoint"]["step"] == summary["checkpoint"]["step"]
    assert {file["key"].rpartition(".")[2] for file in status["checkpoint"]["files"]} >= {"index"}
    assert status["history"][0]["digest"] == status["image"]["digest"]


def test_try_draws_what_the_published_image_finds(summary, tmp_path):
    """`kubectl inferenceimage try` in a pod of its own, with the picture of the Test stage."""
    picture = tmp_path / "sample.png"
    objects({"download": [OBJECT_DETECT.sample, str(picture)]})
    where = ("-n", "object-detect", f"--kubeconfig={kubectl.KUBECONFIG}", f"--output={tmp_path}")
    command = [sys.executable, "-m", "kubectl_inferenceimage", "try", "object-detect", str(picture), *where]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.strip().splitlines()
    assert header.split() == ["PICTURE", "CLASS", "SCORE", "BOX"]
    assert {row.split()[1] for row in rows} <= {"circle", "square", "triangle"}, done.stdout
    with Image.open(tmp_path / "sample.boxes.png") as drawn, Image.open(picture) as before:
        assert drawn.size == before.size
        assert drawn.convert("RGB").tobytes() != before.convert("RGB").tobytes()
    trials = kubectl.get("-n", "object-detect", "pods", "-l", "uai.ucloud.cn/trial")["items"]
    assert all("deletionTimestamp" in pod["metadata"] for pod in trials)


def test_helm_test_passes_and_leaves_nothing(summary):
    told = install.helm("test", install.RELEASE, "--namespace", NAMESPACE)
    assert "Phase:          Succeeded" in told
    assert "-test" not in kubectl.kubectl("get", "pods,services,serviceaccounts", "-n", NAMESPACE, "-o", "name")


def test_the_columns_of_kubectl_get(summary):
    header, row = kubectl.kubectl("-n", "object-detect", "get", "infimg").strip().splitlines()
    assert header.split() == ["NAME", "READY", "REASON", "STEP", "IMAGE", "AGE"]
    step = str(summary["checkpoint"]["step"])
    assert row.split()[:4] == ["object-detect", "True", "Published", step]


def test_a_second_demo_reuses_everything_within_a_minute(summary):
    mark = audit.mark()
    assert run_demo() < 60
    assert audit.writes(mark) == []
    assert json.loads((OUT / "summary.json").read_text())["image"] == summary["image"]


def test_same_manifest_restart_and_resync_write_nothing(summary):
    assert summary
    mark = audit.mark()
    kubectl.kubectl("apply", "-f", str(OBJECT_DETECT.manifest))
    kubectl.kubectl("-n", NAMESPACE, "rollout", "restart", DEPLOYMENT)
    kubectl.kubectl("-n", NAMESPACE, "rollout", "status", DEPLOYMENT, "--timeout=120s")
    with kubectl.start("-n", NAMESPACE, "logs", DEPLOYMENT, "-f", "--pod-running-timeout=60s") as log:
        resync = next((line for line in log.stdout if "resync: " in line), "")
        log.kill()
    assert " objects, " in resync
    writes = [write for write in audit.writes(mark) if "object-detect" in write[2]]
    assert writes == []


def test_no_secret_is_in_readable_objects_or_logs(summary):
    assert summary
    seen = kubectl.kubectl("get", "infimg,jobs,pods,events", "-A", "-o", "json")
    seen += kubectl.kubectl("-n", NAMESPACE, "logs", DEPLOYMENT)
    for pod in kubectl.get("-n", "object-detect", "pods", "-l", "app.kubernetes.io/managed-by")["items"]:
        seen += kubectl.kubectl("-n", "object-detect", "logs", pod["metadata"]["name"], "--all-containers")
    for secret in (*credentials.ufile_keys(), credentials.registry_password()):
        assert secret not in seen
