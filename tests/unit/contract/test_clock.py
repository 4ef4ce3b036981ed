"""How long a step took: the line of its log, and the process's own clock."""

import subprocess
import sys

import pytest

from inference_image_contract import clock
from inference_image_contract.clock import Took

STAT = "42 (python (3) x) S " + " ".join(str(number) for number in range(4, 53))


def test_a_line_is_read_as_it_was_written():
    took = Took(0.052, 0.31, 12.5)
    assert clock.line(took) == "took: interpreter 0.052 s, imports 0.310 s, work 12.500 s"
    assert clock.parse(clock.line(took) + "\n") == took
    assert took.total == pytest.approx(12.862)


@pytest.mark.parametrize("text", ["", "took: 3 s", "x took: interpreter 1 s, imports 1 s, work 1 s"])
def test_another_line_says_nothing(text):
    assert clock.parse(text) is None


def test_the_start_is_the_kernels_field_22_whatever_the_name_of_the_program():
    assert clock.started(STAT) == 22


def test_a_step_prints_the_line_last_and_after_its_result(tmp_path):
    """Interpreter and imports of a real process take time, and all of it is not more than the process was there."""
    program = """
from inference_image_contract import clock, inputs, results

def step():
    clock.MARKS.imported()
    return results.Served()

results.run(step, (), clock.MARKS)
"""
    environment = {"INFERENCE_IMAGE_RESULT": str(tmp_path / "result")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    took = clock.parse(done.stderr.splitlines()[-1])
    assert took
    assert took.interpreter > 0
    assert took.imports > 0
    assert took.total < 30
