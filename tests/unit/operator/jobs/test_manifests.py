"""Golden manifests of the Jobs of all stages, and rules for all of them: security, credentials, escaped values.

After a wanted change: `UPDATE_GOLDEN=1 make test-unit`, then read the difference.
"""

import json
import os
from pathlib import Path

import msgspec
import pytest
import yaml

from inference_image_contract import inputs
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Scheduling
from tests.support.world import World

ROW_44 = pytest.mark.row(
    44, "hostile values in every string of the API: refused, or stored literally and one literal argument or variable"
)

GOLDEN = Path(__file__).parents[1] / "golden"


def manifest(stage: Stage, **spec: object) -> dict:
    world = World()
    world.spec |= spec
    world.run_to(stage)
    return world.created[-1]


def containers(job: dict) -> dict[str, dict]:
    pod = job["spec"]["template"]["spec"]
    return {c["name"]: c for c in [*pod.get("initContainers", []), *pod["containers"]]}


@pytest.mark.parametrize("stage", Stage)
def test_golden(stage):
    text = yaml.safe_dump(msgspec.to_builtins(manifest(stage)), sort_keys=True, width=120)
    path = GOLDEN / f"{stage.lower()}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text


@pytest.mark.parametrize("stage", Stage)
def test_no_pod_has_an_api_token_or_restarts(stage):
    job = manifest(stage)
    pod = job["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["restartPolicy"] == "Never"
    assert "hostNetwork" not in pod
    assert "serviceAccountName" not in pod
    assert job["spec"]["backoffLimit"] == 0
    assert job["spec"]["ttlSecondsAfterFinished"] >= 86400
    owner = job["metadata"]["ownerReferences"][0]
    assert owner["controller"]
    assert not owner["blockOwnerDeletion"]


@pytest.mark.parametrize("stage", Stage)
def test_every_container_except_kaniko_and_the_image_is_restricted(stage):
    for name, container in containers(manifest(stage)).items():
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"]["drop"] == ["ALL"]
        if name not in ("kaniko", "image"):
            assert context["runAsNonRoot"] is True
            assert context["readOnlyRootFilesystem"] is True
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def secrets_of(job: dict, name: str) -> set[str]:
    container = containers(job)[name]
    by_env = {
        env["valueFrom"]["secretKeyRef"]["name"]
        for env in container.get("env", [])
        if "secretKeyRef" in env.get("valueFrom", {})
    }
    volumes = {
        v["name"]: v["secret"]["secretName"] for v in job["spec"]["template"]["spec"]["volumes"] if "secret" in v
    }
    mounted = {volumes[m["name"]] for m in container.get("volumeMounts", []) if m["name"] in volumes}
    return (by_env | mounted) - {"uhub-ca"}


WHO_GETS_WHAT = [
    (Stage.RESOLVE, {"resolve": {"ufile", "uhub"}}),
    (Stage.EXPORT, {"download": {"ufile"}, "export": set(), "upload": {"ufile"}}),
    (Stage.BUILD, {"assemble": {"ufile"}, "pull": {"uhub"}, "depot": set(), "kaniko": set(), "report": {"uhub"}}),
    (Stage.TEST, {"sample": {"ufile"}, "image": set(), "probe": set()}),
    (Stage.PUBLISH, {"publish": {"uhub"}}),
]


@pytest.mark.parametrize(("stage", "expected"), WHO_GETS_WHAT)
def test_each_container_gets_only_the_credentials_that_it_needs(stage, expected):
    job = manifest(stage, test={"sample": "uai/samples/shapes.png"})
    assert {name: secrets_of(job, name) for name in containers(job)} == expected


HOSTILE = ["$(UFILE_PRIVATE_KEY)", "--flag", "; rm -rf /", "`id`", "a b", "$$(X)", "$HOME", "%s{0}"]


def expand(text: str) -> str:
    """Expands as Kubernetes does: `$$` is one `$`. A remaining `$(NAME)` is a reference, and the test fails."""
    marked = text.replace("$$", "\0")
    assert "$(" not in marked
    return marked.replace("\0", "$")


@ROW_44
@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_build_argument_stays_one_argument(value):
    job = manifest(Stage.BUILD, build={"args": {"BASE": value}})
    args = [expand(arg) for arg in containers(job)["kaniko"]["args"]]
    assert args.count(f"--build-arg=BASE={value}") == 1


@ROW_44
@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_key_reaches_the_container_unchanged(value):
    world = World()
    world.spec["model"]["labelMap"] = value
    world.run_to(Stage.RESOLVE)
    env = containers(world.created[-1])["resolve"]["env"][0]
    assert env["name"] == "INFERENCE_IMAGE_INPUT"
    assert msgspec.json.decode(expand(env["value"]), type=inputs.ResolveInput).label_map == value


def test_scheduling_and_pull_secrets_of_object_and_installation_are_merged():
    world = World()
    world.spec["scheduling"] = {
        "nodeSelector": {"disk": "ssd", "kubernetes.io/arch": "arm64"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "imagePullSecrets": [{"name": "own"}],
    }
    jobs = msgspec.structs.replace(world.config.jobs, node_selector={"kubernetes.io/arch": "amd64"})
    scheduling = Scheduling(allowed_toleration_keys=("gpu",))
    world.config = msgspec.structs.replace(world.config, jobs=jobs, scheduling=scheduling)
    world.run_to(Stage.TEST)
    pod = world.created[-1]["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"disk": "ssd", "kubernetes.io/arch": "amd64"}
    assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert pod["imagePullSecrets"] == [{"name": "own"}, {"name": "uhub"}]


def test_the_objects_resources_override_the_defaults_and_disk_is_requested():
    job = manifest(Stage.BUILD, build={"resources": {"limits": {"memory": "3Gi"}}})
    resources = containers(job)["kaniko"]["resources"]
    assert resources["limits"]["memory"] == "3Gi"
    assert int(resources["requests"]["ephemeral-storage"]) > 300 << 20


@pytest.mark.parametrize(
    ("own", "request_", "limit"),
    [
        ({}, "2Gi", "4Gi"),
        ({"limits": {"memory": "1Gi"}}, "1Gi", "1Gi"),
        ({"requests": {"memory": "6Gi"}}, "6Gi", "6Gi"),
        ({"requests": {"memory": "1Gi"}, "limits": {"memory": "8Gi"}}, "1Gi", "8Gi"),
    ],
)
def test_a_default_request_is_lowered_to_the_objects_limit(own, request_, limit):
    resources = containers(manifest(Stage.EXPORT, export={"resources": own}))["export"]["resources"]
    assert (resources["requests"]["memory"], resources["limits"]["memory"]) == (request_, limit)


def test_a_config_map_source_is_mounted_in_resolve_and_assemble():
    source = {"configMap": {"name": "code", "items": [{"key": "a", "path": "code/a.py"}]}}
    for stage, name in ((Stage.RESOLVE, "resolve"), (Stage.BUILD, "assemble")):
        job = manifest(stage, source=source)
        mounts = {m["name"]: m["mountPath"] for m in containers(job)[name]["volumeMounts"]}
        assert mounts["source"] == "/var/run/inference-image/source"
        volume = next(v for v in job["spec"]["template"]["spec"]["volumes"] if v["name"] == "source")
        assert volume["configMap"]["items"] == [{"key": "a", "path": "code/a.py"}]


def test_equal_observations_give_equal_manifests():
    assert json.dumps(msgspec.to_builtins(manifest(Stage.TEST))) == json.dumps(
        msgspec.to_builtins(manifest(Stage.TEST))
    )


def test_a_queue_name_becomes_kueues_label_on_the_job_only():
    job = manifest(Stage.EXPORT, scheduling={"queueName": "detectors"})
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "detectors"
    assert "kueue.x-k8s.io/queue-name" not in job["spec"]["template"]["metadata"]["labels"]
    assert "kueue.x-k8s.io/queue-name" not in manifest(Stage.EXPORT)["metadata"]["labels"]
