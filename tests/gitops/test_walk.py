"""The walk of docs/guides/gitops.md through a Git repository, by Flux's own controllers. The test plays the pods."""

import pytest

from devcluster.controlplane import ControlPlane
from inference_image_operator.api.stages import Stage
from kubectl_inferenceimage.__main__ import main
from tests.gitops.reader import NAMESPACE
from tests.gitops.runs import (
    NEWER,
    OLDER,
    Serving,
    beside_status,
    find_no_checkpoint,
    publish,
    publish_again,
    reference,
)
from tests.gitops.walk import Walk
from tests.loop.api import Api
from tests.loop.pipeline import Pipeline

REQUEST = "uai.ucloud.cn/requestedAt"


@pytest.mark.parametrize("judged_by", ["conditions", "expressions"])
def test_the_walk(walk: Walk, pipeline: Pipeline, api: Api, judged_by: str) -> None:
    serving = Serving(api, walk)
    if judged_by == "expressions":
        walk.judge_by_expressions()

    walk.run_next()
    walk.until("Flux applies the InferenceImage", lambda: pipeline.conditions)
    walk.until("Flux waits for the image", lambda: walk.ready("detectors")[:2] == ("Unknown", "Progressing"))
    publish(pipeline, 800, OLDER)
    serving.starts(reference(OLDER))
    walk.until_ready("serving")
    walk.run_next()
    first = walk.revision
    assert walk.status("detectors")["lastAppliedRevision"] == first
    assert serving.handed_over == serving.image == reference(OLDER)

    walk.run_next()
    pipeline.claimed(Stage.RESOLVE)
    assert walk.status("detectors")["lastAppliedRevision"] == first
    publish(pipeline, 900, NEWER)
    serving.starts(reference(NEWER))
    walk.until_ready("serving")
    walk.run_next()
    second = walk.revision
    assert walk.status("detectors")["lastAppliedRevision"] == second != first
    assert pipeline.image["status"]["image"]["generation"] == 2
    assert serving.handed_over == serving.image == reference(NEWER)

    walk.run_next()
    find_no_checkpoint(pipeline)
    walk.until("Flux gives the commit up", lambda: walk.ready("detectors")[1] == "HealthCheckFailed")
    assert "CheckpointNotFound" in walk.run_next()
    status, reason, message = walk.ready("detectors")
    assert (status, reason) == ("False", "HealthCheckFailed")
    assert f"InferenceImage/{walk.namespace}/{NAMESPACE}" in message
    assert walk.status("detectors")["lastAppliedRevision"] == second
    assert pipeline.conditions["Stalled"] == ("True", "CheckpointNotFound")
    assert pipeline.image["status"]["image"]["digest"] == NEWER
    assert serving.handed_over == serving.image == reference(NEWER)

    walk.run_next()
    publish_again(pipeline, 900, NEWER)
    walk.until_ready("serving")
    walk.run_next()
    assert walk.status("detectors")["lastAppliedRevision"] == walk.revision != second
    assert pipeline.conditions["Ready"][0] == "True"
    assert serving.handed_over == serving.image == reference(NEWER)
    assert walk.at_the_end()

    before = beside_status(pipeline.image)
    for name in ("detectors", "serving"):
        walk.reconcile(name)
    assert beside_status(pipeline.image) == before
    assert serving.handed_over == serving.image == reference(NEWER)


def test_what_the_plugin_sets_stays_and_what_kubectl_sets_does_not(
    walk: Walk, pipeline: Pipeline, api: Api, plane: ControlPlane
) -> None:
    def plugin(*words: str) -> None:
        assert main([*words, "-n", walk.namespace, "--kubeconfig", str(plane.kubeconfig)]) == 0

    serving = Serving(api, walk)
    walk.run_next()
    walk.until("Flux applies the InferenceImage", lambda: pipeline.conditions)
    publish(pipeline, 800, OLDER)
    serving.starts(reference(OLDER))
    walk.until_ready("serving")

    plugin("suspend", NAMESPACE)
    walk.reconcile("detectors")
    assert pipeline.image["spec"]["suspend"] is True
    plugin("resume", NAMESPACE)

    plugin("rebuild", NAMESPACE)
    publish(pipeline, 800, NEWER)
    serving.starts(reference(NEWER))  # without a commit, and long before the interval
    walk.until_ready("serving")
    before = beside_status(pipeline.image)
    walk.reconcile("detectors")
    assert beside_status(pipeline.image) == before

    walk.kubectl("patch", f"inferenceimage/{NAMESPACE}", "--type=merge", '--patch={"spec": {"suspend": true}}')
    walk.reconcile("detectors")
    assert pipeline.image["spec"]["suspend"] is False

    walk.kubectl("annotate", f"inferenceimage/{NAMESPACE}", "--overwrite", f"{REQUEST}=now")
    publish_again(pipeline, 800, NEWER)
    pipeline.until_condition("Ready", "True", "Published")
    walk.request("detectors")
    publish_again(pipeline, 800, NEWER)  # Flux takes the annotation back, which is a request too
    assert REQUEST not in pipeline.image["metadata"].get("annotations", {})
