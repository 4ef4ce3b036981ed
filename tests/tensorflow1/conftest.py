"""TensorFlow 1.7 and 1.15 on Debian 11 with Python 2.7, and how their answers differ from the current one's."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from devcluster.images import python27
from devcluster.lib import cached
from devcluster.settings import REPOSITORY, cache
from inference_image_export import saved_model
from tests.tf.conftest import made, pytest_configure, trained, world

__all__ = ["made", "pytest_configure", "trained", "world"]

PROGRAMS = Path(__file__).parent / "python27"
RELEASES = {"1.7.0": python27.TENSORFLOW_1_7, "1.15.0": python27.TENSORFLOW_1_15}
"""Version -> the lock of its root."""
TODAY = "2.21.0"


def run(version: str, work: Path, program: str, *arguments: str) -> str:
    """Runs a program of `python27/` in the root of a release, with `work` at /mnt; returns its output."""
    shutil.copy(PROGRAMS / program, work)
    command = ["env", "-i", "PATH=/usr/bin:/bin", "HOME=/tmp", "TF_CPP_MIN_LOG_LEVEL=3", "python2.7"]
    argv = python27.argv(python27.ensure(RELEASES[version]), work, [*command, f"/mnt/{program}", *arguments])
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def write_questions(folder: Path, batches: Sequence[np.ndarray]) -> None:
    """Writes the batches beside graph.pb."""
    for number, batch in enumerate(batches):
        np.save(folder / f"{number}.npy", batch)


def ask_both_forms(folder: Path, batches: Sequence[np.ndarray]) -> dict[str, float]:
    """Runs the graph of `folder` and its SavedModel; version -> the greatest difference from the current TensorFlow.

    A difference is relative to the output's greatest number if that is above 1.
    """
    write_questions(folder, batches)
    saved_model.write(folder / "graph.pb", "image_tensor", folder / "saved_model", "1.7")
    ask_everywhere(folder)
    return {version: greatest_difference(folder / TODAY, folder / version) for version in RELEASES}


def ask_everywhere(folder: Path) -> None:
    """Runs the graphs in `folder` on every release; see `python27/ask.py`. Answers to equal questions are cached."""
    asked = sorted([folder / "graph.pb", *folder.glob("*.npy"), *folder.glob("saved_model/*.pb")])
    inputs = {str(path.relative_to(folder)): path for path in asked} | {"ask.py": PROGRAMS / "ask.py"}
    for version in (TODAY, *RELEASES):
        answers = cache() / "answers" / cached.key(inputs, version, _packages(version))
        if not cached.is_filled(answers):
            with cached.fill(answers) as scratch:
                _ask(version, folder)
                shutil.move(folder / version, scratch / "result")
        shutil.copytree(answers, folder / version)


def _packages(version: str) -> str:
    """What identifies the packages that a version runs with."""
    if version == TODAY:
        return cached.key({"export.txt": REPOSITORY / "requirements" / "export.txt"})
    return python27.ensure(RELEASES[version]).name


def _ask(version: str, folder: Path) -> None:
    if version == TODAY:
        argv = [sys.executable, PROGRAMS / "ask.py", folder]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.stdout == f"{version}\n", done.stderr[-3000:]
    else:
        assert run(version, folder, "ask.py", "/mnt") == f"{version}\n"


def greatest_difference(expected: Path, found: Path) -> float:
    greatest = 0.0
    answers = sorted(expected.glob("*.npz"))
    assert [path.name for path in answers] == sorted(path.name for path in found.glob("*.npz"))
    assert answers
    for path in answers:
        one, other = np.load(path), np.load(found / path.name)
        assert set(one) == set(other)
        assert one["num_detections"].min() > 0
        for name in one:
            assert one[name].shape == other[name].shape, f"{name} of {path.name}"
            difference = np.abs(one[name] - other[name]).max() / max(1.0, np.abs(one[name]).max())
            greatest = max(greatest, float(difference))
    return greatest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name} {value}: {report.nodeid.rpartition('::')[2]}")
