"""Runs a function in a child with limits of CPU time and memory: what exceeds them fails the test, not the machine."""

import contextlib
import multiprocessing
import resource
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

MIB = 1 << 20


def within(
    work: Callable[..., object], *arguments: object, cpu: int = 10, memory: int = 256 * MIB, fork: bool = True
) -> None:
    """Runs `work` in a child. Fails if it raises, uses more than `cpu` seconds, or `memory` bytes beyond what it had.

    The limits are far above what the work needs: they tell a bounded cost from one that grows without bounds, on a
    machine of any load, because CPU time does not pass while others run. Without `fork`, the child has loaded nothing
    of this process, as the Go code of the Dockerfile's parser needs; `work` is then a function of a module.
    """
    context = multiprocessing.get_context("fork" if fork else "forkserver")
    reader, writer = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(work, arguments, cpu, memory, writer))
    child.start()
    writer.close()
    said = ""
    with contextlib.suppress(EOFError):
        said = reader.recv()
    child.join()
    assert child.exitcode == 0, said or f"ended by signal {-(child.exitcode or 0)}: the limit is {cpu} s of CPU time"


def _run(work, arguments, cpu, memory, writer) -> None:
    limit(cpu, memory)
    try:
        work(*arguments)
    except BaseException:  # noqa: BLE001 - the parent reports it
        writer.send(traceback.format_exc())
        sys.exit(1)


def limit(cpu: int, memory: int) -> None:
    """Limits this process from now on."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    spent = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(spent.ru_utime + spent.ru_stime) + cpu
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
