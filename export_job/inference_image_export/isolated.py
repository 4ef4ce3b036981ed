"""Runs a TensorFlow function in a separate process, which frees its memory at the end and measures its peak.

The processes are forked from one that has only imported TensorFlow, so the import happens once.
"""

import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

TENSORFLOW = "tensorflow.compat.v1"
EXPORTER = "object_detection.exporter"
_PROCESSES = multiprocessing.get_context("forkserver")


T = TypeVar("T")


class Outcome(NamedTuple, Generic[T]):
    """The result of a function and its peak memory."""

    value: T
    peak_bytes: int
    """Peak resident set of an equivalent process that imports TensorFlow itself."""


class Processes:
    """Runs functions one after another, each in a separate process."""

    def __init__(self, modules: Sequence[str]) -> None:
        """Starts the process that imports `modules`, without waiting for it. The first call decides for all."""
        self.peak_bytes = 0
        """The highest of all peaks."""
        _PROCESSES.set_forkserver_preload(list(modules))
        forkserver.ensure_running()

    def run(self, function: Callable[..., T], *arguments: object) -> Outcome[T]:
        """Calls a function of a module with arguments that can be pickled.

        Raises StageError as the function does, and `OutOfMemory` when its process is killed; RuntimeError for any
        other exception, whose traceback goes to standard error.
        """
        receiver, sender = _PROCESSES.Pipe(duplex=False)
        process = _PROCESSES.Process(target=_child, args=(sender, function, arguments))
        process.start()
        sender.close()
        try:
            answer = receiver.recv()
        except EOFError:
            answer = None
        process.join()
        if answer is None:
            raise _ended(process.exitcode)
        if isinstance(answer, Exception):
            raise answer
        outcome = Outcome(*answer)
        self.peak_bytes = max(self.peak_bytes, outcome.peak_bytes)
        return outcome


def _child(sender: Connection, function: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    with tempfile.TemporaryDirectory(prefix="tensorflow-") as scratch:
        tempfile.tempdir = scratch  # a forked process ends without the clean-up that libraries register
        sender.send(_answer(function, arguments))


def _answer(function: Callable[..., Any], arguments: tuple[object, ...]) -> object:
    try:
        return function(*arguments), _peak_bytes()
    except StageError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the other process reports every exception
        traceback.print_exc(file=sys.stderr)
        return RuntimeError(f"{type(error).__name__}: {error}")


def _peak_bytes() -> int:
    """A forked process does not count library pages that only its parent touched, so this adds them."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return own + max(0, _file_bytes(os.getppid()) - _file_bytes(os.getpid()))


def _file_bytes(process: int) -> int:
    """Resident file pages of a process (proc_pid_status(5))."""
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    found = next((line for line in lines if line.startswith("RssFile:")), "RssFile: 0 kB")
    return int(found.split()[1]) * 1024


def _ended(code: int | None) -> Exception:
    if code != -signal.SIGKILL:
        return RuntimeError(f"the process that runs TensorFlow failed with exit code {code}")
    return out_of_memory("TensorFlow")


def out_of_memory(program: str) -> StageError:
    """The error of a program that was killed."""
    return StageError(
        Reason.OUT_OF_MEMORY,
        f"{program} was killed: it used more memory than the container's limit.",
        "Raise the memory limit in spec.export.resources.",
    )
