"""`python -m bench.transfer [--size GiB] [--files N] [--rounds N]`: runs the benchmark and reports it."""

import argparse
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bench import harness
from bench.harness import Figure
from bench.transfer.client import BUCKET, LARGE, PRIVATE, PUBLIC
from bench.transfer.curl import Curl
from devcluster import settings
from inference_image_contract.inputs import UFile
from inference_image_store import Credentials, Store

GIB = 1024**3
BLOCK = 4 * 1024**2
SMALL_SIZE = 16 * 1024
LATE = 0.002
"""Seconds of added latency, because loopback has none."""

STAND_IN = """
import json, sys
from pathlib import Path
from devcluster.ufile import KeyPair, running
with running(Path(sys.argv[1]), (KeyPair(sys.argv[2], sys.argv[3]),), (sys.argv[4],)) as standin:
    print(standin.suffix, flush=True)
    for line in sys.stdin:
        standin.handler.delay = float(line)
        print("done", flush=True)
"""


def _environment() -> dict[str, str]:
    """The environment of child processes, with this process's import path."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


class Bench:
    """The stand-in in one process, each client in a separate one, in turn."""

    def __init__(self, folder: Path, commands: IO[str], answers: IO[str]) -> None:
        """Takes the stand-in's standard input and output, and the folder of the sources."""
        self._commands, self._answers = commands, answers
        self.suffix = suffix = answers.readline().strip()
        self.folder = folder
        self.curl = Curl(suffix, folder)
        self.store = Store(UFile(bucket=BUCKET, scheme="http", suffix=suffix), Credentials(PUBLIC, PRIVATE))
        self.peaks: dict[str, list[int]] = {}

    def run(self, what: str) -> float:
        """Runs one client; returns its seconds."""
        command = [sys.executable, "-m", "bench.transfer.client", what, self.suffix, str(self.folder)]
        found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, env=_environment()).stdout)
        if "small" in what:  # after many deletions the file system creates files slowly for a while
            (self.folder / "target").rename(self.folder / f"done-{secrets.token_hex(4)}")
        else:
            shutil.rmtree(self.folder / "target")
        self.peaks.setdefault(what, []).append(found["peak"])
        print(f"{what}: {found['seconds']:.2f} s, {found['cpu']:.2f} s of CPU with the start", flush=True)
        return float(found["seconds"])

    @contextmanager
    def late(self, seconds: float) -> Iterator[None]:
        """Makes the stand-in wait before each reply."""
        self._delay(seconds)
        yield
        self._delay(0)

    def _delay(self, seconds: float) -> None:
        print(seconds, file=self._commands, flush=True)
        self._answers.readline()

    def forget(self, *prefixes: str) -> None:
        """Deletes objects, so that the next upload sends them again."""
        for prefix in prefixes:
            for item in self.store.list(prefix, limit=9999):
                self.store.delete(item.key)


@contextmanager
def bench(size: int, count: int) -> Iterator[Bench]:
    """Sources on disk, and a stand-in with its objects beside them."""
    scratch = settings.REPOSITORY / "out"
    scratch.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="transfer-", dir=scratch) as name:
        folder = Path(name)
        _fill(folder, size, count)
        command = [sys.executable, "-c", STAND_IN, str(folder / "objects"), PUBLIC, PRIVATE, BUCKET]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=_environment()) as process:
            try:
                if process.stdin and process.stdout:
                    yield Bench(folder, process.stdin, process.stdout)
            finally:
                process.communicate("")


def _fill(folder: Path, size: int, count: int) -> None:
    """Writes a file of distinct blocks, and distinct small files."""
    noise = secrets.token_bytes(BLOCK)
    with (folder / "source").open("wb") as file:
        for number in range(size // BLOCK):
            file.write(number.to_bytes(8, "big") + noise[8:])
    (folder / "small").mkdir()
    for number in range(count):
        (folder / "small" / f"{number:05}").write_bytes(number.to_bytes(8, "big") + noise[8:SMALL_SIZE])


def _rounds(count: int, *works: Callable[[], float]) -> list[list[float]]:
    """Name -> seconds of each client, all in turn in each round."""
    os.sync()
    return [list(column) for column in zip(*([work() for work in works] for _ in range(count)), strict=True)]


def large(found: Bench, size: int, rounds: int) -> list[Figure]:
    """One large object, down and up."""

    def ours_up() -> float:
        found.forget(f"ours/{LARGE}")
        return found.run("ours_up")

    found.curl.pieces()
    up = _rounds(rounds, ours_up, found.curl.up, lambda: found.run("sdk_up"))
    for path in found.folder.glob("piece-*"):
        path.unlink()
    found.forget("curl/", "sdk/")
    down = _rounds(rounds, lambda: found.run("ours_down"), found.curl.down, lambda: found.run("sdk_down"))

    def rate(seconds: list[float]) -> float:
        return size / statistics.median(seconds) / 1e6

    whole = f"{size / GIB:g} GiB"
    return [
        Figure(f"{whole} down, verified, over curl", "MB/s", rate(down[0]), rate(down[1]), "0.8 or more"),
        Figure("the same, over the SDK's download_file", "MB/s", rate(down[0]), rate(down[2])),
        Figure(
            f"{whole} up with checksums, over curl's PUTs of 512 MiB", "MB/s", rate(up[0]), rate(up[1]), "0.8 or more"
        ),
        Figure("the same, over the SDK's uploadfile", "MB/s", rate(up[0]), rate(up[2])),
        _peak(found, "peak memory of the process, down (VmHWM), over the SDK's", "ours_down", "sdk_down"),
        _peak(found, "the same, up", "ours_up", "sdk_up"),
    ]


def small(found: Bench, count: int, rounds: int) -> list[Figure]:
    """Many small files, down and up."""

    def ours_up() -> float:
        found.forget("ours/small/")
        return found.run("ours_small_up")

    works = [ours_up, *(lambda what=what: found.run(what) for what in ("sdk_small_up", "sdk_small_put"))]
    up = [count / statistics.median(seconds) for seconds in _rounds(rounds, *works)]
    works = [lambda what=what: found.run(what) for what in ("ours_small_down", "sdk_small_down")]
    down = [count / statistics.median(seconds) for seconds in _rounds(rounds, *works)]
    with found.late(LATE):
        late = [count / statistics.median(seconds) for seconds in _rounds(rounds, *works)]
    return [
        Figure(f"{count} files of 16 KiB down, over the SDK's download_file", "files/s", *down, "2 or more"),
        Figure(f"the same, each answer {LATE * 1000:g} ms late", "files/s", *late, "2 or more"),
        Figure(f"{count} files of 16 KiB up, over the SDK's uploadfile", "files/s", up[0], up[1], "2 or more"),
        Figure("the same, over the SDK's putfile", "files/s", up[0], up[2]),
    ]


def _peak(found: Bench, name: str, ours: str, theirs: str) -> Figure:
    return Figure(name, "MiB", max(found.peaks[ours]) / 1024**2, max(found.peaks[theirs]) / 1024**2, "64 or less")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.transfer", description=__doc__)
    parser.add_argument("--size", type=float, default=4, help="GiB of the large object")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    size = int(options.size * GIB) // BLOCK * BLOCK
    load = harness.load()
    with bench(size, options.files) as found:
        figures = [*small(found, options.files, options.rounds), *large(found, size, options.rounds)]
    setting = f"Medians of {options.rounds} rounds in turn, stand-in on the same machine; load {load:.1f} before."
    harness.report("transfer", figures, "make bench-transfer", setting)


if __name__ == "__main__":
    main()
