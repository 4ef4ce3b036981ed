"""The order of the export: reuse what stands, or fetch, export, verify and publish."""

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from inference_image_contract.inputs import ExportInput, Graph, Manifest
from inference_image_contract.results import Exported
from inference_image_export import canonical, checkpoint, fetch, onnx_model, publish, saved_model, tf1
from inference_image_export.exporting import Output, export
from inference_image_export.publish import Verified
from inference_image_export.verify import verify
from inference_image_store import Store, exported_graph, read_manifest

_DEAD = 7 * 24 * 3600.0
"""Seconds after which no Job can still be at an upload below its output prefix."""
Say = Callable[[str], None]


def export_stage(stage: ExportInput, store: Store) -> Exported:
    """The frozen graph of the manifest's fingerprint, in UFile, whole and verified, in every form that was asked for.

    Running it again is safe at any point: what is complete is reused, what is not is done again. Raises StageError.
    """
    manifest = read_manifest(store, stage.manifest)
    store.abort_stale_uploads(stage.output_prefix, _DEAD)
    metadata = publish.lineage(manifest, stage.manifest)
    graph = exported_graph(store, stage.output_prefix, manifest.fingerprint)
    if graph is None:
        with tempfile.TemporaryDirectory(prefix="export-") as folder:
            graph = _export(stage, store, manifest, Path(folder), metadata)
    else:
        _say(f"{graph.key} is complete and is reused")
    kept = publish.copy_to_plain_key(store, stage.output_prefix, graph, metadata)
    if kept:
        _say(f"{kept} keeps another graph: the token must not overwrite it")
    return Exported(graph=graph, not_overwritten=kept)


def _export(stage: ExportInput, store: Store, manifest: Manifest, folder: Path, metadata: Mapping[str, str]) -> Graph:
    say = _stopwatch()
    output = _output(stage, store, manifest, folder, say)
    files = _verified(stage, manifest, output, folder, say)
    graph = publish.publish(store, files, stage.output_prefix, manifest.fingerprint, metadata)
    say("published")
    return graph


def _output(stage: ExportInput, store: Store, manifest: Manifest, folder: Path, say: Say) -> Output:
    """The graph, exported here or by somebody else, in the one form that equal graphs have."""
    if manifest.frozen_graph:
        output = Output(fetch.fetch_graph(store, manifest.frozen_graph, folder / "input"))
        say(f"{manifest.frozen_graph.key} fetched")
    else:
        source = fetch.fetch(store, manifest, folder / "input")
        say(f"{len(source.files)} files fetched")
        checkpoint.check(source)
        say("checkpoint read through")
        output = export(source, stage.input_type, folder / "output")
        say("exported")
    definition = canonical.read_graph(output.graph)
    if stage.compatibility:
        say(f"{tf1.strip(definition)} attributes removed that TensorFlow 1.15 does not know")
    canonical.write(definition, output.graph)
    return output


def _verified(stage: ExportInput, manifest: Manifest, output: Output, folder: Path, say: Say) -> Verified:
    import tensorflow as tf

    answers = verify(output.graph, stage.input_type, manifest.num_classes)
    say("verified")
    model = onnx = None
    difference = ""
    if "SavedModel" in stage.formats:
        model = saved_model.write(output.graph, stage.input_type, folder / "saved_model", tf1=bool(stage.compatibility))
        saved_model.check(model.parent, stage.input_type, answers)
        say("SavedModel written and verified")
    if "ONNX" in stage.formats:
        onnx = folder / "model.onnx"
        onnx_model.write(output.graph, onnx)
        difference = onnx_model.compare(output.graph, onnx)
        say(f"converted to ONNX, which differs by at most {difference}")
    return Verified(
        graph=output.graph,
        tensorflow=tf.__version__,
        pipeline_config=output.pipeline_config,
        saved_model=model,
        onnx=onnx,
        greatest_difference=difference,
    )


def _stopwatch() -> Say:
    began = time.monotonic()
    return lambda text: _say(f"{text} after {time.monotonic() - began:.1f} s")


def _say(text: str) -> None:
    print(f"export: {text}", file=sys.stderr, flush=True)
