"""A profile of the API server's processor time while pipelines run, by its own pprof, as text beside the figures."""

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from bench import harness
from devcluster.controlplane import ControlPlane
from tests.loop.api import Api

WINDOW = 20
"""Seconds of one profile. The last one may end after the pipelines."""
NODES = 80


@contextlib.contextmanager
def profiled(plane: ControlPlane, name: str, *, wanted: bool) -> Iterator[None]:
    """Writes `out/bench/profile-NAME.txt` about what runs meanwhile, if it is `wanted`."""
    if not wanted:
        yield
        return
    harness.RESULTS.mkdir(parents=True, exist_ok=True)
    ended, files = threading.Event(), list[Path]()
    thread = threading.Thread(target=_collect, args=(plane, name, ended, files))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    text = subprocess.run(
        ["go", "tool", "pprof", "-top", "-cum", f"-nodecount={NODES}", *map(str, files)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    (harness.RESULTS / f"profile-{name}.txt").write_text(text)
    for file in files:
        file.unlink()


def _collect(plane: ControlPlane, name: str, ended: threading.Event, files: list[Path]) -> None:
    api = Api(plane)
    while not ended.is_set():
        answer = api.send("GET", f"/debug/pprof/profile?seconds={WINDOW}")
        answer.raise_for_status()
        files.append(harness.RESULTS / f"{name}-{len(files)}.pprof")
        files[-1].write_bytes(answer.content)
