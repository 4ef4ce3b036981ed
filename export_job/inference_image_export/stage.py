"""The step that runs graphs, without a key: export or import, verify, rewrite, verify again, convert."""

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from inference_image_contract import tensorflow_versions
from inference_image_contract.inputs import ExportInput, InputLock
from inference_image_contract.results import HandedOn
from inference_image_export import checkpoint, fetch, handover, oldest_form, onnx_model, saved_model, transfers
from inference_image_export.exporting import Output, export
from inference_image_export.handover import Verified, Words
from inference_image_export.isolated import EXPORTER, TENSORFLOW, Processes
from inference_image_export.verify import same_answers, verify


def export_stage(stage: ExportInput, folder: Path) -> HandedOn:
    """Makes the verified files from what `download` left in `folder`, and leaves them there for `upload`.

    Raises StageError.
    """
    with tempfile.TemporaryDirectory(prefix="export-") as scratch:
        run = _Export(stage, transfers.read_handed_lock(folder), folder / transfers.INPUT, Path(scratch))
        verified = run.every_form()
        output = folder / transfers.OUTPUT
        shutil.rmtree(output, ignore_errors=True)
        handover.leave(verified, output)
    return msgspec.structs.replace(transfers.handed_on(output), peak_memory_bytes=run.processes.peak_bytes)


@dataclass(frozen=True)
class _Graph:
    """The graph that is published, and its outputs for one picture by name."""

    path: Path
    words: Words
    answers: dict[str, Any]


@dataclass
class _Export:
    """One export, in its own folder."""

    stage: ExportInput
    input_lock: InputLock
    inputs: Path
    folder: Path
    processes: Processes = field(init=False)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.processes = Processes([TENSORFLOW] if self.input_lock.frozen_graph else [EXPORTER, TENSORFLOW])

    def every_form(self) -> Verified:
        """The verified files. Raises StageError."""
        output = self._output()
        return self._every_file(self._verified(output), output)

    def say(self, text: str) -> None:
        """Prints a finished step and the time since the start."""
        print(f"export: {text} after {time.monotonic() - self.began:.1f} s", file=sys.stderr, flush=True)

    def _output(self) -> Output:
        """The exported or imported graph."""
        if self.input_lock.frozen_graph:
            return Output(fetch.imported(self.inputs))
        source = fetch.of_checkpoint(self.input_lock, self.inputs)
        checkpoint.check(source)
        self.say("checkpoint verified")
        output = self.processes.run(export, source, self.stage.input_type, self.folder / "output").value
        self.say("exported")
        return output

    def _verified(self, output: Output) -> _Graph:
        """The graph rewritten for the oldest TensorFlow, with bit-identical answers."""
        target = self.folder / "graph.pb"
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
        words = Words(tensorflow=form.tensorflow, readable_by=form.readable_by, memory_bytes=after.peak_bytes)
        return _Graph(target, words, after.value)

    def _every_file(self, graph: _Graph, output: Output) -> Verified:
        """The graph, its config and the other formats."""
        files, words = {handover.GRAPH: graph.path}, graph.words
        if output.pipeline_config:
            files[handover.PIPELINE_CONFIG] = output.pipeline_config
        if "SavedModel" in self.stage.formats:
            place = self.folder / "saved_model"
            how = (self.stage.input_type, place)
            written = self.processes.run(saved_model.write, graph.path, *how, words.readable_by).value
            self.processes.run(saved_model.check, place, self.stage.input_type, graph.answers)
            files[handover.SAVED_MODEL] = written
            self.say("SavedModel written and verified")
        if "ONNX" in self.stage.formats:
            onnx = self.folder / "model.onnx"
            onnx_model.write(output.graph, onnx)
            difference = onnx_model.accept(self.processes.run(onnx_model.compare, graph.path, onnx).value)
            files[handover.ONNX] = onnx
            words = msgspec.structs.replace(words, greatest_difference=difference)
            self.say(f"converted to ONNX, answers differ by at most {difference}")
        return Verified(words, files)
