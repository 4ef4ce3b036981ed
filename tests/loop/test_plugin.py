"""kubectl inferenceimage against a real API server, with an administrator's kubeconfig."""

import json
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import requests

from inference_image_contract import results
from inference_image_operator.api.stages import Stage
from kubectl_inferenceimage.__main__ import main
from tests.loop.pipeline import Pipeline
from tests.support.signals import interruptible
from tests.support.world import RESULTS

Run = Callable[..., str]
SAID = re.compile(r"^\S+Z (\w+): (\w+)", re.MULTILINE)


@pytest.fixture
def run(plane, pipeline, capsys) -> Run:
    """What a subcommand prints about the pipeline's object."""

    def call(command: str, *options: str) -> str:
        where = ("-n", pipeline.namespace, "--kubeconfig", str(plane.kubeconfig))
        code = main([command, pipeline.name, *where, *options])
        said = capsys.readouterr()
        assert code == 0, said.err
        return said.out

    return call


def test_suspend_resume_and_rebuild(pipeline: Pipeline, run: Run) -> None:
    pipeline.apply()
    pipeline.run_whole()
    run("suspend")
    pipeline.until_condition("Suspended", "True", "Suspended")
    run("resume")
    pipeline.until("no longer suspended", lambda: "Suspended" not in pipeline.conditions)
    run("rebuild")
    pipeline.claimed(Stage.RESOLVE)


def test_describe_and_history(pipeline: Pipeline, run: Run) -> None:
    pipeline.apply()
    job = pipeline.claimed(Stage.RESOLVE)
    pod = pipeline.pod(job)
    shown = run("describe")
    assert f"Job {job['metadata']['name']}" in shown
    assert f"Pod {pod['metadata']['name']}: Pending" in shown
    assert "has published nothing" in run("history")
    pipeline.run_whole()
    digest = pipeline.image["status"]["image"]["digest"]
    assert digest in run("history")
    assert f"@{digest}" in run("describe")


def test_what_does_not_exist_is_named(plane, pipeline: Pipeline, capsys) -> None:
    where = ("-n", pipeline.namespace, "--kubeconfig", str(plane.kubeconfig))
    assert main(["describe", "other", *where]) == 1
    assert capsys.readouterr().err == f"Cannot read InferenceImage {pipeline.namespace}/other: it does not exist.\n"
    assert main(["describe", "other", *where, "--context", "none"]) == 1
    assert "The kubeconfig has no context none." in capsys.readouterr().err
    assert main(["describe", "other", "--kubeconfig", "/nonexistent"]) == 1
    assert "Set KUBECONFIG or --kubeconfig to a kubeconfig." in capsys.readouterr().err


def test_watch_follows_a_run_to_its_end(plane, pipeline: Pipeline, tmp_path: Path) -> None:
    """The plugin as a process, as kubectl starts it."""
    pipeline.apply()
    pipeline.claimed(Stage.RESOLVE)
    where = ("-n", pipeline.namespace, "--kubeconfig", str(plane.kubeconfig), "--timeout", "3m")
    command = [sys.executable, "-m", "kubectl_inferenceimage", "watch", pipeline.name, *where]
    said = tmp_path / "said"
    with said.open("w") as file, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as watching:
        for stage in Stage:
            pipeline.until(f"watch shows {stage}", lambda stage=stage: f" {stage}: {stage.working}" in said.read_text())
            pipeline.finish(stage)
        assert watching.wait(timeout=60) == 0, said.read_text()
    shown = SAID.findall(said.read_text())
    assert [state for name, state in shown if name == "Build"] == ["Building", "Built"]
    assert said.read_text().splitlines()[-1].startswith("Published uhub.devcluster.test/")


def test_watch_ends_with_1_when_the_run_does(plane, pipeline: Pipeline) -> None:
    pipeline.apply()
    failed = results.Failed(reason="CheckpointNotFound", message="No checkpoint.", hint="Train.")
    pipeline.fail(Stage.RESOLVE, 10, results.encode(failed).decode())
    pipeline.until("the object is Stalled", lambda: "Stalled" in pipeline.conditions)
    assert main(["watch", pipeline.name, "-n", pipeline.namespace, "--kubeconfig", str(plane.kubeconfig)]) == 1


def test_get_and_why(pipeline: Pipeline, run: Run, tmp_path: Path) -> None:
    pipeline.apply()
    pipeline.run_whole()
    row = run("get").splitlines()[1].split()
    assert [row[0], *row[1:4]] == [pipeline.name, "True", "<none>", "Published"]
    assert json.loads(run("get", "-o", "json"))["spec"]["image"]["tags"] == pipeline.image["spec"]["image"]["tags"]
    assert "There is no image before to compare with." in run("why")
    document = {key: pipeline.image[key] for key in ("apiVersion", "kind", "spec")}
    document |= {"metadata": {"name": pipeline.name}, "spec": document["spec"] | {"suspend": True}}
    path = tmp_path / "it.yaml"
    path.write_text(json.dumps(document))
    assert "No run begins" in run("why", "-f", str(path))
    document["spec"] = pipeline.image["spec"] | {"image": pipeline.image["spec"]["image"] | {"tags": ["other"]}}
    path.write_text(json.dumps(document))
    foreseen = [line.split()[:2] for line in run("why", "-f", str(path)).splitlines()]
    assert [words[0] for words in foreseen if words[1:] == ["yes"]] == ["Resolve", "Publish"]
    pipeline.spec["image"]["tags"] = ["other"]
    pipeline.apply()
    pipeline.finish(Stage.RESOLVE, as_before(pipeline))
    pipeline.claimed(Stage.PUBLISH)
    assert "A new spec: generation 2. The published image is of generation 1." in run("why")


def as_before(pipeline: Pipeline) -> results.Resolved:
    """What Resolve finds when nothing has changed."""
    built = RESULTS[Stage.BUILD]
    return msgspec.structs.replace(RESULTS[Stage.RESOLVE], graph=RESULTS[Stage.EXPORT].graph, image=built)


def test_cancel_stops_the_job_and_resume_begins_the_stage_again(pipeline: Pipeline, run: Run) -> None:
    pipeline.apply()
    job = pipeline.claimed(Stage.RESOLVE)["metadata"]
    assert f"deleted Job {job['name']}, with its pods" in run("cancel", "--yes")
    pipeline.until_condition("Ready", "Unknown", "Suspended")
    assert [found for found in pipeline.jobs if found["metadata"]["uid"] == job["uid"]] == []
    run("resume")
    assert pipeline.claimed(Stage.RESOLVE)["metadata"]["uid"] != job["uid"]


def test_check_finds_the_crd_equal_and_the_rights(plane, api, pipeline: Pipeline, capsys) -> None:
    pipeline.apply()
    code = main(["check", "-n", pipeline.namespace, "--kubeconfig", str(plane.kubeconfig)])
    out = capsys.readouterr().out
    assert "ok      CRD: v1alpha1 is served, equal to the plugin's copy." in out
    assert "ok      rights: You have all rights that the plugin uses" in out
    assert f"FAULT   Secrets: There is no Secret {pipeline.namespace}/ufile, which spec.ufile.secretRef" in out
    assert code == 1, out


def test_the_dashboard_shows_the_real_objects(plane, pipeline: Pipeline) -> None:
    pipeline.apply()
    job = pipeline.claimed(Stage.RESOLVE)
    pod = pipeline.pod(job)
    where = ("-n", pipeline.namespace, "--kubeconfig", str(plane.kubeconfig))
    command = [sys.executable, "-m", "kubectl_inferenceimage", "dashboard", *where]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with interruptible(), subprocess.Popen(command, **quiet) as serving:
        try:
            address = serving.stdout.readline().strip()
            (row,) = requests.get(f"{address}api/objects", timeout=30).json()["objects"]
            found = requests.get(f"{address}api/objects/{pipeline.namespace}/{pipeline.name}", timeout=30).json()
        finally:
            serving.send_signal(signal.SIGINT)
    assert serving.returncode == 0
    assert (row["name"], row["reason"]) == (pipeline.name, "Resolving")
    assert found["missing"] == []
    (shown,) = found["stages"][0]["below"]
    assert shown["text"] == f"Job {job['metadata']['name']}, attempt 1"
    assert shown["below"][0]["text"] == f"Pod {pod['metadata']['name']}: Pending"


def test_a_report_is_of_the_real_objects(pipeline: Pipeline, run: Run, tmp_path: Path) -> None:
    pipeline.apply()
    job = pipeline.claimed(Stage.RESOLVE)
    pod = pipeline.pod(job)
    path = tmp_path / "report.tar.gz"
    assert run("report", "--output", str(path)).splitlines()[0] == str(path)
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert f"{pipeline.name}/jobs/{job['metadata']['name']}.yaml" in names
    assert f"{pipeline.name}/pods/{pod['metadata']['name']}.yaml" in names
