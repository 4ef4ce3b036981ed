"""The proxy, CA and limits for US3 (formerly UFile) reach exactly the containers that use it."""

import json

import msgspec
import pytest

from inference_image_contract import inputs
from inference_image_operator.api.stages import Stage
from inference_image_operator.config import installation
from tests.support.world import World

SPEAKERS = {
    Stage.RESOLVE: {"resolve"},
    Stage.EXPORT: {"download", "upload"},
    Stage.BUILD: {"assemble"},
    Stage.TEST: {"sample"},
    Stage.PUBLISH: set(),
}
PROXY = installation.UFileProxy(url="http://proxy.test:3128", no_proxy=("uhub.test", ".svc"))


def job(stage, **ufile):
    world = World()
    world.config = msgspec.structs.replace(world.config, ufile=msgspec.structs.replace(world.config.ufile, **ufile))
    world.spec |= {"test": {"sample": "uai/samples/shapes.png"}}
    world.run_to(stage)
    return world.created[-1]["spec"]["template"]["spec"]


def containers(pod):
    return {found["name"]: found for found in [*pod.get("initContainers", []), *pod["containers"]]}


def values(container):
    return {item["name"]: item.get("value") for item in container.get("env", [])}


@pytest.mark.parametrize("stage", Stage)
def test_only_containers_that_use_us3_get_the_proxy(stage):
    found = {name: values(item) for name, item in containers(job(stage, proxy=PROXY)).items()}
    assert {name for name, env in found.items() if "HTTPS_PROXY" in env} == SPEAKERS[stage]
    for name in SPEAKERS[stage]:
        assert found[name]["HTTP_PROXY"] == found[name]["HTTPS_PROXY"] == "http://proxy.test:3128"
        assert found[name]["NO_PROXY"] == "localhost,127.0.0.1,::1,uhub.test,.svc"


@pytest.mark.parametrize("stage", Stage)
def test_only_containers_that_use_us3_get_its_ca(stage):
    pod = job(stage, ca_config_map="corporate-ca")
    volumes = [item for item in pod["volumes"] if item["name"] == "ufile-ca"]
    of_map = {"name": "corporate-ca", "items": [{"key": "ca.crt", "path": "ca.crt"}], "defaultMode": 0o444}
    assert volumes == ([{"name": "ufile-ca", "configMap": of_map}] if SPEAKERS[stage] else [])
    mounted = {
        name: mount["mountPath"]
        for name, item in containers(pod).items()
        for mount in item.get("volumeMounts", [])
        if mount["name"] == "ufile-ca"
    }
    assert mounted == dict.fromkeys(SPEAKERS[stage], "/var/run/inference-image/ufile-ca")


def test_the_installations_limits_reach_the_step():
    pod = job(Stage.EXPORT, limits=installation.UFileLimits(max_files=7, max_bytes="1Gi"))
    location = json.loads(values(containers(pod)["export"])["INFERENCE_IMAGE_INPUT"])["ufile"]
    assert (location["maxFiles"], location["maxBytes"]) == (7, 1024**3)


def test_default_limits_equal_the_contracts_and_are_omitted():
    limits = installation.UFileLimits()
    assert (limits.max_files, limits.total()) == (inputs.MAX_FILES, inputs.MAX_BYTES)
    location = json.loads(values(containers(job(Stage.EXPORT))["export"])["INFERENCE_IMAGE_INPUT"])["ufile"]
    assert set(location) == {"bucket", "scheme", "suffix"}


def test_the_export_requests_more_disk_than_the_checkpoint():
    world = World()
    world.run_to(Stage.EXPORT)
    pod = world.created[-1]["spec"]["template"]["spec"]
    request = int(pod["containers"][0]["resources"]["requests"]["ephemeral-storage"])
    assert request > 2 * sum(item.size for item in world.status.checkpoint.files)
