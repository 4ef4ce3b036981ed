"""What a RUN can reach: no Secret, no login, nothing through which a container with a login could be led elsewhere.

Every Build pod that can be rendered is looked at. A cache of layers is the one exception; then the status is silent.
"""

import itertools

import pytest
from msgspec import convert
from msgspec.structs import replace

from inference_image_contract import paths
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Registries
from inference_image_operator.kube.observe import read_pod
from inference_image_operator.kube.slim import SlimPod, short
from tests.support.world import SPEC, World, report

HOST = "uhub.devcluster.test"
CACHES = [{"enabled": True}, {"enabled": True, "repository": f"{HOST}/demo/cache"}]
SPECS = [
    {"build": {"builder": "Kaniko", "reproducible": reproducible}, "image": image}
    for reproducible, image in itertools.product(
        (False, True),
        (
            SPEC["image"],
            {key: value for key, value in SPEC["image"].items() if key != "pushSecretRef"},
            SPEC["image"] | {"additionalRepositories": [f"{HOST}/demo/other"]},
        ),
    )
]


def built(spec: dict) -> World:
    world = World()
    world.config = replace(
        world.config, registries=Registries(allowed=(HOST,), mirrors={HOST: ("m.test/x",)}, plain_http=("m.test",))
    )
    world.spec |= spec
    world.run_to(Stage.BUILD)
    return world


def pod_of(world: World) -> dict:
    return world.created[-1]["spec"]["template"]["spec"]


def named(pod: dict) -> dict[str, dict]:
    return {found["name"]: found for found in (*pod["initContainers"], *pod["containers"])}


def mounts(container: dict) -> set[str]:
    return {mount["name"] for mount in container["volumeMounts"]}


@pytest.mark.parametrize("spec", SPECS, ids=range(len(SPECS)))
def test_kaniko_mounts_neither_a_secret_nor_a_login(spec):
    pod = pod_of(built(spec))
    kaniko = named(pod)["kaniko"]
    assert "env" not in kaniko
    assert mounts(kaniko) == {"workspace", "names"}
    scratch = {volume["name"] for volume in pod["volumes"] if "emptyDir" in volume}
    assert mounts(kaniko) <= scratch
    assert "login" not in scratch


@pytest.mark.parametrize("spec", SPECS, ids=range(len(SPECS)))
def test_nothing_with_a_credential_runs_at_the_same_time(spec):
    pod = pod_of(built(spec))
    sidecars = [found for found in pod["initContainers"] if found.get("restartPolicy")]
    assert [found["name"] for found in sidecars] == ["depot"]
    assert "env" not in sidecars[0]
    assert mounts(sidecars[0]) == {"tmp", "depot"}


def test_what_others_write_for_those_with_a_login_kaniko_cannot_change():
    """`report` believes the depot alone, and asks for names as the pod does: Kaniko writes to copies."""
    found = named(pod_of(built({})))
    assert mounts(found["report"]) == {"tmp", "depot", "registry", "registry-ca"}
    assert "depot" not in mounts(found["kaniko"])
    copies = {m["mountPath"]: m.get("subPath") for m in found["kaniko"]["volumeMounts"] if m["name"] == "names"}
    assert copies == {"/etc/hosts": "hosts", "/etc/resolv.conf": "resolv.conf"}
    assert {"name": "names", "mountPath": paths.NAMES} in found["pull"]["volumeMounts"]


def test_every_registry_is_the_depot_for_kaniko():
    args = named(pod_of(built({})))["kaniko"]["args"]
    for host in (HOST, "m.test"):
        assert f"--registry-map={host}=127.0.0.1:61999/base" in args
    assert "--registry-mirror=127.0.0.1:61999/base" in args
    assert "--skip-default-registry-fallback" in args
    assert [arg.partition("/")[0] for arg in args if arg.startswith("--destination=")] == [
        "--destination=127.0.0.1:61999"
    ]


@pytest.mark.parametrize("cache", CACHES)
def test_a_cache_gets_the_login_for_its_registry_alone(cache):
    pod = pod_of(built({"build": {"cache": cache}}))
    found = named(pod)
    assert mounts(found["kaniko"]) == {"workspace", "names", "login", "registry-ca"}
    assert {"name": "login", "mountPath": paths.BUILDER_AUTH.rpartition("/")[0]} in found["pull"]["volumeMounts"]
    assert f'"cacheHost":"{HOST}"' in found["pull"]["env"][0]["value"]
    (login,) = [volume for volume in pod["volumes"] if volume["name"] == "login"]
    assert login["emptyDir"]["medium"] == "Memory"


def test_a_cache_without_logins_needs_none():
    image = {key: value for key, value in SPEC["image"].items() if key != "pushSecretRef"}
    found = named(pod_of(built({"build": {"cache": CACHES[0]}, "image": image})))
    assert mounts(found["kaniko"]) == {"workspace", "names", "registry-ca"}
    assert "cacheHost" not in found["pull"]["env"][0]["value"]


LOG = """\
time="2026-11-29T06:30:57Z" level=info msg="RUN base64 /kaniko/.docker/config.json && exit 3"
c2VjcmV0
error building image: error building stage: failed to execute command: waiting for process to exit: exit status 3
"""


@pytest.mark.parametrize(("cache", "is_told"), [({}, True), ({"enabled": True}, False)])
def test_the_status_has_no_text_of_a_run_that_had_a_login(cache, is_told):
    world = built({"build": {"cache": cache}})
    pod = {"metadata": {"name": "p", "uid": "u", "creationTimestamp": "2026-01-31T09:30:00Z"}, "spec": pod_of(world)}
    seen = read_pod(short(convert(pod, SlimPod)))
    world.fail(report("kaniko", LOG, 3, "Error"), has_login=seen.has_login)
    world.settle()
    failure = world.status.last_failure
    assert failure.reason == "RunFailed"
    told = f"{failure.message} {failure.hint} {failure.log_tail} {world.condition('Ready').message}"
    assert ("c2VjcmV0" in told) is is_told
    assert ("base64" in told) is is_told
    assert ("kubectl logs job/" in told) is not is_told
