"""Functions in separate processes: results, failures, memory, environment."""

import os
import signal

import numpy as np
import pytest

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export.isolated import TENSORFLOW, Processes

MIB = 1 << 20


@pytest.fixture(scope="module")
def processes() -> Processes:
    return Processes([TENSORFLOW])


def hold(size: int) -> int:
    return int(np.ones(size, np.uint8).sum())


def refuse() -> None:
    raise StageError(Reason.GRAPH_INVALID, "The message.", "The hint.")


def fail() -> None:
    raise KeyError("what is not there")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_memory_is_freed_and_measured(processes):
    small, large = processes.run(hold, 1), processes.run(hold, 600 * MIB)
    assert (small.value, large.value) == (1, 600 * MIB)
    assert 300 * MIB < small.peak_bytes < large.peak_bytes - 500 * MIB  # TensorFlow is in it
    assert processes.peak_bytes >= large.peak_bytes
    assert processes.run(hold, 1).peak_bytes < large.peak_bytes - 500 * MIB


def test_a_stage_error_arrives_unchanged(processes):
    with pytest.raises(StageError) as caught:
        processes.run(refuse)
    assert (caught.value.reason, caught.value.message, caught.value.hint) == (
        Reason.GRAPH_INVALID,
        "The message.",
        "The hint.",
    )


def test_another_exception_arrives_as_its_text(processes):
    with pytest.raises(RuntimeError, match="KeyError: 'what is not there'"):
        processes.run(fail)


def test_a_killed_process_counts_as_out_of_memory(processes):
    with pytest.raises(StageError) as caught:
        processes.run(die)
    assert caught.value.reason is Reason.OUT_OF_MEMORY
