"""What a changed spec would cause: as the operator then does it, if nothing outside the object has changed."""

import copy
from typing import Any

import msgspec
import pytest

from inference_image_contract import results
from inference_image_contract.content import content_hash
from inference_image_contract.inputs import OnnxModel, StoredFile
from inference_image_operator.api import Part, Spec, read
from inference_image_operator.api.stages import Stage
from inference_image_operator.core.foresee import Foreseen, foresee
from inference_image_operator.core.reach import Reach, changed, reach
from kubectl_inferenceimage import placeholders
from tests.support.world import CONFIG, GRAPH, RESULTS, SPEC, World

RESOLVE, EXPORT, BUILD, TEST, PUBLISH = Stage
RESOLVED = RESULTS[RESOLVE]
WITH_ONNX = msgspec.structs.replace(
    CONFIG, images=msgspec.structs.replace(CONFIG.images, export_onnx="r/export@sha256:4")
)


@pytest.fixture
def world() -> World:
    found = World()
    found.run_whole()
    return found


def edited(spec: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The spec with one field set, or removed for None."""
    found = copy.deepcopy(spec)
    *parents, last = path.split(".")
    place = found
    for parent in parents:
        place = place.setdefault(parent, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    return found


def foreseen(world: World, path: str = "", value: Any = None, request: str = "") -> Foreseen:
    spec = edited(world.spec, path, value) if path else world.spec
    return foresee(world.observed(), read(Spec, spec), request, world.config, placeholders.result)


def running(found: Foreseen) -> list[Stage]:
    return [stage.stage for stage in found.stages if stage.runs]


def as_resolve_finds_it(path: str) -> Any:
    """The result of the real Resolve for a change of this field: what it pins, and what it may reuse."""
    reaches = reach(path)
    image = RESULTS[BUILD] if reaches < Reach.IMAGE else None
    graph = GRAPH if reaches < Reach.EXPORT else None
    other = "sha256:" + "9" * 64
    return msgspec.structs.replace(
        RESOLVED,
        fingerprint=other if graph is None else RESOLVED.fingerprint,
        inputs_hash=other if image is None and path != "image.repository" else RESOLVED.inputs_hash,
        graph=graph,
        image=image,
        sample_etag="new" if path == "test.sample" else "",
    )


def of_the_next_run(path: str, stage: Stage) -> Any:
    """The stage's result after a change of this field; None for the usual one."""
    if stage is BUILD:  # Kaniko gives another digest each time
        return msgspec.structs.replace(RESULTS[BUILD], digest="sha256:" + "e" * 64)
    return as_resolve_finds_it(path) if stage is RESOLVE else None


CHANGES = [
    ("image.tags", ["other"], [RESOLVE, PUBLISH]),
    ("image.additionalRepositories", ["uhub.devcluster.test/demo/copy"], [RESOLVE, PUBLISH]),
    ("build.timeout", "2h", [RESOLVE, PUBLISH]),
    ("build.builder", "Append", [RESOLVE, PUBLISH]),
    ("export.timeout", "2h", [RESOLVE, PUBLISH]),
    ("podMetadata", {"labels": {"a": "b"}}, [RESOLVE, PUBLISH]),
    ("resources.assemble", {"limits": {"cpu": "2"}}, [RESOLVE, PUBLISH]),
    ("test.sample", "samples/one.png", [RESOLVE, TEST, PUBLISH]),
    ("test.timeout", "3m", [RESOLVE, TEST, PUBLISH]),
    ("test.enabled", False, [RESOLVE, PUBLISH]),
    ("build.args", {"A": "b"}, [RESOLVE, BUILD, TEST, PUBLISH]),
    ("source.dockerfile", "Dockerfile", [RESOLVE, BUILD, TEST, PUBLISH]),
    ("model.labelMap", "other.pbtxt", [RESOLVE, BUILD, TEST, PUBLISH]),
    ("image.repository", "uhub.devcluster.test/demo/other", [RESOLVE, BUILD, TEST, PUBLISH]),
    ("model.checkpoint.step", 900, [*Stage]),
    ("model.prefix", "other/", [*Stage]),
    ("model.checkpoint", {"policy": "Latest"}, [*Stage]),
    ("export.formats", ["FrozenGraph", "SavedModel"], [*Stage]),
    ("export.outputPrefix", "elsewhere/", [*Stage]),
    ("ufile.bucket", "another", [*Stage]),
]


@pytest.mark.parametrize(
    ("path", "value", "stages"), CHANGES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_stages_that_run_are_those_of_the_operator(
    world: World, path: str, value: Any, stages: list[Stage]
) -> None:
    found = foreseen(world, path, value)
    assert (found.begins, found.refused) == (True, "")
    assert running(found) == stages
    world.spec, world.generation = edited(world.spec, path, value), 2
    before = len(world.created)
    world.settle()
    while world.status.stage:
        world.finish(of_the_next_run(path, world.status.stage.name))
        world.settle()
    labels = [job["metadata"]["labels"]["uai.ucloud.cn/stage"] for job in world.created[before:]]
    assert labels == [stage.value for stage in stages]


@pytest.mark.parametrize(
    ("path", "value"),
    [("suspend", True), ("retry", {"limit": 5}), ("ttlAfterFinished", "1h"), ("model.checkpoint.waitFor", "1h")],
)
def test_some_fields_start_no_run(world: World, path: str, value: Any) -> None:
    found = foreseen(world, path, value)
    assert (found.begins, found.stages) == (False, ())
    assert found.fields == ("retry.limit" if path == "retry" else path,)
    assert reach(path) is Reach.NO_RUN


def test_the_same_manifest_starts_no_run(world: World) -> None:
    found = foreseen(world)
    assert (found.fields, found.stages, found.refused) == ((), (), "")
    assert (found.begins, found.pinned, found.waits, found.requested) == (False, False, False, False)


def test_a_request_repeats_what_is_not_reused(world: World) -> None:
    found = foreseen(world, request="now")
    assert (found.requested, running(found)) == (True, [RESOLVE, PUBLISH])


def test_a_stage_says_why(world: World) -> None:
    why = {stage.stage: stage.why for stage in foreseen(world, "model.labelMap", "other.pbtxt").stages}
    assert why[RESOLVE] == "every run pins its inputs again"
    assert why[EXPORT] == f"Reusing {GRAPH.key}, the frozen graph of this checkpoint."
    assert why[BUILD] == "spec.model.labelMap"
    assert why[TEST] == "the image is built again"
    assert {stage.stage: stage.why for stage in foreseen(world, "test.port", 80).stages}[TEST] == "spec.test.port"


def test_a_stage_names_only_the_changes_that_reach_it(world: World) -> None:
    spec = read(Spec, edited(edited(world.spec, "image.tags", ["other"]), "test.port", 80))
    found = foresee(world.observed(), spec, "", CONFIG, placeholders.result)
    assert found.fields == ("image.tags", "test.port")
    assert found.stages[3].why == "spec.test.port"


def test_what_no_job_of_the_object_made_is_made_again(world: World) -> None:
    world.status = msgspec.structs.replace(world.status, produced=None)
    found = foreseen(world, "image.tags", ["other"])
    assert running(found) == [*Stage]
    assert "status.produced has no result" in found.stages[1].why


def test_an_image_that_was_built_before_is_known_by_its_content(world: World) -> None:
    assert world.status.content_hash == content_hash(RESOLVED.inputs_hash, GRAPH)
    world.status = msgspec.structs.replace(world.status, content_hash="sha256:" + "1" * 64)
    assert running(foreseen(world, "image.tags", ["other"])) == [RESOLVE, BUILD, TEST, PUBLISH]


def test_a_model_in_several_formats_is_known_as_a_whole() -> None:
    graph = msgspec.structs.replace(
        GRAPH,
        saved_model=StoredFile(key="f/saved_model.tar", sha256="d" * 64, size=9),
        onnx=OnnxModel(key="f/model.onnx", sha256="e" * 64, size=8, greatest_difference="0"),
    )
    world = World(config=WITH_ONNX)
    world.spec["export"] = {"formats": ["FrozenGraph", "SavedModel", "ONNX"]}
    world.run_to(EXPORT)
    world.finish(results.Exported(graph=graph))
    world.run_whole()
    assert running(foreseen(world, "image.tags", ["other"])) == [RESOLVE, PUBLISH]


def test_a_sample_that_stays_is_not_tested_again() -> None:
    world = World()
    world.spec["test"] = {"sample": "samples/one.png"}
    world.settle()
    world.finish(msgspec.structs.replace(RESOLVED, sample_etag="one"))
    world.run_whole()
    assert running(foreseen(world, "image.tags", ["other"])) == [RESOLVE, PUBLISH]
    assert running(foreseen(world, "test.sample", "samples/two.png")) == [RESOLVE, TEST, PUBLISH]


def test_a_test_that_is_switched_on_runs() -> None:
    world = World()
    world.spec["test"] = {"enabled": False}
    world.run_whole()
    found = foreseen(world, "test.enabled", True)
    assert running(found) == [RESOLVE, TEST, PUBLISH]
    assert found.stages[3].why == "spec.test.enabled"


def test_a_format_whose_conversion_takes_too_much_memory_is_refused() -> None:
    """16 GiB are allowed: enough for six times the weights, and not for the fourteen times that ONNX takes."""
    world = World(config=WITH_ONNX)
    world.settle()
    world.finish(msgspec.structs.replace(RESOLVED, model_bytes=2 << 30))
    world.run_whole()
    assert foreseen(world, "export.formats", ["SavedModel", "FrozenGraph"]).refused == ""
    assert foreseen(world, "export.formats", ["ONNX", "FrozenGraph"]).refused.startswith("ResourcesTooLarge: A model")


def test_an_older_checkpoint_than_the_published_one_is_refused_unless_the_run_is_requested() -> None:
    world = World()
    world.spec["model"]["checkpoint"] = {"policy": "Latest"}
    world.run_whole()
    world.request = "back"
    world.settle()
    world.finish(msgspec.structs.replace(RESOLVED, step=700))
    world.settle()
    found = foreseen(world, "image.tags", ["other"], request="back")
    assert found.refused.startswith("CheckpointOlder: The newest complete checkpoint is step 700")
    assert (running(found), found.requested) == ([RESOLVE], False)
    assert foreseen(world, "image.tags", ["other"], request="again").refused == ""


def test_a_run_under_way_is_replaced() -> None:
    world = World()
    world.run_to(BUILD)
    assert foreseen(world, "image.tags", ["other"]).replaces is BUILD
    assert foreseen(world).begins is False


def test_a_new_object_runs_everything() -> None:
    found = foreseen(World())
    assert (found.begins, running(found)) == (True, [*Stage])


def test_a_suspended_object_begins_later(world: World) -> None:
    world.spec["suspend"] = True
    found = foreseen(world, "image.tags", ["other"])
    assert (found.begins, found.waits, running(found)) == (True, True, [RESOLVE, PUBLISH])


def test_the_installation_refuses_it(world: World) -> None:
    found = foreseen(world, "image.repository", "elsewhere.test/a/b")
    assert found.refused.startswith("RegistryNotAllowed: ")


def fields(kind: type[Part], prefix: str = "") -> list[str]:
    found = []
    for field in msgspec.structs.fields(kind):
        path = f"{prefix}{field.encode_name}"
        parts = [t for t in (field.type, *getattr(field.type, "__args__", ())) if isinstance(t, type)]
        inner = next((t for t in parts if issubclass(t, Part)), None)
        found += [path, *(fields(inner, f"{path}.") if inner else [])]
    return found


@pytest.mark.parametrize("path", fields(Spec))
def test_every_field_has_a_reach(path: str) -> None:
    assert reach(path) in Reach


@pytest.mark.parametrize("path", [path for path in fields(Spec) if reach(path) is Reach.NO_RUN])
def test_what_starts_no_run_is_not_hashed(path: str) -> None:
    whole = {"suspend", "retry", "ttlAfterFinished", "rollout"}
    assert path.partition(".")[0] in whole or path.endswith((".poll", ".waitFor"))


def test_defaults_are_no_change() -> None:
    explicit = edited(edited(SPEC, "suspend", False), "build.timeout", "1h")
    assert changed(read(Spec, SPEC), read(Spec, explicit)) == ()
