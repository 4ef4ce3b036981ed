"""The fingerprint (all that enters the export) and the inputs hash (all that enters the image, save the graph's bytes).

With the graph, `inference_image_contract.content` makes the content hash of the inputs hash. The hashes are compared
across releases: if the hashed fields or their encoding change, everything is exported and built again. The tests hold
golden values. A field that is added later must be omitted while it has its default.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

from inference_image_contract.inputs import PinnedFile, PinnedObject

EXPORTER = 2
"""Revision of the export. Raise it when equal input gives another graph, so that graphs are exported again."""
BUILD = 2
"""Revision of the build. Raise it when equal input gives another image, so that images are built again: when
`builders.kaniko` writes another Dockerfile, or Append makes another image."""


def fingerprint(
    checkpoint: Iterable[PinnedObject],
    prefix: str,
    pipeline_config: PinnedObject,
    input_type: str,
    options: Mapping[str, object] | None = None,
) -> str:
    """`sha256:<hex>` of all that enters the export; the location of the files does not count.

    `options` are the further options of the export, from `export_options`.
    """
    return _digest(
        {
            "checkpoint": sorted([item.key.removeprefix(prefix), item.size, item.etag] for item in checkpoint),
            "pipelineConfig": pipeline_config.etag,
            "inputType": input_type,
            "exporter": EXPORTER,
            **(options or {}),
        }
    )


def graph_fingerprint(
    graph: PinnedObject, num_classes: int, input_type: str, options: Mapping[str, object] | None = None
) -> str:
    """The fingerprint of an imported graph, which is verified against the number of classes."""
    return _digest(
        {
            "frozenGraph": [graph.size, graph.etag],
            "numClasses": num_classes,
            "inputType": input_type,
            "exporter": EXPORTER,
            **(options or {}),
        }
    )


def export_options(formats: Iterable[str]) -> dict[str, object]:
    """The options that differ from their defaults. `formats` are the export formats besides the frozen graph."""
    options = {"formats": sorted(formats)}
    return {name: value for name, value in options.items() if value}


def inputs_hash(
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
    """`sha256:<hex>` of all that enters the image besides the graph's bytes; `export` is the fingerprint.

    A base image counts by its name as written and by its digest, not by the registry that it is pulled from.
    """
    later = {"dockerfileIgnored": dockerfile_ignored, "generated": generated}
    return _digest(
        {
            **{name: value for name, value in later.items() if value},
            "build": BUILD,
            "fingerprint": export,
            "labelMap": label_map.etag,
            "source": sorted(_source_file(item) for item in source),
            "dockerfile": dockerfile,
            "checkpointDir": checkpoint_dir,
            "buildArgs": dict(build_args),
            "baseImages": {name: pinned.rpartition("@")[2] for name, pinned in base_images.items()},
        }
    )


def _source_file(item: PinnedFile) -> list[object]:
    return [item.path, item.size, item.etag or item.sha256, *(["executable"] if item.executable else [])]


def hex_of(digest: str) -> str:
    """The hex digits of `sha256:<hex>`."""
    return digest.removeprefix("sha256:")


def _digest(document: Mapping[str, object]) -> str:
    """SHA-256 of the document as canonical JSON: sorted keys, no spaces, ASCII only."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"
