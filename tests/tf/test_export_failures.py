"""The failures for the exporter's errors: reason, message, hint."""

from pathlib import Path

import pytest

from inference_image_contract.reasons import Reason
from inference_image_export.failures import config_failure, export_failure, useful_line
from inference_image_export.fetch import Source

SOURCE = Source(Path("/tmp/x/input/model.ckpt-800"), "train/model.ckpt-800", Path("/c"), "train/pipeline.config", ())
RESTORING = (
    "Restoring from checkpoint failed. Original error:\n\nDetected at node 'a' defined at (most recent call last):\n"
)


class DataLossError(Exception):
    """Of the name that TensorFlow gives it."""


class OutOfRangeError(Exception):
    """Of the name that TensorFlow gives it."""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            '7:9 : Message type "X" has no field named "typo".',
            'c.config, line 7, column 9: Message type "X" has no field named "typo".',
        ),
        ("'utf-8' codec can't decode byte", "c.config: 'utf-8' codec can't decode byte."),
    ],
)
def test_a_config_that_cannot_be_parsed_is_named_with_its_line(error, message):
    failure = config_failure(error, "c.config")
    assert (failure.reason, failure.message) == (Reason.PIPELINE_CONFIG_INVALID, message)
    assert "requestedAt" in failure.hint


@pytest.mark.parametrize(
    ("error", "reason", "message", "hint"),
    [
        (
            ValueError(RESTORING + "Node: 'a'\nKey A/weights not found in checkpoint\n"),
            Reason.EXPORT_FAILED,
            "The checkpoint train/model.ckpt-800 has no variable A/weights, which train/pipeline.config requires.",
            "spec.model.pipelineConfig",
        ),
        (
            ValueError("Key A/weights/ExponentialMovingAverage not found in checkpoint"),
            Reason.EXPORT_FAILED,
            "has no variable A/weights/ExponentialMovingAverage",
            "set eval_config.use_moving_averages to false",
        ),
        (
            ValueError("Assign requires shapes of both tensors to match. lhs shape= [3,10] rhs shape= [3,8]"),
            Reason.EXPORT_FAILED,
            "Box/weights has shape [3,8] in the checkpoint train/model.ckpt-800, and [3,10] in the model of train/",
            "num_classes",
        ),
        (
            DataLossError(
                "Node: 'b'\nTensorBundle at /tmp/x/input/model.ckpt-800 shard 0: Checksum does not match: 1\n"
            ),
            Reason.CHECKPOINT_DAMAGED,
            "train/model.ckpt-800 is damaged: TensorBundle at model.ckpt-800 shard 0: Checksum does not match: 1",
            "Upload all files of this checkpoint again",
        ),
        (
            OutOfRangeError("Node: 'b'\nRead less bytes than requested\n"),
            Reason.CHECKPOINT_DAMAGED,
            "is damaged: Read less bytes than requested",
            "Upload all files of this checkpoint again",
        ),
        (
            ValueError("Unknown ssd feature_extractor: ssd_mobilenet_v3"),
            Reason.PIPELINE_CONFIG_INVALID,
            "train/pipeline.config requires something that the export does not support: Unknown ssd feature_extractor",
            "train a model of one of its types",
        ),
        (
            ValueError("Unknown meta architecture: None"),
            Reason.PIPELINE_CONFIG_INVALID,
            "Unknown meta architecture: None",
            "train a model of one of its types",
        ),
        (
            NotImplementedError("tf.contrib.quantize.x exists in TensorFlow 1.x only"),
            Reason.PIPELINE_CONFIG_INVALID,
            "tf.contrib.quantize.x exists in TensorFlow 1.x only",
            "without quantization",
        ),
        (ValueError("whatever\nelse"), Reason.EXPORT_FAILED, "failed on train/model.ckpt-800: whatever", "traceback"),
        (ZeroDivisionError(), Reason.EXPORT_FAILED, "failed on train/model.ckpt-800: ZeroDivisionError", "traceback"),
    ],
)
def test_an_error_of_the_exporter(error, reason, message, hint):
    failure = export_failure(error, SOURCE, "Box/weights")
    assert failure.reason is reason
    assert message in failure.message
    assert hint in failure.hint


def test_an_unknown_variable_is_not_invented():
    error = ValueError("lhs shape= [1] rhs shape= [2]")
    assert export_failure(error, SOURCE).message.startswith("a variable has shape [2]")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("\n one \ntwo", "one"),
        ("first\nNode: 'n'\n the cause\nlast", "the cause"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_the_useful_line(text, line):
    assert useful_line(text) == line
