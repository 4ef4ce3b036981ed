"""The two hashes that name content: what enters the export, and what enters the image.

They are compared across releases: a change of what is hashed, or how, exports and builds everything again. The tests
hold golden values. A field that is added later must be left out of the document while it has its default.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

from inference_image_contract.inputs import PinnedFile, PinnedObject

EXPORTER = 2
"""Revision of the export. It is raised when equal input gives another graph, which is then exported anew."""


def fingerprint(
    checkpoint: Iterable[PinnedObject],
    prefix: str,
    pipeline_config: PinnedObject,
    input_type: str,
    asked: Mapping[str, object] | None = None,
) -> str:
    """`sha256:<hex>` of everything that enters the export; where the files lie does not count.

    `asked` is what else is asked of the export, from `asked_of_export`.
    """
    return _digest(
        {
            "checkpoint": sorted([item.key.removeprefix(prefix), item.size, item.etag] for item in checkpoint),
            "pipelineConfig": pipeline_config.etag,
            "inputType": input_type,
            "exporter": EXPORTER,
            **(asked or {}),
        }
    )


def graph_fingerprint(
    graph: PinnedObject, num_classes: int, input_type: str, asked: Mapping[str, object] | None = None
) -> str:
    """The same for a ready graph; the number of classes is what it is verified against."""
    return _digest(
        {
            "frozenGraph": [graph.size, graph.etag],
            "numClasses": num_classes,
            "inputType": input_type,
            "exporter": EXPORTER,
            **(asked or {}),
        }
    )


def asked_of_export(formats: Iterable[str]) -> dict[str, object]:
    """What is not at its default, for the fingerprint. `formats` are those beside the frozen graph."""
    asked = {"formats": sorted(formats)}
    return {name: value for name, value in asked.items() if value}


def content_hash(
    *,
    export: str,
    label_map: PinnedObject,
    source: Iterable[PinnedFile],
    dockerfile: str,
    checkpoint_dir: str,
    build_args: Mapping[str, str],
    base_images: Mapping[str, str],
    dockerfile_ignored: bool = False,
    generated: str = "",
) -> str:
    """`sha256:<hex>` of everything that enters the image; `export` is the fingerprint.

    Of a base image its name as it is written counts, and its digest, but not the registry that it is pulled from.
    """
    later = {"dockerfileIgnored": dockerfile_ignored, "generated": generated}
    return _digest(
        {
            **{name: value for name, value in later.items() if value},
            "fingerprint": export,
            "labelMap": label_map.etag,
            "source": sorted([item.path, item.size, item.etag or item.sha256] for item in source),
            "dockerfile": dockerfile,
            "checkpointDir": checkpoint_dir,
            "buildArgs": dict(build_args),
            "baseImages": {name: pinned.rpartition("@")[2] for name, pinned in base_images.items()},
        }
    )


def hex_of(digest: str) -> str:
    """The hex digits of `sha256:<hex>`."""
    return digest.removeprefix("sha256:")


def _digest(document: Mapping[str, object]) -> str:
    """SHA-256 of the document as canonical JSON: sorted keys, no spaces, ASCII only."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"
