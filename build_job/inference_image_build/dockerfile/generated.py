"""Generates the Dockerfile for a source without one, with separate layers for weights, code and configuration.

It supports the tutorial's layout: a folder `code/` with the inference code, and one `NAME.conf` next to it.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

NAME = "Dockerfile"
"""The default of spec.source.dockerfile. A Dockerfile is generated only if the field has this value."""
WEIGHTS = ".inference-image/weights"
"""Where `assemble` puts the graph and the label map: outside `code/`, whose layer would contain them as well."""
BASE = "inference-base"
"""Stands for the base image in hashes, because its name depends on the installation."""
_CODE, _CONF = "code", ".conf"
_HOME = "/ai"


class Layout(NamedTuple):
    """The path of the configuration in the source, and the folder of the weights in the image."""

    conf: str
    checkpoint_dir: str


def layout(paths: Iterable[str], checkpoint_dir: str) -> Layout | str:
    """The layout of these files, or, as a clause, why no Dockerfile can be generated for them."""
    paths = tuple(paths)
    similar = [path for path in paths if "dockerfile" in PurePosixPath(path).name.lower()]
    if similar:
        return f"there is {', '.join(similar[:5])}"
    if not any(path.startswith(f"{_CODE}/") for path in paths):
        return f"to have one generated, put the inference code into a folder {_CODE}/"
    confs = [path for path in paths if path.endswith(_CONF) and "/" not in path]
    if len(confs) != 1:
        return f"to have one generated, put one file NAME{_CONF} next to the folder {_CODE}/; there are {len(confs)}"
    inside = PurePosixPath(checkpoint_dir)
    if not inside.is_relative_to(_CODE) or inside == PurePosixPath(_CODE):
        return f"to have one generated, set spec.source.checkpointDir to a folder within {_CODE}/"
    return Layout(confs[0], str(inside.relative_to(_CODE)))


def folders(dockerfile: str) -> tuple[str, ...]:
    """The folders by which a source without this Dockerfile is recognised; empty if none is generated for the name."""
    return (_CODE,) if dockerfile == NAME else ()


def dockerfile(base: str, where: Layout) -> str:
    """The Dockerfile. Paths are written as JSON, so that no file name is read as anything else."""
    weights = [f"{WEIGHTS}/", f"{_HOME}/{where.checkpoint_dir}/"]
    return (
        "# Made for a source without a Dockerfile.\n"
        f"FROM {base}\n"
        "EXPOSE 8080\n"
        f"ENV UAI_SERVICE_CONFIG={_HOME}/conf.json\n"
        f"COPY {json.dumps(weights)}\n"
        f"COPY {json.dumps([f'{_CODE}/', f'{_HOME}/'])}\n"
        f"COPY {json.dumps([where.conf, f'{_HOME}/conf.json'])}\n"
        f"WORKDIR {_HOME}\n"
        'CMD ["python3", "-m", "inference_server"]\n'
    )


def digest(where: Layout) -> str:
    """`sha256:<hex>` of the text, independent of the base's name; part of the content hash."""
    return f"sha256:{hashlib.sha256(dockerfile(BASE, where).encode()).hexdigest()}"
