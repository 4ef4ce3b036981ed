"""The steps of the export: reuse an existing result, or download, export, verify, rewrite, verify again and publish."""

import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from inference_image_contract import tensorflow_versions
from inference_image_contract.inputs import ExportInput, InputLock
from inference_image_contract.results import Exported
from inference_image_export import checkpoint, fetch, oldest_form, onnx_model, publish, saved_model
from inference_image_export.exporting import Output, export
from inference_image_export.isolated import EXPORTER, TENSORFLOW, Processes
from inference_image_export.publish import Verified
from inference_image_export.verify import same_answers, verify
from inference_image_store import Store, exported_graph, read_input_lock

_DEAD = 7 * 24 * 3600.0
"""Seconds after which no Job can still be uploading below its output prefix."""


def export_stage(stage: ExportInput, store: Store) -> Exported:
    """The verified frozen graph of the input lock's fingerprint in US3, in every requested format.

    Idempotent: reuses complete results and repeats incomplete ones. Raises StageError.
    """
    input_lock = read_input_lock(store, stage.input_lock)
    store.abort_stale_uploads(stage.output_prefix, _DEAD)
    metadata = publish.provenance(input_lock, stage.input_lock)
    graph = exported_graph(store, stage.output_prefix, input_lock.fingerprint)
    peak = 0
    if graph is None:
        with tempfile.TemporaryDirectory(prefix="export-") as folder:
            run = _Export(stage, store, input_lock, Path(folder))
            files = run.every_form()
            graph = publish.publish(store, files, stage.output_prefix, input_lock.fingerprint, metadata)
            run.say("published")
            peak = run.processes.peak_bytes
    else:
        _say(f"{graph.key} is complete: reusing it")
    kept = publish.copy_to_plain_key(store, stage.output_prefix, graph, metadata)
    return Exported(graph=graph, not_overwritten=kept, peak_memory_bytes=peak)


@dataclass
class _Export:
    """One export, in its own folder."""

    stage: ExportInput
    store: Store
    input_lock: InputLock
    folder: Path
    processes: Processes = field(init=False)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.processes = Processes([TENSORFLOW] if self.input_lock.frozen_graph else [EXPORTER, TENSORFLOW])

    def every_form(self) -> Verified:
        """The verified files. Raises StageError."""
        output = self._output()
        files = self._verified(output)
        return self._other_forms(files, output.graph)

    def say(self, text: str) -> None:
        """Prints a finished step and the time since the start."""
        _say(f"{text} after {time.monotonic() - self.began:.1f} s")

    def _output(self) -> Output:
        """The exported or imported graph."""
        if self.input_lock.frozen_graph:
            output = Output(fetch.fetch_graph(self.store, self.input_lock.frozen_graph, self.folder / "input"))
            self.say(f"{self.input_lock.frozen_graph.key} downloaded")
            return output
        source = fetch.fetch(self.store, self.input_lock, self.folder / "input")
        self.say(f"{len(source.files)} files downloaded")
        checkpoint.check(source)
        self.say("checkpoint verified")
        output = self.processes.run(export, source, self.stage.input_type, self.folder / "output").value
        self.say("exported")
        return output

    def _verified(self, output: Output) -> Verified:
        """The graph rewritten for the oldest TensorFlow, with bit-identical answers."""
        target = self.folder / publish.GRAPH
        how = (self.stage.input_type, self.input_lock.num_classes)
        before = self.processes.run(verify, output.graph, *how)
        self.say("verified")
        form = self.processes.run(oldest_form.write, output.graph, target).value
        after = self.processes.run(verify, target, *how)
        if not same_answers(before.value, after.value):
            self.say(f"the graph for TensorFlow {form.readable_by} gives other answers: keeping the original graph")
            self.processes.run(oldest_form.write_unchanged, output.graph, target)
            form = replace(form, readable_by=tensorflow_versions.short(form.tensorflow))
        oldest_form.check_demand(form, self.stage.readable_by)
        self.say(f"readable by TensorFlow {form.readable_by} and later")
        return Verified(
            graph=target,
            tensorflow=form.tensorflow,
            readable_by=form.readable_by,
            memory_bytes=after.peak_bytes,
            answers=after.value,
            pipeline_config=output.pipeline_config,
        )

    def _other_forms(self, files: Verified, exported: Path) -> Verified:
        model = onnx = None
        difference = ""
        if "SavedModel" in self.stage.formats:
            place = self.folder / "saved_model"
            how = (self.stage.input_type, place)
            model = self.processes.run(saved_model.write, files.graph, *how, files.readable_by).value
            self.processes.run(saved_model.check, place, self.stage.input_type, files.answers)
            self.say("SavedModel written and verified")
        if "ONNX" in self.stage.formats:
            onnx = self.folder / publish.ONNX
            onnx_model.write(exported, onnx)
            difference = onnx_model.accept(self.processes.run(onnx_model.compare, files.graph, onnx).value)
            self.say(f"converted to ONNX, answers differ by at most {difference}")
        return replace(files, saved_model=model, onnx=onnx, greatest_difference=difference)


def _say(text: str) -> None:
    print(f"export: {text}", file=sys.stderr, flush=True)
