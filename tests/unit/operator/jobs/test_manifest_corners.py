"""Corner cases of the manifests that the golden files do not cover."""

import msgspec
import pytest

from inference_image_contract import inputs
from inference_image_contract.content import content_hash
from inference_image_operator.api import Status
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Registries
from inference_image_operator.config.jobs import PullSecret
from inference_image_operator.jobs import manifest
from inference_image_operator.jobs.image_labels import provenance
from inference_image_operator.jobs.pod import escape_dollars
from inference_image_operator.jobs.sizing import disk
from inference_image_operator.jobs.sizing.containers import memory_limit
from inference_image_operator.jobs.stages.kaniko import kaniko_args, local_args
from tests.support.world import GRAPH, RESULTS, World

MIB = 1 << 20


def job(stage: Stage, world: World | None = None, **spec: object) -> dict:
    world = world or World()
    world.spec |= spec
    world.run_to(stage)
    return world.created[-1]


def containers(found: dict) -> dict[str, dict]:
    pod = found["spec"]["template"]["spec"]
    return {c["name"]: c for c in [*pod.get("initContainers", []), *pod["containers"]]}


def work(found: dict, name: str, kind: type) -> object:
    value = containers(found)[name]["env"][0]["value"]
    return msgspec.json.decode(value.replace("$$", "$"), type=kind)


def test_scratch_space_in_bytes():
    assert disk.workspace(800 * MIB) == (64 + 800 + 100) * MIB
    assert disk.kaniko(100 * MIB, 300 * MIB) == (64 + 1200 + 300 + 200) * MIB
    assert disk.export(100 * MIB) == (256 + 400) * MIB


@pytest.mark.row(45, "$(UFILE_PRIVATE_KEY) in a field stays literal")
def test_dollars_are_escaped():
    assert escape_dollars("$(A) $$ $") == "$$(A) $$$$ $$"


@pytest.mark.parametrize(("ttl", "seconds"), [("1h", 86400), ("24h", 86400), ("48h", 172800)])
def test_a_finished_job_is_kept_for_at_least_a_day(ttl, seconds):
    assert job(Stage.RESOLVE, ttlAfterFinished=ttl)["spec"]["ttlSecondsAfterFinished"] == seconds


def test_deadlines_follow_the_spec():
    timeouts = {"export": {"timeout": "7m"}, "build": {"timeout": "8m"}, "test": {"timeout": "9m"}}
    found = [job(stage, **timeouts)["spec"]["activeDeadlineSeconds"] for stage in Stage]
    assert found == [1800, 420, 480, 900 + 540, 1800]
    assert work(job(Stage.EXPORT, **timeouts), "export", inputs.ExportInput).timeout_seconds == 420


def test_a_long_name_gives_a_valid_label():
    world = World()
    world.settle()
    for name, label in (("x" * 70, "x" * 63), ("x" * 62 + ".y", "x" * 62)):
        observed = msgspec.structs.replace(world.observed(), name=name)
        found = manifest(observed, world.status, world.config)
        assert found["metadata"]["labels"]["uai.ucloud.cn/inferenceimage"] == label
        assert found["metadata"]["annotations"]["uai.ucloud.cn/owner"] == name


def test_a_status_without_the_needed_parts_is_an_error():
    world = World()
    world.run_to(Stage.TEST)
    observed, status = world.observed(), world.status
    stage = status.stage
    cases = (
        (Status(), "the status claims no stage"),
        (msgspec.structs.replace(status, built=None), "the status has no image to test"),
        (
            msgspec.structs.replace(status, stage=msgspec.structs.replace(stage, name="Build"), frozen_graph=None),
            "the status has no frozen graph to build an image from",
        ),
        (
            msgspec.structs.replace(status, stage=msgspec.structs.replace(stage, name="Export"), input_lock=None),
            "the status has no input lock yet",
        ),
    )
    for broken, message in cases:
        with pytest.raises(ValueError, match=message):
            manifest(observed, broken, world.config)
    world.spec["ufile"]["endpoint"]["suffix"] = ".elsewhere"
    resolving = msgspec.structs.replace(stage, name="Resolve")
    with pytest.raises(ValueError, match="does not allow the endpoint"):
        manifest(world.observed(), msgspec.structs.replace(status, stage=resolving), world.config)


def test_kanikos_command_line():
    world = World()
    registries = Registries(allowed=("uhub.devcluster.test", "plain.test:5000"), plain_http=("plain.test:5000",))
    world.config = msgspec.structs.replace(world.config, registries=registries)
    world.spec["build"] = {"args": {"B": "2", "A": "1"}}
    world.run_to(Stage.BUILD)
    args = kaniko_args(world.observed(), world.status, world.config)
    content, ca = content_hash(RESULTS[Stage.RESOLVE].inputs_hash, GRAPH)[7:], "/inference-image-ca/ca.crt"
    assert args == containers(world.created[-1])["kaniko"]["args"]
    depot = "127.0.0.1:61999"
    assert [arg for arg in args if "registry" in arg or "build-arg" in arg or "destination" in arg] == [
        f"--destination={depot}/image:content-{content}",
        "--build-arg=A=1",
        "--build-arg=B=2",
        f"--registry-mirror={depot}/base",
        f"--registry-map=uhub.devcluster.test={depot}/base",
        f"--registry-map=plain.test:5000={depot}/base",
        "--skip-default-registry-fallback",
    ]
    local = local_args(world.observed(), world.status, world.config)
    trust = [
        f"--registry-certificate=uhub.devcluster.test={ca}",
        f"--registry-certificate=plain.test:5000={ca}",
        "--insecure-registry=plain.test:5000",
    ]
    assert [arg for arg in local if "registry" in arg or "destination" in arg] == [
        f"--destination=uhub.devcluster.test/demo/object-detect-infer:content-{content}",
        *trust,
    ]
    world.spec["build"]["cache"] = {"enabled": True}
    cached = kaniko_args(world.observed(), world.status, world.config)
    assert [arg for arg in cached if arg not in args] == [
        "--cache=true",
        "--cache-repo=uhub.devcluster.test/demo/object-detect-infer-cache",
        *trust,
    ]
    del world.spec["build"]["cache"]
    bare = kaniko_args(world.observed(), msgspec.structs.replace(world.status, checkpoint=None), world.config)
    assert [arg for arg in args if arg not in bare] == [
        "--label=org.opencontainers.image.version=800",
        "--label=uai.ucloud.cn/checkpoint-step=800",
        "--label=uai.ucloud.cn/checkpoint-fingerprint=sha256:" + "f" * 64,
        '--label=uai.ucloud.cn/checkpoint-files=[["model.ckpt-800.index",10,"e"]]',
    ]
    assert [arg for arg in bare if "label" in arg] == [
        f"--label=org.opencontainers.image.revision=sha256:{content}",
        f"--label=uai.ucloud.cn/content-hash=sha256:{content}",
    ]


def test_equal_content_has_equal_labels_under_any_prefix():
    world = World()
    world.run_to(Stage.BUILD)
    files = tuple(
        msgspec.structs.replace(item, key="elsewhere/" + item.key.rpartition("/")[2])
        for item in world.status.checkpoint.files
    )
    moved = msgspec.structs.replace(world.status.checkpoint, files=files)
    there = provenance(msgspec.structs.replace(world.status, checkpoint=moved), "elsewhere/")
    assert there == provenance(world.status, "uai/object-train-output/")


def test_without_secrets_nothing_is_mounted():
    image = {"repository": "uhub.devcluster.test/a/b", "tags": ["t"]}
    for stage in Stage:
        found = job(stage, image=image)
        volumes = found["spec"]["template"]["spec"]["volumes"]
        assert not [volume for volume in volumes if "secret" in volume]
        assert "imagePullSecrets" not in found["spec"]["template"]["spec"]
    assert not [arg for arg in containers(job(Stage.BUILD, image=image))["kaniko"]["args"] if "certificate" in arg]


def test_each_pull_secret_is_listed_once_the_installations_first():
    world = World()
    jobs = msgspec.structs.replace(world.config.jobs, image_pull_secrets=(PullSecret(name="steps"),))
    world.config = msgspec.structs.replace(world.config, jobs=jobs)
    world.spec["scheduling"] = {"imagePullSecrets": [{"name": "uhub"}]}
    found = job(Stage.TEST, world)
    assert found["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "steps"}, {"name": "uhub"}]


def test_classes_and_affinity_reach_the_pod():
    world = World()
    scheduling = msgspec.structs.replace(
        world.config.scheduling,
        allowed_priority_classes=("low",),
        allowed_runtime_classes=("gvisor",),
        allow_affinity=True,
    )
    world.config = msgspec.structs.replace(world.config, scheduling=scheduling)
    wanted = {"priorityClassName": "low", "runtimeClassName": "gvisor", "affinity": {"podAffinity": {}}}
    pod = job(Stage.RESOLVE, world, scheduling=wanted)["spec"]["template"]["spec"]
    assert {name: pod[name] for name in wanted} == wanted


@pytest.mark.parametrize(("enabled", "sample"), [(True, "uai/a.png"), (False, "")])
def test_resolve_checks_the_sample_only_if_the_test_uses_it(enabled, sample):
    found = job(Stage.RESOLVE, test={"enabled": enabled, "sample": "uai/a.png"})
    assert work(found, "resolve", inputs.ResolveInput).sample == sample


def test_a_config_map_is_mounted_whole_or_by_items():
    whole = job(Stage.RESOLVE, source={"configMap": {"name": "code"}})
    volume = next(v for v in whole["spec"]["template"]["spec"]["volumes"] if v["name"] == "source")
    assert volume == {"name": "source", "configMap": {"name": "code", "defaultMode": 0o444}}
    mounts = [mount for c in containers(whole).values() for mount in c["volumeMounts"] if mount["name"] == "source"]
    assert mounts
    assert all(mount["readOnly"] is True for mount in mounts)
    assert work(whole, "resolve", inputs.ResolveInput).source_prefix == ""
    assert work(job(Stage.BUILD, source={"configMap": {"name": "code"}}), "assemble", inputs.AssembleInput)


@pytest.mark.parametrize("builder", ["Kaniko", "Append"])
@pytest.mark.parametrize("stage", list(Stage))
def test_the_memory_limit_of_each_container_is_that_of_its_manifest(stage, builder):
    world = World()
    test = {"sample": "a.jpg", "matchGraph": True}
    found = job(stage, world, build={"builder": builder, "resources": {"limits": {"memory": "3Gi"}}}, test=test)
    limits = {name: c["resources"]["limits"]["memory"] for name, c in containers(found).items()}
    observed = world.observed()
    assert limits == {name: memory_limit(observed.spec, observed.status, world.config, name) for name in limits}
    assert memory_limit(observed.spec, observed.status, world.config, "istio-proxy") is None
