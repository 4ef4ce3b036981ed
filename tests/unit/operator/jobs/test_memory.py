"""Memory of the containers that load the model: estimate, measurement, maximum, status."""

import msgspec
import pytest

from inference_image_contract import results
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.jobs import Jobs, Maximum
from tests.support.world import GRAPH, RESULTS, World

MIB = 1 << 20
RESNET_101 = msgspec.structs.replace(RESULTS[Stage.RESOLVE], model_bytes=239 * MIB)
NAS = msgspec.structs.replace(RESULTS[Stage.RESOLVE], model_bytes=400 * MIB)


def memory_of(world: World, container: str) -> tuple[str, str]:
    """Request and limit of a container of the newest Job."""
    spec = world.created[-1]["spec"]["template"]["spec"]
    (found,) = (c for c in [*spec.get("initContainers", []), *spec["containers"]] if c["name"] == container)
    return found["resources"]["requests"]["memory"], found["resources"]["limits"]["memory"]


def resolved(result: results.Resolved, **spec) -> World:
    world = World()
    world.spec |= spec
    world.run_to(Stage.RESOLVE)
    world.finish(result)
    world.settle()
    return world


def in_test(memory_bytes: int, resolve: results.Resolved = RESNET_101, **spec) -> World:
    world = resolved(resolve, **spec)
    world.finish(results.Exported(graph=msgspec.structs.replace(GRAPH, memory_bytes=memory_bytes)))
    world.run_to(Stage.TEST)
    return world


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (RESULTS[Stage.RESOLVE], ("2Gi", "4Gi")),
        (RESNET_101, ("2458Mi", "4Gi")),
        (NAS, ("3424Mi", "5136Mi")),
    ],
    ids=["nothing known", "ResNet-101", "larger"],
)
def test_the_export_gets_memory_for_the_model_and_at_least_the_default(result, expected):
    world = resolved(result)
    assert memory_of(world, "export") == expected
    assert world.status.memory.export == expected[1]


def test_a_conversion_to_onnx_takes_more():
    world = World()
    images = msgspec.structs.replace(world.config.images, export_onnx="r/export-onnx@sha256:4")
    world.config = msgspec.structs.replace(world.config, images=images)
    world.spec |= {"export": {"formats": ["FrozenGraph", "ONNX"]}, "test": {"matchGraph": True}}
    world.run_to(Stage.RESOLVE)
    world.finish(RESNET_101)
    world.settle()
    assert memory_of(world, "export") == ("4370Mi", "6555Mi")
    world.finish(results.Exported(graph=msgspec.structs.replace(GRAPH, memory_bytes=2461 * MIB)))
    world.run_to(Stage.TEST)
    assert memory_of(world, "answer") == ("2461Mi", "4Gi")


def test_the_test_gets_the_memory_that_was_measured_for_the_graph():
    world = in_test(2461 * MIB)
    assert memory_of(world, "image") == ("2461Mi", "4307Mi")
    assert (world.status.memory.test, world.status.frozen_graph.memory_bytes) == ("4307Mi", 2461 * MIB)


def test_a_small_model_is_tested_with_the_default():
    assert memory_of(in_test(545 * MIB, RESULTS[Stage.RESOLVE]), "image") == ("1Gi", "3Gi")


def test_the_objects_resources_override_the_estimate():
    world = in_test(2461 * MIB, test={"resources": {"limits": {"memory": "2Gi"}}})
    assert memory_of(world, "image") == ("2Gi", "2Gi")


def test_memory_never_exceeds_the_installations_maximum():
    world = World()
    world.config = msgspec.structs.replace(world.config, jobs=Jobs(maximum=Maximum(memory="4Gi")))
    world.run_to(Stage.RESOLVE)
    world.finish(NAS)
    world.settle()
    assert memory_of(world, "export") == ("3424Mi", "4Gi")


def test_a_model_above_the_maximum_stalls_before_its_export():
    world = World()
    world.config = msgspec.structs.replace(world.config, jobs=Jobs(maximum=Maximum(memory="2Gi")))
    world.run_to(Stage.RESOLVE)
    world.finish(RESNET_101)
    world.settle()
    stalled = world.condition("Stalled")
    assert (stalled.reason, len(world.created)) == ("ResourcesTooLarge", 1)
    assert (
        "239 MiB of weights needs about 2458 MiB of memory, but this installation allows a container at most 2Gi"
        in (stalled.message)
    )
    assert world.summary()["Exported"] == ("False", "ResourcesTooLarge")


def test_an_object_that_sets_both_limits_is_not_rejected():
    world = World()
    world.config = msgspec.structs.replace(world.config, jobs=Jobs(maximum=Maximum(memory="2Gi")))
    limits = {"resources": {"limits": {"memory": "1Gi"}}}
    world.spec |= {"export": limits, "test": limits}
    world.run_to(Stage.RESOLVE)
    world.finish(RESNET_101)
    world.settle()
    assert memory_of(world, "export") == ("1Gi", "1Gi")


@pytest.mark.parametrize(("told", "expected"), [(1800 * MIB, 1800 * MIB), (0, 2461 * MIB)], ids=["told", "not told"])
def test_the_status_reports_the_memory_for_serving(told, expected):
    world = in_test(2461 * MIB)
    probed = results.Probed(ready_seconds=1, answer_seconds=1, memory_bytes=told)
    world.finish(probed)
    world.run_whole()
    assert world.status.image.memory_bytes == expected
