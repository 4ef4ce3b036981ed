"""The loop on a real control plane: API server, Job controller, garbage collector. The test plays the kubelet."""

import json
from datetime import UTC, datetime

import pytest
import requests

from devcluster import binaries
from devcluster.lib.run import run
from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from inference_image_operator.core.decide import decide
from inference_image_operator.kube.observe import from_object
from tests.loop.api import wait_for
from tests.loop.conftest import CRD_PATH, Operator, install_crd
from tests.loop.pipeline import Pipeline
from tests.support.world import CONFIG, DIGEST, SPEC


def failed(reason: str) -> str:
    return results.encode(results.Failed(reason=reason, message="What is wrong.", hint="What to do.")).decode()


def test_a_manifest_becomes_a_published_image(pipeline):
    pipeline.apply()
    pipeline.run_whole()
    status = pipeline.image["status"]
    assert status["image"]["digest"] == DIGEST
    assert status["observedGeneration"] == 1
    assert pipeline.stages() == ["Resolve", "Export", "Build", "Test", "Publish"]
    reasons = [event["reason"] for event in pipeline.events]
    assert sorted(reasons) == ["Answered", "Built", "Exported", "Published", "Resolved"]


def test_a_stage_ends_with_its_containers_while_its_sidecars_still_stop(pipeline, api):
    pipeline.apply()
    for stage in (Stage.RESOLVE, Stage.EXPORT, Stage.BUILD, Stage.TEST):
        pipeline.finish(stage, phase="Running")
    pipeline.finish(Stage.PUBLISH)
    pipeline.until_condition("Ready", "True", "Published")
    pods = api.get(f"/api/v1/namespaces/{pipeline.namespace}/pods")["items"]
    assert sorted(pod["status"]["phase"] for pod in pods) == ["Running"] * 4 + ["Succeeded"]


def test_the_metrics_of_a_run(pipeline, operator):
    pipeline.apply()
    pipeline.run_whole()
    found = operator.metrics
    assert found['inferenceimage_runs_total{reason="Published",result="published"}'] == 1
    assert found['inferenceimage_api_requests_total{code="201",method="POST"}'] >= len(pipeline.jobs)
    assert found['inferenceimage_reconcile_duration_seconds_count{result="done"}'] >= len(pipeline.jobs)
    assert pipeline.namespace not in str(found)
    page = requests.get(f"http://127.0.0.1:{operator.port}/metrics", timeout=30).text
    run([binaries.ensure(binaries.PROMTOOL)["promtool"], "check", "metrics"], text=page)


def test_status_is_in_progress_from_the_first_second(api, namespace):
    """kstatus treats an object without observedGeneration as current; the CRD's default prevents that."""
    body = {"apiVersion": "uai.ucloud.cn/v1alpha1", "kind": "InferenceImage", "metadata": {"name": "x"}}
    path = f"/apis/uai.ucloud.cn/v1alpha1/namespaces/{namespace}/inferenceimages/x"
    found = api.apply(path, body | {"spec": SPEC})
    assert found["status"]["observedGeneration"] == -1


def test_a_published_object_is_left_alone_by_restart_resync_and_labels(pipeline, operator, api):
    pipeline.apply()
    pipeline.run_whole()
    before = pipeline.image["metadata"]["resourceVersion"]
    operator.stop()
    operator.start()
    pipeline.apply()
    api.merge(pipeline.path, {"metadata": {"labels": {"team": "vision"}}})
    labelled = pipeline.image["metadata"]["resourceVersion"]
    assert labelled != before
    other = Pipeline(api, pipeline.namespace, operator, "other")
    other.apply()
    other.claimed(Stage.RESOLVE)  # the operator works, so it has seen the settled object too
    assert pipeline.image["metadata"]["resourceVersion"] == labelled
    assert len(pipeline.jobs) == 6


def test_a_permanent_failure_is_explained_and_an_edit_recovers(pipeline):
    pipeline.apply()
    pipeline.fail(Stage.RESOLVE, ExitCode.NOT_FOUND, failed("CheckpointNotFound"))
    pipeline.until_condition("Stalled", "True", "CheckpointNotFound")
    failure = pipeline.image["status"]["lastFailure"]
    assert (failure["reason"], failure["hint"]) == ("CheckpointNotFound", "What to do.")
    pipeline.spec["model"]["checkpoint"]["step"] = 900
    pipeline.apply()
    pipeline.run_whole()
    assert "lastFailure" not in pipeline.image["status"]


def test_a_request_starts_a_stalled_object_again(pipeline):
    pipeline.apply()
    pipeline.fail(Stage.RESOLVE, ExitCode.FORBIDDEN, failed("UFileForbidden"))
    pipeline.until_condition("Stalled", "True", "UFileForbidden")
    pipeline.apply(**{"uai.ucloud.cn/requestedAt": "now"})
    pipeline.run_whole()
    assert pipeline.image["status"]["lastHandledRequest"] == "now"


def test_a_transient_failure_is_retried(pipeline):
    pipeline.apply()
    pipeline.fail(Stage.RESOLVE, ExitCode.UNAVAILABLE, failed("UFileUnavailable"))
    pipeline.until("a second attempt", lambda: pipeline.image["status"]["stage"]["attempt"] == 2)
    pipeline.run_whole()
    assert pipeline.stages() == ["Resolve", "Resolve", "Export", "Build", "Test", "Publish"]


@pytest.mark.parametrize("stage", Stage)
def test_killed_in_any_stage_the_operator_continues_with_the_same_job(pipeline, operator, stage):
    pipeline.apply()
    for earlier in list(Stage)[: list(Stage).index(stage)]:
        pipeline.finish(earlier)
    pipeline.claimed(stage)
    operator.kill()
    operator.start()
    for rest in list(Stage)[list(Stage).index(stage) :]:
        pipeline.finish(rest)
    pipeline.until_condition("Ready", "True", "Published")
    assert pipeline.stages() == ["Resolve", "Export", "Build", "Test", "Publish"]


def test_an_edit_stops_the_old_job_and_only_the_new_generation_is_reported(pipeline):
    pipeline.apply()
    pipeline.finish(Stage.RESOLVE)
    old = pipeline.claimed(Stage.EXPORT)["metadata"]["name"]
    pipeline.spec["model"]["checkpoint"]["step"] = 900
    pipeline.apply()
    pipeline.until("the old Job is gone", lambda: old not in [job["metadata"]["name"] for job in pipeline.jobs])
    pipeline.run_whole()
    assert pipeline.image["status"]["image"]["generation"] == 2


def test_deleting_the_object_collects_its_jobs_even_without_the_operator(pipeline, operator, api):
    pipeline.apply()
    pipeline.claimed(Stage.RESOLVE)
    operator.kill()
    api.request("DELETE", pipeline.path)
    wait_for("the object is gone", lambda: api.find(pipeline.path) is None)
    wait_for("its Jobs are gone", lambda: not pipeline.jobs)


def test_a_recreated_object_never_uses_the_old_result(pipeline, api):
    pipeline.apply()
    pipeline.finish(Stage.RESOLVE)
    old = pipeline.claimed(Stage.EXPORT)["metadata"]["uid"]
    api.request("DELETE", pipeline.path)
    wait_for("the object is gone", lambda: api.find(pipeline.path) is None)
    pipeline.apply()
    pipeline.run_whole()
    assert old not in [job["metadata"]["uid"] for job in pipeline.jobs]


def test_a_wiped_status_is_rebuilt_from_the_jobs(pipeline, operator, api):
    pipeline.apply()
    pipeline.run_whole()
    image = pipeline.image["status"]["image"]
    pipeline.until_jobs_are_complete()
    operator.kill()
    api.request("PUT", pipeline.path + "/status", {**pipeline.image, "status": {"observedGeneration": -1}})
    operator.start()
    pipeline.until_condition("Ready", "True", "Published")
    assert pipeline.image["status"]["image"] == image
    assert len(pipeline.jobs) == 5


def test_a_foreign_job_with_the_same_name_is_left_alone(pipeline, operator, api):
    pipeline.apply()
    pipeline.claimed(Stage.RESOLVE)
    operator.kill()
    api.request("DELETE", pipeline.path)
    wait_for("its Jobs are gone", lambda: not pipeline.jobs)
    created = pipeline.apply()
    expected = expected_name(from_object(created))
    jobs = f"/apis/batch/v1/namespaces/{pipeline.namespace}/jobs"
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}
    api.request("POST", jobs, {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": expected}, "spec": {"template": template},
    })  # fmt: skip
    operator.start()
    pipeline.until_condition("Stalled", "True", "JobNameConflict")
    assert [job["metadata"]["name"] for job in pipeline.jobs] == [expected]
    assert "ownerReferences" not in pipeline.jobs[0]["metadata"]


def expected_name(observed) -> str:
    """The name of the object's first Job."""
    return decide(observed, CONFIG, datetime.now(UTC)).status.stage.job


def test_a_job_that_the_quota_forbids_is_reported_and_recovers(pipeline, api):
    quota = f"/api/v1/namespaces/{pipeline.namespace}/resourcequotas/none"
    api.apply(quota, {
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"},
        "spec": {"hard": {"count/jobs.batch": "0"}},
    })  # fmt: skip
    pipeline.until("the quota counts", lambda: "hard" in api.get(quota).get("status", {"hard": 1}))
    pipeline.apply()
    pipeline.until_condition("Ready", "False", "QuotaExceeded")
    api.request("DELETE", quota)
    pipeline.run_whole()


def test_the_operator_waits_for_the_crd_and_for_its_return(plane, api, namespace, tmp_path):
    """The operator is not ready without the CRD, and survives its deletion and its return."""
    api.request("DELETE", CRD_PATH)
    wait_for("the CRD is gone", lambda: api.find(CRD_PATH) is None)
    operator = Operator(plane, api, namespace, tmp_path).start()
    try:
        wait_for("it says what it waits for", lambda: "waiting for it" in operator.log, lambda: operator.log)
        install_crd(api)
        pipeline = Pipeline(api, namespace, operator)
        pipeline.apply()
        pipeline.run_whole()
        assert operator.running
        assert operator.stop() == 0
    finally:
        if operator.running:
            operator.kill()


def test_with_a_limit_the_second_object_queues_and_then_runs(plane, api, namespace, tmp_path):
    operator = Operator(plane, api, namespace, tmp_path, concurrency={"total": 1}).start()
    try:
        first, second = (Pipeline(api, namespace, operator, name) for name in ("first", "second"))
        first.apply()
        first.claimed(Stage.RESOLVE)
        second.apply()
        second.until_condition("Ready", "Unknown", "Queued")
        operator.kill()
        operator.start()
        first.run_whole()
        assert second.conditions["Ready"] == ("Unknown", "Queued") or second.claimed(Stage.RESOLVE)
        second.run_whole()
        assert len(second.jobs) == 10
    finally:
        operator.kill()


def test_a_job_that_kueue_suspends_is_waited_for(pipeline, api):
    """The test plays Kueue: it suspends a Job with Kueue's label and resumes it."""
    pipeline.spec["scheduling"] = {"queueName": "detectors"}
    pipeline.apply()
    job = pipeline.claimed(Stage.RESOLVE)
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "detectors"
    path = f"/apis/batch/v1/namespaces/{pipeline.namespace}/jobs/{job['metadata']['name']}"
    api.merge(path, {"spec": {"suspend": True}})
    pipeline.until(
        "the status says that it is suspended",
        lambda: "suspended" in json.dumps(pipeline.image["status"]["conditions"]),
    )
    api.merge(path, {"spec": {"suspend": False}})
    pipeline.run_whole()
