"""The operator's record of what an object's own Jobs made: what enters it, what reaches Resolve, what survives."""

import msgspec

from inference_image_contract import inputs, results
from inference_image_contract.content import content_hash, result_sha256
from inference_image_operator.api import ProducedExport, ProducedImage, ProducedStatus
from inference_image_operator.api.stages import Stage
from inference_image_operator.core.produced import MAX, with_export, with_image
from tests.support.world import DIGEST, GRAPH, RESULTS, World, report

RESOLVED = RESULTS[Stage.RESOLVE]
CONTENT = content_hash(RESOLVED.inputs_hash, GRAPH)


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
        images=(ProducedImage(content_hash=CONTENT, digest=DIGEST),),
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
    assert [entry.digest for entry in made.images] == [DIGEST]
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
