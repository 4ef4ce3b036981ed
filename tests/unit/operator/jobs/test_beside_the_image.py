"""No container that has a credential runs at the same time as the image under test, in any Job that is rendered.

The containers of a pod share /etc/hosts, the network and time: a program in one of them can send another one elsewhere.
"""

import itertools

import pytest
from msgspec.structs import replace

from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Sources
from inference_image_operator.diagnosis.tested_image import IMAGE
from inference_image_operator.jobs import poll_job
from tests.support.world import World

OURS = {"r/export@sha256:1", "r/build@sha256:2", "r/kaniko@sha256:3"}
TESTS = [
    {"sample": sample, "matchGraph": match, "enabled": enabled}
    for sample, match, enabled in itertools.product(("", "uai/a.png"), (False, True), (False, True))
]
SPECS = [
    {"build": {"builder": builder}, "test": test, "source": source}
    for builder, test, source in itertools.product(
        ("Kaniko", "Append"),
        TESTS,
        (
            {"ufile": {"prefix": "uai/object-detect/"}},
            {"git": {"url": "https://git.test/a.git", "ref": "main", "secretRef": {"name": "git"}}},
        ),
    )
]


def rendered(spec: dict) -> list[dict]:
    """The pods of all Jobs of a run and of its poll."""
    world = World()
    world.config = replace(world.config, sources=Sources(git_hosts=("git.test",)))
    world.spec |= spec
    world.run_whole()
    jobs = [*world.created, poll_job(world.observed(), "poll", "", world.config)]
    return [job["spec"]["template"]["spec"] for job in jobs]


def beside(pod: dict, name: str) -> list[dict]:
    """The containers that run at the same time as this sidecar: those after it, and all other sidecars."""
    init = pod.get("initContainers", [])
    place = next((number for number, found in enumerate(init) if found["name"] == name), None)
    if place is None:
        return []
    assert init[place]["restartPolicy"] == "Always"
    sidecars = [found for found in init[:place] if found.get("restartPolicy") == "Always"]
    return [*sidecars, *init[place + 1 :], *pod["containers"]]


def has_credential(pod: dict, container: dict) -> bool:
    """Whether it reads a Secret, or a volume that is neither scratch space nor a ConfigMap."""
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounted = [volumes[mount["name"]] for mount in container.get("volumeMounts", [])]
    by_env = [env for env in container.get("env", []) if "secretKeyRef" in env.get("valueFrom", {})]
    return bool(by_env) or "envFrom" in container or any(v.keys() - {"name", "emptyDir", "configMap"} for v in mounted)


@pytest.mark.row(50, "canary secrets in every credential")
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_no_credential_is_beside_the_image_under_test(spec):
    pods = rendered(spec)
    for pod in pods:
        names = [found["name"] for found in [*pod.get("initContainers", []), *pod["containers"]]]
        images = {found["name"]: found["image"] for found in [*pod.get("initContainers", []), *pod["containers"]]}
        assert [name for name in names if images[name] not in OURS] == [name for name in names if name == IMAGE]
        near = beside(pod, IMAGE)
        assert [found["name"] for found in near] == (["probe"] if IMAGE in names else [])
        assert not any(has_credential(pod, found) for found in near)
    tested = [pod for pod in pods if beside(pod, IMAGE)]
    assert len(tested) == spec["test"]["enabled"]
    for pod in tested:
        (image,) = (found for found in pod["initContainers"] if found["name"] == IMAGE)
        assert not {"env", "envFrom", "volumeMounts"} & image.keys()
        assert not any("secret" in volume for volume in pod["volumes"])


def test_publish_has_the_login_and_nothing_that_is_not_ours():
    world = World()
    world.run_to(Stage.PUBLISH)
    pod = world.created[-1]["spec"]["template"]["spec"]
    (publish,) = pod["containers"]
    assert "initContainers" not in pod
    assert (publish["name"], publish["image"]) == ("publish", world.config.images.build)
    assert has_credential(pod, publish)
