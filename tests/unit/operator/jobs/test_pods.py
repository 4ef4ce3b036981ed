"""What every pod has: known containers with requests and limits, and the labels and annotations of both."""

import msgspec
import pytest

from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import CONTAINERS, MAIN, resource_field, resource_fields
from inference_image_operator.config.jobs import PodMetadata
from inference_image_operator.jobs import poll_job
from tests.support.world import World
from tests.unit.operator.jobs.test_manifest_corners import containers, job

SPECS = [{}, {"build": {"builder": "Append"}}, {"test": {"matchGraph": True, "sample": "a.png"}}]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("stage", Stage)
def test_each_stage_has_the_containers_that_the_operator_knows_as_its_own(stage, spec):
    found = job(stage, **spec)
    names = list(containers(found))
    assert names == [name for name in CONTAINERS[stage] if name in names]
    assert [container["name"] for container in found["spec"]["template"]["spec"]["containers"]] == [MAIN[stage]]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("stage", Stage)
def test_each_container_has_requests_and_limits(stage, spec):
    """A quota on any of them refuses a pod with a container that leaves it out."""
    for name, container in containers(job(stage, **spec)).items():
        resources = container["resources"]
        assert resources["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}, name
        assert resources["limits"].keys() == {"cpu", "memory"}, name


ASKED = {"requests": {"cpu": "2"}, "limits": {"cpu": "3", "memory": "777Mi", "ephemeral-storage": "5Gi"}}


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("stage", Stage)
def test_the_object_sets_the_resources_of_each_container(stage, spec):
    for name in containers(job(stage, **spec)):
        world = World()
        world.spec |= msgspec.json.decode(msgspec.json.encode(spec))
        _, *path = resource_field(name).split(".")
        place = world.spec
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = ASKED
        resources = containers(job(stage, world))[name]["resources"]
        assert resources["limits"] == ASKED["limits"], name
        assert resources["requests"]["cpu"] == "2", name


def test_the_fields_of_a_stage_in_a_sentence():
    assert resource_fields(Stage.RESOLVE) == "spec.resources.resolve"
    assert resource_fields(Stage.BUILD) == "spec.resources.assemble, spec.resources.report and spec.build.resources"


@pytest.mark.parametrize("builder", ["Kaniko", "Append"])
@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("is_set", [True, False])
def test_the_pods_of_build_have_a_user_namespace_if_the_installation_says_so(stage, builder, is_set):
    world = World()
    jobs = msgspec.structs.replace(world.config.jobs, build_user_namespaces=is_set)
    world.config = msgspec.structs.replace(world.config, jobs=jobs)
    found = job(stage, world, build={"builder": builder})["spec"]["template"]["spec"]
    assert found.get("hostUsers") is (False if is_set and stage is Stage.BUILD else None)


def metadata(stage: Stage = Stage.RESOLVE, **installation: dict[str, str]) -> dict:
    world = World()
    jobs = msgspec.structs.replace(world.config.jobs, pod_metadata=PodMetadata(**installation))
    world.config = msgspec.structs.replace(world.config, jobs=jobs)
    asked = {"labels": {"team": "vision", "tier": "object"}, "annotations": {"a": "object", "b": "object"}}
    return job(stage, world, podMetadata=asked)["spec"]["template"]["metadata"]


@pytest.mark.parametrize("stage", Stage)
def test_labels_and_annotations_of_the_object_are_those_of_every_pod(stage):
    found = metadata(stage)
    assert found["annotations"] == {"a": "object", "b": "object"}
    assert {"team": "vision", "tier": "object"}.items() < found["labels"].items()


def test_the_installations_take_precedence():
    found = metadata(labels={"tier": "installation"}, annotations={"b": "installation"})
    assert found["annotations"] == {"a": "object", "b": "installation"}
    assert (found["labels"]["team"], found["labels"]["tier"]) == ("vision", "installation")


def test_nothing_overrides_the_operators_own_labels():
    own = job(Stage.RESOLVE)["metadata"]["labels"]
    assert own.items() < metadata(labels=dict.fromkeys(own, "x"))["labels"].items()


def test_without_annotations_the_pod_has_none():
    assert job(Stage.RESOLVE)["spec"]["template"]["metadata"].keys() == {"labels"}


def test_a_polls_pod_is_like_resolves():
    world = World()
    world.spec["podMetadata"] = {"labels": {"sidecar.istio.io/inject": "false"}}
    world.settle()
    found = poll_job(world.observed(), "name", "content", world.config)
    assert found["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
