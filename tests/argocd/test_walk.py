"""The walk of docs/guides/gitops.md through a Git repository, by Argo CD's own servers. The test plays the pods."""

from inference_image_operator.api.stages import Stage
from inference_image_operator.kube.cluster import ROLLOUT_MANAGER
from tests.argocd.walk import Walk
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
from tests.loop.api import Api
from tests.loop.pipeline import Pipeline
from tests.support.world import SPEC

TAG = f"{SPEC['image']['repository']}:test"
REQUEST = "uai.ucloud.cn/requestedAt"


def begin(walk: Walk, pipeline: Pipeline, serving: Serving) -> None:
    """The first step of the page, to an image that is served by its tag."""
    walk.run_next()
    walk.until("Argo CD waits for the image", lambda: walk.verdict == ("OutOfSync", "Missing"))
    pipeline.until("Argo CD applies the InferenceImage", lambda: pipeline.conditions)
    pipeline.claimed(Stage.RESOLVE)
    assert walk.said("operationState", "phase") == "Running"
    assert serving.deployment is None
    publish(pipeline, 800, OLDER)
    serving.starts(TAG)
    walk.run_next()
    walk.until_synced()


def owners(serving: Serving) -> list[str]:
    """The field managers that own the image of the Deployment."""
    found = (serving.deployment or {})["metadata"]["managedFields"]
    return [one["manager"] for one in found if "'f:image'" in str(one)]


def test_the_walk(walk: Walk, pipeline: Pipeline, api: Api) -> None:
    serving = Serving(api, walk)
    begin(walk, pipeline, serving)

    walk.run_next()
    serving.starts(reference(OLDER))
    pipeline.until_condition("RolledOut", "True", "RolledOut")
    walk.run_next()
    walk.until_synced()
    assert serving.image == reference(OLDER)
    assert owners(serving) == [ROLLOUT_MANAGER]

    first = walk.commit
    walk.run_next()
    pipeline.claimed(Stage.RESOLVE)
    assert walk.synced == first
    publish(pipeline, 900, NEWER)
    serving.starts(reference(NEWER))
    walk.run_next()
    walk.until_synced()
    assert pipeline.image["status"]["image"]["generation"] == 2
    assert serving.image == reference(NEWER)

    second = walk.commit
    walk.run_next()
    find_no_checkpoint(pipeline)
    assert "There is no step 7" in walk.run_next()
    assert (walk.verdict, walk.synced) == (("Synced", "Degraded"), second)
    assert pipeline.conditions["Stalled"] == ("True", "CheckpointNotFound")
    assert pipeline.image["status"]["image"]["digest"] == NEWER
    assert serving.image == reference(NEWER)

    walk.run_next()
    publish_again(pipeline, 900, NEWER)
    walk.run_next()
    walk.until_synced()
    assert serving.image == reference(NEWER)

    walk.run_next()
    assert walk.at_the_end()
    pipeline.until("the operator takes the request", lambda: pipeline.conditions["Ready"][0] != "True")
    publish_again(pipeline, 900, NEWER)
    pipeline.until_condition("Ready", "True", "Published")
    assert_nothing_is_written(walk, pipeline, serving)


def assert_nothing_is_written(walk: Walk, pipeline: Pipeline, serving: Serving) -> None:
    """What the operator has written is no difference, and a sync of the same commit changes nothing."""
    before = beside_status(pipeline.image), (serving.deployment or {})["metadata"]["resourceVersion"]
    walk.refresh()
    walk.until_synced()
    walk.run("argocd app sync models")
    walk.until_synced()
    assert REQUEST in pipeline.image["metadata"]["annotations"]
    assert (beside_status(pipeline.image), (serving.deployment or {})["metadata"]["resourceVersion"]) == before


def test_what_git_does_not_set_stays_and_what_it_sets_is_set_back(walk: Walk, pipeline: Pipeline, api: Api) -> None:
    begin(walk, pipeline, Serving(api, walk))

    for action, suspended, health in (("suspend", True, "Suspended"), ("resume", False, "Healthy")):
        walk.run(f"argocd app actions run models {action} --kind InferenceImage")
        walk.until(f"the Application is {health}", lambda health=health: walk.verdict == ("Synced", health))
        walk.refresh()
        assert pipeline.image["spec"]["suspend"] is suspended

    walk.kubectl("annotate", f"inferenceimage/{NAMESPACE}", f"{REQUEST}=now")
    pipeline.until("the operator takes the request", lambda: pipeline.conditions["Ready"][0] != "True")
    publish_again(pipeline, 800, OLDER)
    pipeline.until_condition("Ready", "True", "Published")
    walk.refresh()
    walk.until_synced()
    assert pipeline.image["metadata"]["annotations"][REQUEST] == "now"

    before = pipeline.image["metadata"]["generation"]
    patch = '--patch={"spec": {"model": {"checkpoint": {"step": 7}}}}'
    walk.kubectl("patch", f"inferenceimage/{NAMESPACE}", "--type=merge", patch)
    walk.until("Argo CD writes the spec too", lambda: pipeline.image["metadata"]["generation"] == before + 2)
    assert pipeline.image["spec"]["model"]["checkpoint"]["step"] == 800


def test_the_next_commit_waits_for_a_sync_that_waits(walk: Walk, pipeline: Pipeline, api: Api) -> None:
    def step() -> int:
        return pipeline.image["spec"]["model"]["checkpoint"]["step"]

    def job() -> str:
        return pipeline.claimed(Stage.RESOLVE)["metadata"]["uid"]

    begin(walk, pipeline, Serving(api, walk))
    walk.push("step: 800", "step: 900")
    walk.until("Argo CD applies the commit", lambda: step() == 900)
    waited_for = job()
    walk.push("step: 900", "step: 1000")
    walk.until("Argo CD knows the next commit", lambda: walk.said("sync", "revision") == walk.commit)
    assert step() == 900

    walk.run("argocd app terminate-op models")
    walk.until("Argo CD applies the next commit", lambda: step() == 1000)
    walk.until("the operator begins its run", lambda: job() != waited_for)
    publish(pipeline, 1000, NEWER)
    walk.until_synced()
