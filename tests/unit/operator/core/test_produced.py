"""The operator's record of what an object's own Jobs made: what enters it, what reaches Resolve, what survives."""

import msgspec

from inference_image_contract import inputs, results
from inference_image_contract.content import content_hash, result_sha256
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api import ProducedExport, ProducedImage, ProducedStatus, TestSpec
from inference_image_operator.api.stages import Stage
from inference_image_operator.core.produced import MAX, hash_of_test, with_export, with_image
from tests.support.world import DIGEST, GRAPH, RESULTS, World, report
from tests.unit.operator.core.test_progress import stages

RESOLVED = RESULTS[Stage.RESOLVE]
CONTENT = content_hash(RESOLVED.inputs_hash, GRAPH)
PASSED = ProducedImage(
    content_hash=CONTENT,
    digest=DIGEST,
    tested=hash_of_test(TestSpec(), ""),
    memory_bytes=RESULTS[Stage.TEST].memory_bytes,
)
BUILT = results.Built(digest=DIGEST, size=1)


def resolve_input(job: dict) -> inputs.ResolveInput:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return msgspec.json.decode(container["env"][0]["value"], type=inputs.ResolveInput)


def test_a_new_object_believes_nothing():
    world = World()
    world.settle()
    asked = resolve_input(world.created[0])
    assert (asked.exports, asked.images) == ({}, {})


def test_what_its_jobs_made_may_be_reused_by_the_next_run():
    world = World()
    world.run_whole()
    assert world.status.content_hash == CONTENT
    assert world.status.produced == ProducedStatus(
        exports=(ProducedExport(fingerprint=RESOLVED.fingerprint, sha256=result_sha256(GRAPH)),),
        images=(PASSED,),
    )
    world.request = "again"
    world.settle()
    asked = resolve_input(world.created[-1])
    assert asked.exports == {RESOLVED.fingerprint: result_sha256(GRAPH)}
    assert asked.images == {CONTENT: DIGEST}


def test_the_content_hash_is_unknown_until_the_graph_is_there():
    world = World()
    world.run_to(Stage.EXPORT)
    assert (world.status.content_hash, world.status.produced) == ("", None)
    assert world.status.run.inputs_hash == RESOLVED.inputs_hash
    world.run_to(Stage.BUILD)
    assert world.status.content_hash == CONTENT


def test_the_record_outlives_a_failed_test_and_a_run_for_other_content():
    world = World()
    world.run_to(Stage.TEST)
    failed = results.Failed(reason="ImageAnswersWrong", message="m", hint="h")
    world.fail(report("probe", results.encode(failed), 10))
    world.settle()
    made = world.status.produced
    assert made.images == (ProducedImage(content_hash=CONTENT, digest=DIGEST),), "and it passed no test"
    world.request = "again"
    world.settle()
    assert (world.status.stage.name, world.status.produced) == ("Resolve", made)
    other = msgspec.structs.replace(RESOLVED, fingerprint="sha256:" + "8" * 64, inputs_hash="sha256:" + "9" * 64)
    world.finish(other)
    world.settle()
    assert (world.status.stage.name, world.status.produced) == ("Export", made)


def test_a_reused_result_stays_the_newest():
    world = World()
    world.settle()
    built = results.Built(digest=DIGEST, size=1)
    world.finish(msgspec.structs.replace(RESOLVED, graph=GRAPH, image=built))
    world.settle()
    assert world.status.produced.exports[0].sha256 == result_sha256(GRAPH)
    assert world.status.produced.images[0].digest == DIGEST


def again(world: World, sample_etag: str = "", digest: str = DIGEST, **spec: object) -> list[str]:
    """The stages of another run, for which Resolve finds graph and image."""
    before = len(world.created)
    world.generation += 1
    world.request = str(world.generation)
    world.spec |= spec
    world.settle()
    image = msgspec.structs.replace(BUILT, digest=digest)
    world.finish(msgspec.structs.replace(RESOLVED, graph=GRAPH, image=image, sample_etag=sample_etag))
    world.run_whole()
    return stages(world)[before:]


def test_another_tag_is_published_without_another_test():
    world = World()
    world.run_whole()
    assert again(world, image=world.spec["image"] | {"tags": ["other"]}) == ["Resolve", "Publish"]
    assert world.summary()["Tested"] == ("True", "Reused")
    assert (world.status.timings.test, world.status.timings.publish) == ("Reused", "10s")
    assert world.status.image.memory_bytes == PASSED.memory_bytes, "as measured in the test"


def test_another_test_sample_or_image_is_tested():
    world = World()
    world.run_whole()
    sampled = {"sample": "a.png"}
    for etag, test, tested in (
        ("", {"port": 80}, True),
        ("", {"port": 80}, False),
        ("1", sampled, True),
        ("2", sampled, True),
        ("2", sampled, False),
        ("2", {"enabled": False}, False),
    ):
        assert again(world, etag, test=test) == ["Resolve", *(["Test"] if tested else []), "Publish"]
    assert again(world, digest="sha256:" + "e" * 64, test={"port": 80}) == ["Resolve", "Test", "Publish"]


def test_a_failed_publication_is_retried_without_another_test():
    world = World()
    world.run_to(Stage.PUBLISH)
    for reason, code in (("RegistryUnavailable", ExitCode.UNAVAILABLE), ("TagExists", ExitCode.BAD_INPUT)):
        failed = results.Failed(reason=reason, message="m", hint="h")
        world.fail(report("publish", results.encode(failed), code, "Error"))
        world.settle()
        assert world.summary()["Tested"] == ("True", "Answered")
        assert world.summary()["Published"] == ("False", reason)
        world.advance(minutes=5)
        world.settle()
    assert stages(world) == [*Stage, "Publish"]
    assert world.summary()["Stalled"] == ("True", "TagExists")
    assert again(world) == ["Resolve", "Publish"]
    assert world.summary()["Ready"] == ("True", "Published")


def test_the_record_has_a_limit_and_one_entry_of_a_kind():
    record = None
    for number in range(MAX + 5):
        record = with_export(record, f"sha256:{number}", GRAPH)
        record = with_image(record, f"sha256:{number}", f"sha256:d{number}")
    assert [made.fingerprint for made in record.exports] == [f"sha256:{n}" for n in range(MAX + 4, 4, -1)]
    assert len(record.images) == MAX
    again = with_image(record, "sha256:9", "sha256:new")
    assert (again.images[0].digest, len(again.images)) == ("sha256:new", MAX)
    assert [made.content_hash for made in again.images].count("sha256:9") == 1
