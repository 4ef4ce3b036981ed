"""The list of this project's images, and their push to the registry."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from devcluster import settings
from devcluster.certs import credentials
from devcluster.images import base_image, buildah, oci
from devcluster.images.image_build import Image, build
from devcluster.lib.progress import say, step
from devcluster.lib.run import CommandError, NotReadyError
from devcluster.node import inside, supervisor

ALL = (
    Image("kaniko", "devcluster/images/kaniko.Dockerfile", "about 5 s"),
    Image("operator", "operator/Dockerfile", "about 15 s"),
    Image("build", "build_job/Dockerfile", "about 15 s"),
    Image("export", "export_job/Dockerfile", "about 2 min"),
    Image("inference-base", "examples/object-detect/base.Dockerfile", "about 2 min"),
)
EXTRA = (
    Image("export-onnx", "export_job/Dockerfile", "about 2 min", "export-onnx"),
    Image("inference-base-onnx", "examples/object-detect/base.Dockerfile", "about 1 min", arguments=("RUNTIME=onnx",)),
    Image(
        "tutorial-base",
        "examples/tutorial/base.Dockerfile",
        "about 2 min",
        base=base_image.DEBIAN_11,
        pushed_as=settings.TUTORIAL_BASE,
    ),
)
"""Images that the demo does not need: `python -m devcluster images export-onnx`."""
_BY_NAME = {image.name: image for image in (*ALL, *EXTRA)}
INDEX = settings.STATE / "images.json"


def and_named(names: Iterable[str]) -> tuple[Image, ...]:
    """The images of every installation, plus the named ones."""
    return (*ALL, *(_BY_NAME[name] for name in names))


def build_all(images: Iterable[Image] = ALL) -> dict[str, Path]:
    """Image name -> OCI layout, for every image including `base`."""
    return {"base": base_image.ensure(), **{image.name: build(image) for image in images}}


def push_all(layouts: dict[str, Path]) -> dict[str, str]:
    """Pushes the images that the registry does not have, tagged `latest`, and records every reference by digest."""
    references = {}
    for name, layout in layouts.items():
        target = settings.BASE_IMAGE if name == "base" else _BY_NAME[name].reference
        repository, _, tag = target.rpartition(":")
        references[name] = f"{repository}@{push(layout, repository, tag)}"
    known = json.loads(INDEX.read_text()) if INDEX.exists() else {}
    INDEX.write_text(json.dumps(known | references, indent=2) + "\n")
    return references


def push(layout: Path, repository: str, tag: str) -> str:
    """Pushes a layout's image as `repository:tag`, unless it is there, and returns its digest."""
    digest = oci.digest(layout)
    if _served(f"{repository}:{tag}") == digest:
        return digest
    with step(f"Pushing {repository}:{tag}"):
        inside.run_inside(
            [
                *("skopeo", f"--policy={buildah.POLICY}", "copy", "--quiet", "--preserve-digests"),
                *(f"--dest-authfile={credentials.docker_config()}", f"--dest-cert-dir={credentials.trust_directory()}"),
                *(f"oci:{layout}", f"docker://{repository}:{tag}"),
            ]
        )
    return digest


def _served(reference: str) -> str:
    """The digest of a tag in the registry, empty for an unknown tag."""
    try:
        manifest = inside.run_inside(
            [
                *("skopeo", f"--policy={buildah.POLICY}", "inspect", "--raw"),
                *(f"--authfile={credentials.docker_config()}", f"--cert-dir={credentials.trust_directory()}"),
                f"docker://{reference}",
            ]
        )
    except CommandError:
        return ""
    return "sha256:" + hashlib.sha256(manifest.encode()).hexdigest()


def publish(names: Sequence[str]) -> None:
    """Builds and pushes the named images (default: all) and prints their references."""
    unknown = set(names) - set(_BY_NAME)
    if unknown:
        raise ValueError(f"Unknown image {', '.join(sorted(unknown))}. The images are: {', '.join(_BY_NAME)}.")
    if supervisor.process() is None:
        raise NotReadyError("The registry is not running: start the cluster with `make cluster-up`.")
    chosen = [_BY_NAME[name] for name in names] if names else ALL
    for name, reference in push_all(build_all(chosen)).items():
        say(f"{name:16}{reference}")
