"""What a Job container reports: complete, small, and without secrets."""

import signal
import subprocess
import sys

import msgspec
import pytest

from inference_image_contract import graph_keys, results
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import Graph, OnnxModel, StoredFile
from inference_image_contract.reasons import ExitCode, Reason


@pytest.fixture
def report(tmp_path, monkeypatch):
    path = tmp_path / "termination-log"
    monkeypatch.setenv("INFERENCE_IMAGE_RESULT", str(path))
    return path


def test_success_is_written_with_the_peak_memory(report):
    assert results.run(lambda: results.Built(digest="sha256:1", size=3)) is ExitCode.OK
    read = msgspec.json.decode(report.read_bytes(), type=results.Built)
    assert (read.digest, read.size) == ("sha256:1", 3)
    assert read.peak_memory_bytes > 1 << 20


def test_an_explained_failure_keeps_its_reason_and_its_exit_code(report):
    def stage():
        raise StageError(Reason.UFILE_FORBIDDEN, "Key a is refused.", "Check the Secret.")

    assert results.run(stage) is ExitCode.FORBIDDEN
    read = msgspec.json.decode(report.read_bytes(), type=results.Failed)
    assert (read.reason, read.message, read.hint) == ("UFileForbidden", "Key a is refused.", "Check the Secret.")


def test_an_unexpected_failure_is_explained_too(report, capfd):
    def stage():
        raise ValueError("the canary is hunter22 here")

    assert results.run(stage, ["hunter22"]) is ExitCode.INTERNAL
    assert b"hunter22" not in report.read_bytes()
    assert msgspec.json.decode(report.read_bytes(), type=results.Failed).reason == "InternalError"
    err = capfd.readouterr().err
    assert "Traceback" in err
    assert "hunter22" not in err


def test_sigterm_cleans_up_and_reports_nothing(report):
    stage = """
import signal, sys
from inference_image_contract import results

def stage():
    try:
        print("working", flush=True)
        signal.pause()
    finally:
        print("cleaned up", flush=True)

sys.exit(results.run(stage))
"""
    with subprocess.Popen([sys.executable, "-c", stage], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "working\n"
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60)[0] == "cleaned up\n"
    assert process.returncode == 143
    assert not report.exists()


@pytest.mark.parametrize("letter", ["x", "字", "\n", '"'])
def test_a_long_explanation_is_cut_so_that_it_fits(report, letter):
    def stage():
        raise StageError(Reason.EXPORT_FAILED, letter * 5000, letter * 5000)

    results.run(stage)
    assert len(report.read_bytes()) <= results.MAX_BYTES
    assert msgspec.json.decode(report.read_bytes(), type=results.Failed).message.endswith("…")


def test_a_result_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        results.encode(results.Built(digest="x" * 4000, size=1))


def graph(prefix):
    folder = f"{prefix}/{'f' * 64}/"
    hex_digits, size = "a" * 64, 10**10
    return Graph(
        key=folder + "frozen_inference_graph.pb",
        sha256=hex_digits,
        size=size,
        tensorflow="2.21.0",
        readable_by="1.15",
        memory_bytes=size,
        saved_model=StoredFile(key=folder + "saved_model/saved_model.pb", sha256=hex_digits, size=size),
        onnx=OnnxModel(key=folder + "model.onnx", sha256=hex_digits, size=size, greatest_difference="4.2e-07"),
    )


@pytest.mark.parametrize("length", [1, 300, 900])
def test_a_graph_in_every_format_fits_below_a_long_prefix(report, length):
    """900 bytes are what a key leaves for a prefix; three keys of that length did not fit."""
    prefix = "é" * (length // 2) + "p"
    found = results.Exported(graph=graph(prefix), not_overwritten=f"{prefix}/frozen_inference_graph.pb")
    assert results.run(lambda: found) is ExitCode.OK
    read = msgspec.json.decode(report.read_bytes(), type=results.Exported)
    assert graph_keys.whole(read.graph) == found.graph
    assert found.not_overwritten.endswith(read.not_overwritten)


def test_a_result_that_cannot_fit_is_explained(report):
    assert results.run(lambda: results.Exported(graph=graph("p" * 4000))) is ExitCode.BAD_INPUT
    failed = msgspec.json.decode(report.read_bytes(), type=results.Failed)
    assert failed.reason == Reason.LIMIT_EXCEEDED
    assert "outputPrefix" in failed.hint
