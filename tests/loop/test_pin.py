"""`spec.image.pin` on a real control plane, set by the plugin."""

import msgspec

from inference_image_operator.api.stages import Stage
from kubectl_inferenceimage.__main__ import main
from tests.support.world import DIGEST, RESULTS

NEWER = "sha256:" + "e" * 64


def test_a_pinned_image_is_published_and_stays_until_it_is_unpinned(plane, pipeline, capsys):
    pipeline.apply()
    pipeline.run_whole()
    pipeline.spec["model"]["checkpoint"]["step"] = 900
    pipeline.apply()
    resolved = msgspec.structs.replace(RESULTS[Stage.RESOLVE], step=900, inputs_hash="sha256:" + "9" * 64)
    pipeline.finish(Stage.RESOLVE, resolved)
    for stage in (Stage.EXPORT, Stage.BUILD, Stage.TEST, Stage.PUBLISH):
        plain = RESULTS[stage]
        pipeline.finish(stage, msgspec.structs.replace(plain, digest=NEWER) if hasattr(plain, "digest") else plain)
    pipeline.until_condition("Ready", "True", "Published")
    assert pipeline.image["status"]["image"]["digest"] == NEWER

    def run(*words: str) -> str:
        assert main([*words, "-n", pipeline.namespace, "--kubeconfig", str(plane.kubeconfig)]) == 0
        return capsys.readouterr().out

    run("pin", pipeline.name, DIGEST)
    pipeline.finish(Stage.PUBLISH)
    pipeline.until_condition("Ready", "True", "Published")
    pipeline.until_condition("Pinned", "True", "Pinned")
    image = pipeline.image["status"]["image"]
    assert (image["digest"], image["step"]) == (DIGEST, 800)
    before = len(pipeline.jobs)

    pipeline.spec["image"]["pin"] = DIGEST
    pipeline.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "1m"}
    generation = pipeline.apply()["metadata"]["generation"]
    pipeline.until("the edit is observed", lambda: pipeline.image["status"]["observedGeneration"] == generation)
    assert len(pipeline.jobs) == before
    assert pipeline.conditions["Ready"] == ("True", "Published")

    del pipeline.spec["image"]["pin"]
    run("unpin", pipeline.name)
    pipeline.claimed(Stage.RESOLVE)
    assert "Pinned" not in pipeline.conditions


def test_a_digest_that_was_never_published_is_refused(pipeline):
    pipeline.apply()
    pipeline.run_whole()
    pipeline.spec["image"]["pin"] = NEWER
    pipeline.apply()
    pipeline.until_condition("Stalled", "True", "PinUnknown")
    assert pipeline.image["status"]["image"]["digest"] == DIGEST
    assert len(pipeline.jobs) == 5
