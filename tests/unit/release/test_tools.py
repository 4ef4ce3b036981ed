"""The command lines of the builders, and the choice between them."""

from pathlib import Path

import pytest

from release import tools
from release.errors import ReleaseError
from release.tools import Tool

REFERENCE = "registry.test/team/kaniko:1.2.3"
DIGEST = "sha256:" + "a" * 64
BUILD = tools.Build(
    dockerfile=Path("/s/Dockerfile"),
    context=Path("/c"),
    reference=REFERENCE,
    epoch=1700000000,
    target="export",
    arguments=("BASE_IMAGE=base:1", "RUNTIME=onnx"),
    labels={"title": "x", "revision": "abc"},
    flags=("--network=host",),
)


@pytest.mark.parametrize(
    ("wanted", "present", "chosen"),
    [
        ("", {"docker", "podman", "buildah"}, Tool.BUILDAH),
        ("", {"docker", "podman"}, Tool.PODMAN),
        ("", {"docker"}, Tool.DOCKER),
        ("docker", {"docker", "podman", "buildah"}, Tool.DOCKER),
    ],
)
def test_the_preferred_tool_is_chosen(wanted: str, present: set[str], chosen: Tool) -> None:
    assert tools.choose(wanted, present) is chosen


@pytest.mark.parametrize(
    ("wanted", "present", "message"),
    [
        ("", set(), "No builder is installed. Install one of: buildah"),
        ("podman", {"buildah"}, "podman is not installed. Install one of: buildah, podman, docker"),
        ("kaniko", {"buildah"}, "TOOL=kaniko is unknown. Use one of: buildah, podman, docker"),
    ],
)
def test_a_missing_tool_is_refused(wanted: str, present: set[str], message: str) -> None:
    with pytest.raises(ReleaseError, match=message):
        tools.choose(wanted, present)


@pytest.mark.parametrize("tool", [Tool.BUILDAH, Tool.PODMAN])
def test_buildah_and_podman_build_with_fixed_times(tool: Tool) -> None:
    assert tools.build(tool, BUILD) == [
        *(tool, "build", "--layers", "--format=oci", "--timestamp=1700000000", "--identity-label=false"),
        *("--file=/s/Dockerfile", f"--tag={REFERENCE}", "--target=export"),
        *("--build-arg=BASE_IMAGE=base:1", "--build-arg=RUNTIME=onnx", "--label=revision=abc", "--label=title=x"),
        *("--network=host", "/c"),
    ]


def test_docker_gets_the_time_as_an_argument() -> None:
    assert tools.build(Tool.DOCKER, BUILD) == [
        *("docker", "build", "--file=/s/Dockerfile", f"--tag={REFERENCE}", "--target=export"),
        *("--build-arg=BASE_IMAGE=base:1", "--build-arg=RUNTIME=onnx", "--build-arg=SOURCE_DATE_EPOCH=1700000000"),
        *("--label=revision=abc", "--label=title=x", "--network=host", "/c"),
    ]


def test_the_digest_of_a_push_is_recorded() -> None:
    words = ["push", "--digestfile=/d", "--tls-verify=false", REFERENCE]
    assert tools.push(Tool.BUILDAH, REFERENCE, Path("/d"), ["--tls-verify=false"]) == ["buildah", *words]
    assert tools.push(Tool.DOCKER, REFERENCE, Path("/d")) == ["docker", "push", REFERENCE]


def test_docker_reports_the_digest_of_this_repository() -> None:
    listing = f"registry.test/other/kaniko@sha256:{'b' * 64}\nregistry.test/team/kaniko@{DIGEST}\n"
    assert tools.digest_of(REFERENCE, listing) == DIGEST


@pytest.mark.parametrize("listing", ["", "registry.test/team/kaniko2@" + DIGEST])
def test_docker_without_a_digest_is_refused(listing: str) -> None:
    with pytest.raises(ReleaseError, match="docker has no digest for"):
        tools.digest_of(REFERENCE, listing)


@pytest.mark.parametrize("text", ["", "sha256:12", "sha512:" + "a" * 64])
def test_an_invalid_digest_is_refused(text: str) -> None:
    with pytest.raises(ReleaseError, match="invalid digest"):
        tools.check_digest(text)


def test_white_space_around_a_digest_is_stripped() -> None:
    assert tools.check_digest(DIGEST + "\n") == DIGEST


def test_docker_cannot_read_or_write_layouts() -> None:
    for command in (
        lambda: tools.layout(Tool.DOCKER, REFERENCE, Path("/l"), "1.2.3"),
        lambda: tools.pull(Tool.DOCKER, Path("/a")),
    ):
        with pytest.raises(ReleaseError, match="Use TOOL=buildah or TOOL=podman"):
            command()


def test_a_layout_is_written_with_its_tag() -> None:
    assert tools.layout(Tool.PODMAN, REFERENCE, Path("/l"), "1.2.3") == [
        *("podman", "push", "--format=oci", REFERENCE, "oci:/l:1.2.3"),
    ]


def test_images_are_built_on_amd64_only() -> None:
    tools.check_machine("x86_64")
    with pytest.raises(ReleaseError, match="this machine is aarch64"):
        tools.check_machine("aarch64")
