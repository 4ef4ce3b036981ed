"""The order of the export: reuse what stands, or fetch, export, verify and publish."""

import sys
import tempfile
import time
from pathlib import Path

from inference_image_contract.inputs import ExportInput, Graph, Manifest
from inference_image_contract.results import Exported
from inference_image_export import publish
from inference_image_export.exporting import export
from inference_image_export.fetch import fetch
from inference_image_export.verify import verify
from inference_image_store import Store, exported_graph, read_manifest

_DEAD = 7 * 24 * 3600.0
"""Seconds after which no Job can still be at an upload below its output prefix."""


def export_stage(stage: ExportInput, store: Store) -> Exported:
    """The frozen graph of the manifest's fingerprint, in UFile, whole and verified.

    Running it again is safe at any point: what is complete is reused, what is not is done again. Raises StageError.
    """
    manifest = read_manifest(store, stage.manifest)
    store.abort_stale_uploads(stage.output_prefix, _DEAD)
    graph = exported_graph(store, stage.output_prefix, manifest.fingerprint)
    if graph is None:
        with tempfile.TemporaryDirectory(prefix="export-") as folder:
            graph = _export(stage, store, manifest, Path(folder))
    else:
        _say(f"{graph.key} is complete and is reused")
    publish.copy_to_plain_key(store, stage.output_prefix, graph)
    return Exported(graph=graph)


def _export(stage: ExportInput, store: Store, manifest: Manifest, folder: Path) -> Graph:
    began = time.monotonic()
    source = fetch(store, manifest, folder / "input")
    _say(f"{len(source.files)} files fetched after {time.monotonic() - began:.1f} s")
    output = export(source, stage.input_type, folder / "output")
    _say(f"exported after {time.monotonic() - began:.1f} s")
    verify(output.graph, stage.input_type, manifest.num_classes)
    _say(f"verified after {time.monotonic() - began:.1f} s")
    return publish.publish(store, output, stage.output_prefix, manifest.fingerprint)


def _say(text: str) -> None:
    print(f"export: {text}", file=sys.stderr, flush=True)
