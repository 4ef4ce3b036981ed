"""The Dockerfile for a source that has none: that of the example's family, with a layer for each thing that changes.

It is made for the tutorial's layout: a folder `code/` with the inference code, and one `NAME.conf` beside it.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

NAME = "Dockerfile"
"""The default of spec.source.dockerfile: only who left it at that gets a generated one."""
WEIGHTS = ".inference-image/weights"
"""Where `assemble` puts the graph and the label map: outside of `code/`, whose layer would hold them as well."""
BASE = "inference-base"
"""Stands for the base image in hashes: an installation may have it under any name."""
_CODE, _CONF = "code", ".conf"
_HOME = "/ai"


class Layout(NamedTuple):
    """What of a source goes where: the configuration's path, and the folder of the weights within the image."""

    conf: str
    checkpoint_dir: str


def layout(paths: Iterable[str], checkpoint_dir: str) -> Layout | str:
    """The layout of these files, or, as a clause, why no Dockerfile can be made for them."""
    paths = tuple(paths)
    similar = [path for path in paths if "dockerfile" in PurePosixPath(path).name.lower()]
    if similar:
        return f"there is {', '.join(similar[:5])}"
    if not any(path.startswith(f"{_CODE}/") for path in paths):
        return f"to have one made, put the code into a folder {_CODE}/"
    confs = [path for path in paths if path.endswith(_CONF) and "/" not in path]
    if len(confs) != 1:
        return f"to have one made, put one configuration NAME{_CONF} beside the folder {_CODE}/, there are {len(confs)}"
    inside = PurePosixPath(checkpoint_dir)
    if not inside.is_relative_to(_CODE) or inside == PurePosixPath(_CODE):
        return f"to have one made, spec.source.checkpointDir must be a folder within {_CODE}/"
    return Layout(confs[0], str(inside.relative_to(_CODE)))


def dockerfile(base: str, where: Layout) -> str:
    """The text. Paths are written as JSON, so that no name of a file is read as anything else."""
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
    """`sha256:<hex>` of the text, whatever the base is called; part of the content hash."""
    return f"sha256:{hashlib.sha256(dockerfile(BASE, where).encode()).hexdigest()}"
