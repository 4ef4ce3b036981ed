"""What others may create in a namespace neither stops nor misleads the operator."""

import pytest

from inference_image_operator.api.stages import Stage

JOBS = "/apis/batch/v1/namespaces/{}/jobs"
NAMES = [
    "?watch=true&n=1",
    "../../../../../api/v1/namespaces/default/secrets/x",
    "a b",
    "%2e%2e",
    "x" * 250,
    "detector",
]


def job(name: str, owner: str, **annotations: str) -> dict:
    """A suspended Job with the operator's label, whose owner and annotations are forged."""
    reference = {"apiVersion": "uai.ucloud.cn/v1alpha1", "kind": "InferenceImage", "name": owner, "uid": "forged"}
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "r.test/x"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/managed-by": "inference-image-operator", "uai.ucloud.cn/uid": "forged"},
            "annotations": {"uai.ucloud.cn/owner": owner, **annotations},
            "ownerReferences": [reference | {"controller": True}],
        },
        "spec": {"suspend": True, "template": {"spec": pod}},
    }


@pytest.fixture
def forged(api, namespace) -> None:
    for number, owner in enumerate(NAMES * 4):
        found = job(
            f"forged-{number}", owner, **{"uai.ucloud.cn/attempt": "9" * 5000, "uai.ucloud.cn/content": "\U0001f600"}
        )
        api.request("POST", JOBS.format(namespace), found)


@pytest.mark.usefixtures("forged")
def test_forged_jobs_do_not_keep_an_object_from_running(pipeline):
    pipeline.apply()
    pipeline.run_whole()
    assert "reconcile failed" not in pipeline.operator_log
    ours = [found for found in pipeline.jobs if not found["metadata"]["name"].startswith("forged-")]
    assert len(ours) == len(Stage)


def test_a_job_of_ours_with_changed_annotations_is_still_read(pipeline, api):
    pipeline.apply()
    claimed = pipeline.claimed(Stage.RESOLVE)
    path = f"{JOBS.format(pipeline.namespace)}/{claimed['metadata']['name']}"
    api.merge(path, {"metadata": {"annotations": {"uai.ucloud.cn/attempt": "many", "uai.ucloud.cn/owner": "other"}}})
    pipeline.run_whole()


def test_a_status_that_others_have_written_is_rebuilt(pipeline, api):
    pipeline.apply()
    pipeline.run_whole()
    forged = {"observedGeneration": 7, "stage": {"name": "Deploy", "job": "x"}, "run": None, "conditions": []}
    api.merge(f"{pipeline.path}/status", {"status": forged})
    pipeline.until("the run is rebuilt", lambda: pipeline.image["status"].get("observedGeneration") == 1)
    pipeline.until("it is ready", lambda: pipeline.conditions.get("Ready", ("", ""))[0] in {"True", "Unknown"})
