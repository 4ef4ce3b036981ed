"""Each kind of source: Jobs, status and policy."""

from datetime import timedelta

import msgspec
import pytest

from inference_image_contract import inputs, results
from inference_image_operator.api import normalised, read
from inference_image_operator.api.spec import Spec
from inference_image_operator.api.stages import Stage
from inference_image_operator.config import installation as config
from inference_image_operator.jobs.sizing.disk import SMALL
from tests.support.world import CONFIG, RESULTS, SPEC, World, report

GIT = {"url": "ssh://git@git.test:2222/team/app.git", "ref": "v1", "path": "code", "secretRef": {"name": "git"}}
GIT_CONFIG = msgspec.structs.replace(CONFIG, sources=config.Sources(git_hosts=("git.test:2222",)))
COMMIT = "c0ffee" + "0" * 34
KEYS = ["UFILE_PUBLIC_KEY", "UFILE_PRIVATE_KEY", "UFILE_SECURITY_TOKEN"]


def run_to(stage: Stage, source: dict, installation: config.Config = CONFIG) -> tuple[dict, dict[str, dict]]:
    """The pod of a stage, and its containers by name."""
    world = World(config=installation)
    world.spec["source"] = source
    world.run_to(stage)
    pod = world.created[-1]["spec"]["template"]["spec"]
    return pod, {c["name"]: c for c in [*pod.get("initContainers", []), *pod["containers"]]}


def volumes(pod: dict) -> dict[str, dict]:
    return {volume["name"]: volume for volume in pod["volumes"]}


def mounted(container: dict) -> set[str]:
    return {mount["name"] for mount in container["volumeMounts"]}


def asked(container: dict, kind: type) -> inputs.Input:
    return msgspec.json.decode(container["env"][0]["value"].replace("$$", "$"), type=kind)


def test_a_git_login_reaches_only_the_containers_that_fetch():
    for stage, fetches in ((Stage.RESOLVE, "resolve"), (Stage.BUILD, "assemble")):
        pod, containers = run_to(stage, {"git": GIT}, GIT_CONFIG)
        assert volumes(pod)["git"] == {"name": "git", "secret": {"secretName": "git", "defaultMode": 0o440}}
        assert {name for name, found in containers.items() if "git" in mounted(found)} == {fetches}
        assert {name for name, found in containers.items() if "download" in mounted(found)} == {fetches}
        assert "git" not in str([found.get("args") for found in containers.values()])


def test_the_jobs_get_the_repository_and_the_allowed_hosts():
    wanted = inputs.GitSource(url=GIT["url"], ref="v1", path="code", allowed_hosts=("git.test:2222",))
    _, resolving = run_to(Stage.RESOLVE, {"git": GIT}, GIT_CONFIG)
    _, building = run_to(Stage.BUILD, {"git": GIT}, GIT_CONFIG)
    assert asked(resolving["resolve"], inputs.ResolveInput).source_git == wanted
    assert asked(building["assemble"], inputs.AssembleInput).source_git == wanted


def test_a_public_repository_needs_no_secret():
    pod, containers = run_to(Stage.RESOLVE, {"git": {"url": "https://git.test:2222/a"}}, GIT_CONFIG)
    assert "git" not in volumes(pod)
    assert asked(containers["resolve"], inputs.ResolveInput).source_git.ref == "HEAD"


def test_a_download_gets_disk_space():
    for stage, name in ((Stage.RESOLVE, "resolve"), (Stage.BUILD, "assemble")):
        pod, containers = run_to(stage, {"ufile": {"archive": "uai/code.zip"}})
        size = str(1280 << 20)
        assert volumes(pod)["download"]["emptyDir"] == {"sizeLimit": size}
        assert containers[name]["resources"]["requests"]["ephemeral-storage"] == size
        assert [item["name"] for item in containers[name]["env"][1:]] == KEYS
    _, resolving = run_to(Stage.RESOLVE, {"ufile": {"archive": "uai/code.zip"}})
    told = asked(resolving["resolve"], inputs.ResolveInput)
    assert (told.source_archive, told.source_prefix) == ("uai/code.zip", "")


def test_a_prefix_gets_no_disk_space_for_a_download():
    pod, containers = run_to(Stage.RESOLVE, SPEC["source"])
    assert "download" not in volumes(pod)
    assert containers["resolve"]["resources"]["requests"]["ephemeral-storage"] == str(SMALL)


def test_base_image_rewrites_reach_resolve():
    sources = config.Sources(
        inference_base="uhub.devcluster.test/platform/base:1",
        base_image_rewrites=(config.BaseImageRewrite(prefix="uhub.ucloud.cn", replacement="uhub.devcluster.test"),),
    )
    _, containers = run_to(Stage.RESOLVE, SPEC["source"], msgspec.structs.replace(CONFIG, sources=sources))
    told = asked(containers["resolve"], inputs.ResolveInput)
    assert told.inference_base == "uhub.devcluster.test/platform/base:1"
    assert told.base_rewrites == (inputs.BaseRewrite(prefix="uhub.ucloud.cn", replacement="uhub.devcluster.test"),)


def test_the_commit_is_recorded_and_removed_with_its_source():
    world = World(config=GIT_CONFIG)
    world.spec["source"] = {"git": GIT}
    world.settle()
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], commit=COMMIT))
    world.settle()
    assert world.status.source.commit == COMMIT
    world.run_whole()
    assert world.status.source.commit == COMMIT
    world.spec["source"] = SPEC["source"]
    world.generation += 1
    world.run_to(Stage.EXPORT)
    assert world.status.source is None


@pytest.mark.parametrize(
    ("url", "hosts", "words"),
    [
        ("https://git.test/a", (), "git.test; this installation allows no Git host"),
        ("https://git.test:8443/a", ("git.test",), "git.test:8443; this installation allows git.test"),
        ("ssh://git@evil.test/git.test/a", ("git.test",), "evil.test; this installation allows git.test"),
    ],
)
def test_a_git_host_that_is_not_listed_stalls(url, hosts, words):
    world = World(config=msgspec.structs.replace(CONFIG, sources=config.Sources(git_hosts=hosts)))
    world.spec["source"] = {"git": {"url": url}}
    world.settle()
    assert world.created == []
    assert world.condition("Stalled").reason == "GitHostNotAllowed"
    assert words in world.condition("Ready").message


def test_a_new_kind_of_source_changes_no_other_hash():
    assert (
        b'"source":{"dockerfile":"object-detect-cpu.Dockerfile","ufile":{"prefix":"uai/object-detect/"}}'
        in normalised(read(Spec, SPEC))
    )


def following(**parts: str) -> World:
    """A published object that polls its checkpoint, its commit, or both."""
    world = World(config=GIT_CONFIG)
    world.spec["source"] = {"git": GIT | ({"poll": parts["git"]} if "git" in parts else {})}
    if "checkpoint" in parts:
        world.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": parts["checkpoint"]}
    world.settle()
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], commit=COMMIT))
    world.run_whole()
    return world


@pytest.mark.parametrize(
    ("parts", "minutes"),
    [
        ({"git": "10m"}, 10),
        ({"git": "90s", "checkpoint": "1h"}, 1.5),
        ({"git": "1h", "checkpoint": "600000ms"}, 10),
        ({"checkpoint": "2h"}, 120),
    ],
)
def test_the_shorter_polling_interval_applies(parts, minutes):
    world = following(**parts)
    due = world.status.last_poll_time + timedelta(minutes=minutes)
    assert world.step().requeue_after == (due - world.now).total_seconds()
    world.now = due
    world.step()
    assert world.poll_job


def test_without_polling_a_moved_branch_is_ignored():
    assert following().settled


def test_a_moved_branch_is_built():
    world = following(git="10m")
    world.advance(minutes=10)
    world.step()
    moved = msgspec.structs.replace(RESULTS[Stage.RESOLVE], commit="1" * 40, inputs_hash="sha256:" + "9" * 64)
    world.end_poll(report("resolve", results.encode(moved)))
    world.settle()
    world.finish(moved)
    world.run_whole()
    assert world.status.source.commit == "1" * 40
    assert world.status.run.inputs_hash == moved.inputs_hash


def test_the_polling_interval_of_a_branch_changes_no_hash():
    spec = SPEC | {"source": {"git": GIT}}
    polled = SPEC | {"source": {"git": GIT | {"poll": "10m"}}}
    assert normalised(read(Spec, polled)) == normalised(read(Spec, spec))


def test_rewrites_are_read_from_the_configuration():
    text = (
        "images: {export: e, build: b, kaniko: k}\n"
        "sources: {gitHosts: [git.test], baseImageRewrites: [{from: a.test/x, to: b.test}]}"
    )
    found = config.parse(text).sources
    assert found.git_hosts == ("git.test",)
    assert found.base_image_rewrites == (config.BaseImageRewrite(prefix="a.test/x", replacement="b.test"),)
    with pytest.raises(config.ConfigError, match="both `from` and `to`"):
        config.parse(text.replace("b.test}", '""}'))
