"""Where the code comes from, on the real kubelet: Git, archives, no Dockerfile; and what a poll finds."""

from pathlib import Path

import pytest

from demo import kubectl
from demo.seed import EXAMPLE
from devcluster import settings
from tests.e2e import registry
from tests.e2e.git_host import FILES
from tests.e2e.stack import Case, fresh_repository, objects
from tests.support.archives import tar_gz, zipped

DOCKERFILE = "object-detect-cpu.Dockerfile"


def until_new(case: Case, digest: str) -> dict:
    """The status once a poll has published another image."""
    case.until("another image is published", lambda: case.status["image"]["digest"] != digest)
    return case.until_ready()


def events(case: Case, reason: str) -> list[str]:
    found = kubectl.get("-n", case.namespace, "events")["items"]
    return [event["message"] for event in found if event["reason"] == reason]


def test_a_branch_without_a_dockerfile_is_built_and_followed(case, git_host):
    git_host.give_to(case, poll="1m")
    case.spec["image"]["repository"] = fresh_repository()
    case.apply()
    status = case.until_ready()
    assert status["source"]["commit"] == git_host.repository.git("rev-parse", "HEAD")
    first = case.pulled()
    assert {"/ai/conf.json", "/ai/checkpoint_dir/frozen_inference_graph.pb"} < first.files.keys()

    commit = git_host.repository.commit({"serving/code/added.py": b"x = 1\n"})
    status = until_new(case, status["image"]["digest"])
    assert status["source"]["commit"] == commit
    assert status["timings"]["export"] == "Reused"
    assert events(case, "NewContent")
    second = case.pulled()
    assert second.files.keys() - first.files.keys() == {"/ai/added.py"}
    new = sum(size for digest, size in second.layers.items() if digest not in first.layers)
    assert new < 0.01 * sum(second.layers.values())


def test_a_host_that_is_not_allowed_is_refused_before_a_job(case):
    case.spec["source"] = {"git": {"url": "https://git.example.com/x.git"}, "checkpointDir": "code/checkpoint_dir"}
    case.apply()
    case.until_failed("GitHostNotAllowed")
    assert kubectl.get("-n", case.namespace, "jobs")["items"] == []


@pytest.mark.parametrize(("end", "pack"), [("tar.gz", tar_gz), ("zip", zipped)])
def test_an_archive_is_built(case, end, pack, tmp_path):
    packed = tmp_path / f"source.{end}"
    packed.write_bytes(pack(FILES | {DOCKERFILE: (EXAMPLE / DOCKERFILE).read_bytes()}))
    key = f"{case.prefix}{packed.name}"
    objects({"upload": [str(packed), key]})
    case.spec["source"] |= {"ufile": {"archive": key}}
    case.spec["image"]["repository"] = fresh_repository()
    case.apply()
    case.until_ready()
    code = {path for path in case.pulled().files if path.endswith(".py") and path.startswith("/ai/")}
    assert code == {f"/ai/{Path(name).name}" for name in FILES if name.endswith(".py")}


def test_a_base_image_that_moved_is_noticed_by_the_next_look(case):
    base = f"{fresh_repository()}:latest"
    registry.copy(f"{settings.IMAGE_PREFIX}/inference-base:latest", base)
    case.spec["build"]["args"]["BASE_IMAGE"] = base
    case.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "1m"}
    case.spec["image"]["repository"] = fresh_repository()
    case.apply()
    status = case.until_ready()
    first = case.pulled()

    registry.copy(status["image"]["reference"], base)  # what lies upon the base is a base with one layer or two more
    status = until_new(case, status["image"]["digest"])
    assert status["timings"]["export"] == "Reused"
    assert events(case, "NewContent")
    layers = list(case.pulled().layers)
    assert layers[: len(first.layers)] == list(first.layers)
    assert len(layers) > len(first.layers)
