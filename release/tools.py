"""The command lines of buildah, podman and docker."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from release.errors import ReleaseError


class Tool(StrEnum):
    """The programs that can build an image, the preferred one first."""

    BUILDAH = "buildah"
    PODMAN = "podman"
    DOCKER = "docker"


LAYOUTS = (Tool.BUILDAH, Tool.PODMAN)
"""The tools that read and write OCI layouts."""
MACHINES = ("x86_64", "AMD64")


@dataclass(frozen=True)
class Build:
    """The parameters of one build."""

    dockerfile: Path
    context: Path
    reference: str
    epoch: int
    """The time of every file and of the image, in seconds since 1970."""
    target: str = ""
    arguments: Sequence[str] = field(default=())
    """`NAME=value` for ARG instructions."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels beside those of the Dockerfile."""
    flags: Sequence[str] = field(default=())
    """Extra flags for the tool."""


def choose(wanted: str, present: Collection[str]) -> Tool:
    """The requested tool, else the preferred installed one. Raises ReleaseError when no tool is installed."""
    names = ", ".join(Tool)
    if wanted and wanted not in list(Tool):
        raise ReleaseError(f"TOOL={wanted} is unknown. Use one of: {names}.")
    found = next((tool for tool in Tool if tool in present and tool == (wanted or tool)), None)
    if found is None:
        missing = f"{wanted} is not installed" if wanted else "No builder is installed"
        raise ReleaseError(f"{missing}. Install one of: {names}.")
    return found


def check_machine(machine: str) -> None:
    """Raises ReleaseError unless the machine builds images for amd64."""
    if machine not in MACHINES:
        raise ReleaseError(f"The images are for amd64, but this machine is {machine}. Build them on an amd64 machine.")


def pull(tool: Tool, archive: Path) -> list[str]:
    """Loads the image of an OCI archive into the tool's storage and prints its ID.

    Raises ReleaseError when the tool cannot.
    """
    if tool not in LAYOUTS:
        raise ReleaseError(f"{tool} cannot read an OCI layout. Use TOOL={' or TOOL='.join(LAYOUTS)}.")
    return [tool, "pull", "--quiet", f"oci-archive:{archive}"]


def build(tool: Tool, wanted: Build) -> list[str]:
    """Builds an image and tags it in the tool's storage."""
    arguments = [*wanted.arguments]
    if tool is Tool.DOCKER:
        times: list[str] = []
        arguments.append(f"SOURCE_DATE_EPOCH={wanted.epoch}")  # BuildKit reads this argument
    else:
        # Without the label io.buildah.version, another version of the tool can make the same image.
        times = ["--layers", "--format=oci", f"--timestamp={wanted.epoch}", "--identity-label=false"]
    return [
        *(tool, "build", *times, f"--file={wanted.dockerfile}", f"--tag={wanted.reference}"),
        *([f"--target={wanted.target}"] if wanted.target else []),
        *(f"--build-arg={argument}" for argument in arguments),
        *(f"--label={name}={value}" for name, value in sorted(wanted.labels.items())),
        *wanted.flags,
        str(wanted.context),
    ]


def push(tool: Tool, reference: str, digest_file: Path, flags: Sequence[str] = ()) -> list[str]:
    """Pushes an image; buildah and podman write the digest of what they pushed into the file."""
    noted = [] if tool is Tool.DOCKER else [f"--digestfile={digest_file}"]
    return [tool, "push", *noted, *flags, reference]


def pushed_digests(reference: str) -> list[str]:
    """Prints the digests that docker has recorded for a pushed image, one reference per line."""
    return ["docker", "image", "inspect", '--format={{join .RepoDigests "\\n"}}', reference]


def digest_of(reference: str, listing: str) -> str:
    """The digest of this reference's repository in the output of `pushed_digests`. Raises ReleaseError without one."""
    repository = reference.rpartition(":")[0]
    for line in listing.splitlines():
        name, _, digest = line.strip().partition("@")
        if name == repository:
            return check_digest(digest)
    raise ReleaseError(f"docker has no digest for {reference}. Push it again with TOOL=buildah or TOOL=podman.")


def check_digest(text: str) -> str:
    """The digest in this text, without surrounding white space. Raises ReleaseError for any other text."""
    digest = text.strip()
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise ReleaseError(f"The builder reports an invalid digest: {digest[:80] or '(nothing)'}.")
    return digest


def layout(tool: Tool, reference: str, folder: Path, tag: str) -> list[str]:
    """Writes an image of the tool's storage as an OCI layout. Raises ReleaseError when the tool cannot."""
    if tool not in LAYOUTS:
        raise ReleaseError(f"{tool} cannot write an OCI layout. Use TOOL={' or TOOL='.join(LAYOUTS)}.")
    return [tool, "push", "--format=oci", reference, f"oci:{folder}:{tag}"]
