"""Each fuzzer with a small, fixed number of inputs, in a process with limits of memory and CPU time."""

import os
import subprocess
import sys

import pytest

from tests.fuzz.targets import ROOT, TARGETS

FOLDERS = ("examples/object-detect/server", "examples/object-detect/code")
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in (".", *FOLDERS))}
SECONDS = os.environ.get("FUZZ_SECONDS", "")
"""Set by `make fuzz`."""
HOW = ["--seconds", SECONDS] if SECONDS else ["--examples", "150", "--cpu", "60"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.timeout(int(SECONDS or 0) * 4 + 900)
def test_a_parser_raises_only_what_it_documents(target):
    command = [sys.executable, "-m", "tests.fuzz", target, *HOW]
    ended = subprocess.run(command, check=False, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    assert ended.returncode == 0, f"ended with {ended.returncode}\n{ended.stderr[-6000:]}"
