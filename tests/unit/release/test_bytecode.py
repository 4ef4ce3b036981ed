"""The bytecode of the standard library in the images of the steps, which cannot keep what they compile."""

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from devcluster.settings import REPOSITORY

DOCKERFILES = ("build_job/Dockerfile", "export_job/Dockerfile")
STDLIB = Path(sysconfig.get_path("stdlib"))
STARTED = """
import inference_image_build.__main__, inference_image_build.append.step, inference_image_build.depot.pull
import inference_image_build.steps.assemble, inference_image_build.steps.probe.step, inference_image_build.steps.publish
import inference_image_build.steps.report, inference_image_build.steps.resolve, inference_image_build.steps.sample
import sys
print(*{module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)}, sep="\\n")
"""


def last_stage(dockerfile: str) -> str:
    """The instructions from the last FROM of the base image on."""
    return (REPOSITORY / dockerfile).read_text().rpartition("FROM ${BASE_IMAGE}")[2]


def left_out(dockerfile: str) -> str:
    """The pattern of what is not compiled."""
    (pattern,) = re.findall(r"RUN python3 -m compileall [^\n]*\\\n\s+-x '([^']+)'", last_stage(dockerfile))
    return pattern


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_the_image_that_runs_compiles_the_standard_library(dockerfile):
    assert 'sysconfig.get_path("stdlib")' in last_stage(dockerfile)
    assert left_out(dockerfile) == left_out(DOCKERFILES[0])


def test_every_module_that_a_step_imports_is_compiled():
    done = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, text=True, check=True)
    used = {path for path in done.stdout.splitlines() if path.startswith(f"{STDLIB}/") and path.endswith(".py")}
    used = {path for path in used if "/site-packages/" not in path}
    assert len(used) > 100, "the steps import much of it"
    assert [path for path in used if re.search(left_out(DOCKERFILES[0]), path)] == []


def test_a_module_with_bytecode_gets_nothing_more(tmp_path):
    """So on a base image that has it, the layer is empty."""
    shutil.copy(STDLIB / "shlex.py", tmp_path)
    command = [sys.executable, "-m", "compileall", "-q", tmp_path]
    subprocess.run(command, check=True)
    (made,) = (tmp_path / "__pycache__").iterdir()
    before = made.read_bytes()
    subprocess.run([*command, "--invalidation-mode", "unchecked-hash"], check=True)
    assert made.read_bytes() == before
