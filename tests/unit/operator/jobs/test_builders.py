"""The choice of the builder, and the container of each builder."""

import json
import os
from pathlib import Path

import msgspec
import pytest
import yaml

from inference_image_contract import inputs
from inference_image_operator.api import Spec, normalised, read
from inference_image_operator.api.names import input_hash
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Builders
from inference_image_operator.config.jobs import ContainerResources
from tests.support.world import SPEC, World, report

GOLDEN = Path(__file__).parents[1] / "golden" / "build-append.yaml"


def built(build: dict, **builders: object) -> World:
    """A world whose Build Job has just been created."""
    world = World()
    world.config = msgspec.structs.replace(world.config, builders=Builders(**builders))
    world.spec["build"] = build
    world.run_to(Stage.BUILD)
    return world


def names(world: World) -> list[str]:
    pod = world.created[-1]["spec"]["template"]["spec"]
    return [container["name"] for container in (*pod["initContainers"], *pod["containers"])]


def container(world: World, name: str) -> dict:
    pod = world.created[-1]["spec"]["template"]["spec"]
    return next(c for c in (*pod["initContainers"], *pod["containers"]) if c["name"] == name)


@pytest.mark.parametrize(
    ("asked", "default", "builder"),
    [
        ({}, "Kaniko", ["pull", "depot", "kaniko"]),
        ({}, "Append", ["append"]),
        ({"builder": "Append"}, "Kaniko", ["append"]),
        ({"builder": "Kaniko"}, "Append", ["pull", "depot", "kaniko"]),
    ],
)
def test_the_object_chooses_the_builder_else_the_installation(asked, default, builder):
    assert names(built(asked, default=default)) == ["assemble", *builder, "report"]


def test_golden():
    text = yaml.safe_dump(msgspec.to_builtins(built({"builder": "Append"}).created[-1]), sort_keys=True, width=120)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert GOLDEN.read_text() == text


def test_with_append_every_container_has_restricted_settings():
    world = built({"builder": "Append"})
    for name in names(world):
        context = container(world, name)["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["allowPrivilegeEscalation"] is False


def test_append_gets_only_the_registry_login():
    found = container(built({"builder": "Append"}), "append")
    assert [env["name"] for env in found["env"]] == ["INFERENCE_IMAGE_INPUT"]
    mounts = {mount["name"] for mount in found["volumeMounts"]}
    assert mounts == {"tmp", "workspace", "registry", "registry-ca"}


def test_append_is_told_where_the_newest_image_is():
    world = World()
    world.spec["build"] = {"builder": "Append"}
    host = SPEC["image"]["repository"].partition("/")[0]
    known = []
    for generation, name in enumerate(("one", "two", "two", "three"), 1):
        world.generation, world.request = generation, str(generation)
        world.spec["image"] = SPEC["image"] | {"repository": f"{host}/demo/{name}"}
        world.run_to(Stage.BUILD)
        request = json.loads(container(world, "append")["env"][0]["value"])
        known.append([text.rpartition("/")[2] for text in request.get("knownRepositories", [])])
        world.run_whole()
    assert known == [[], ["one"], [], ["two"]]


@pytest.mark.row(45, "$(UFILE_PRIVATE_KEY) in a field stays literal")
@pytest.mark.parametrize("value", ["$(UFILE_PRIVATE_KEY)", "--flag", "$$(X)", 'a b"', "%s{0}"])
def test_a_hostile_build_argument_reaches_append_unchanged(value):
    found = container(built({"builder": "Append", "args": {"BASE": value}}), "append")
    assert "$(" not in found["env"][0]["value"].replace("$$", "")
    work = msgspec.json.decode(found["env"][0]["value"].replace("$$", "$"), type=inputs.AppendInput)
    assert work.build_args == {"BASE": value}


def test_both_builders_set_the_same_labels():
    append = msgspec.json.decode(
        container(built({"builder": "Append"}), "append")["env"][0]["value"], type=inputs.AppendInput
    )
    kaniko = container(built({}), "kaniko")["args"]
    assert append.labels
    assert {arg for arg in kaniko if arg.startswith("--label=")} == {
        f"--label={name}={value}" for name, value in append.labels.items()
    }


@pytest.mark.parametrize("builder", ["Append", "Kaniko"])
def test_resolve_knows_the_builder_and_those_that_it_may_name(builder):
    world = World()
    world.spec["build"] = {"builder": builder}
    world.run_to(Stage.RESOLVE)
    value = world.created[-1]["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"]
    found = msgspec.json.decode(value, type=inputs.ResolveInput)
    assert (found.builder, found.allowed_builders) == (builder, ("Kaniko", "Append"))


def test_memory_is_the_objects_else_the_installations():
    world = World()
    own = ContainerResources(requests={"memory": "32Mi"}, limits={"memory": "96Mi"})
    resources = msgspec.structs.replace(world.config.jobs.resources, append=own)
    world.config = msgspec.structs.replace(
        world.config, jobs=msgspec.structs.replace(world.config.jobs, resources=resources)
    )
    world.spec["build"] = {"builder": "Append"}
    world.run_to(Stage.BUILD)
    assert container(world, "append")["resources"]["limits"] == {"memory": "96Mi"}
    limits = container(built({"builder": "Append", "resources": {"limits": {"memory": "1Gi"}}}), "append")["resources"]
    assert limits["limits"] == {"cpu": "4", "memory": "1Gi"}
    assert container(built({"builder": "Append"}), "append")["resources"]["limits"] == {"cpu": "4", "memory": "128Mi"}


def test_append_out_of_memory_gets_more_once():
    world = built({"builder": "Append"})
    world.fail(report("append", "", 137, "OOMKilled"))
    world.settle()
    world.advance(minutes=1)
    world.settle()
    assert container(world, "append")["resources"]["limits"]["memory"] == "256Mi"


@pytest.mark.parametrize(
    ("build", "flags"),
    [
        ({}, []),
        ({"reproducible": True}, ["--reproducible"]),
        (
            {"cache": {"enabled": True}},
            ["--cache=true", "--cache-repo=uhub.devcluster.test/demo/object-detect-infer-cache"],
        ),
        (
            {"cache": {"enabled": True, "repository": "uhub.devcluster.test/demo/cache"}},
            ["--cache=true", "--cache-repo=uhub.devcluster.test/demo/cache"],
        ),
        ({"cache": {"repository": "uhub.devcluster.test/demo/cache"}}, []),
    ],
)
def test_kaniko_gets_only_the_flags_that_the_spec_sets(build, flags):
    args = container(built(build), "kaniko")["args"]
    assert [arg for arg in args if arg.startswith(("--reproducible", "--cache"))] == flags


@pytest.mark.parametrize(
    ("build", "allowed", "reason", "message"),
    [
        ({"builder": "Append"}, ("Kaniko",), "BuilderNotAllowed", "spec.build.builder is Append"),
        (
            {"cache": {"enabled": True, "repository": "elsewhere.test/a/b"}},
            ("Kaniko",),
            "RegistryNotAllowed",
            "spec.build.cache.repository is on elsewhere.test",
        ),
    ],
)
def test_a_builder_that_is_not_allowed_stalls(build, allowed, reason, message):
    world = World()
    world.config = msgspec.structs.replace(world.config, builders=Builders(allowed=allowed))
    world.spec["build"] = build
    world.settle()
    assert world.created == []
    assert world.summary()["Stalled"] == ("True", reason)
    assert message in world.condition("Stalled").message


def test_default_values_change_no_hash():
    plain = read(Spec, SPEC)
    explicit = read(Spec, SPEC | {"build": {"reproducible": False, "cache": {"enabled": False, "repository": ""}}})
    assert normalised(explicit) == normalised(plain)
    assert input_hash(read(Spec, SPEC | {"build": {"builder": "Append"}}), "") != input_hash(plain, "")
