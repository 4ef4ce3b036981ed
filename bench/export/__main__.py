"""Compares the export step with the bare exporter: time, memory, time to report damage, image size.

Models: the trained fixture, and the tutorial's at full size (Faster R-CNN on ResNet-101, 37 classes).
`python -m bench.export [--rounds N] [--without-image]`
"""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from bench import harness
from bench.harness import Figure
from devcluster import settings
from devcluster.fixture import TUTORIAL, Fixture, fixture
from devcluster.images import buildah, catalog, oci
from devcluster.images.image_build import build
from devcluster.ufile import KeyPair, StandIn, running
from inference_image_contract import inputs, paths
from inference_image_contract.reasons import ExitCode
from inference_image_store import Credentials, Store

PYTHON = settings.REPOSITORY / ".venv-tf" / "bin" / "python"
ONCE = Path(__file__).with_name("once.py")
SESSION = Path(__file__).with_name("session.py")
PARTS = ("job_contract", "object_store", "export_job")
KEYS = KeyPair(public_key="public", private_key="private")
TRAIN, OUTPUT, GRAPH = "train/", "out/", "frozen_inference_graph.pb"
MB = 1e6
AIM_MB = 330
CLASSES = {"pet_label_map.pbtxt": 37}
"""Label map -> number of classes, if not three."""


@dataclass(frozen=True)
class Cost:
    """The cost of one process, from the kernel's accounting."""

    seconds: float
    peak_bytes: int
    code: int


def measured(arguments: Sequence[object], environment: Mapping[str, str]) -> Cost:
    """Runs a program to completion; discards its output."""
    words = [str(argument) for argument in arguments]
    null = os.open(os.devnull, os.O_RDWR)
    began = time.monotonic()
    silence = [(os.POSIX_SPAWN_DUP2, null, stream) for stream in (1, 2)]
    pid = os.posix_spawn(words[0], words, dict(environment), file_actions=silence)
    _, status, usage = os.wait4(pid, 0)
    took = time.monotonic() - began
    os.close(null)
    return Cost(took, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status))


class Bench:
    """A bucket with the trained fixture, and both ways to export it."""

    def __init__(self, trained: Fixture, stand_in: StandIn, folder: Path) -> None:
        self.trained = trained
        self.prefix = trained.directory / f"model.ckpt-{trained.step}"
        self.config = trained.directory / "pipeline.config"
        self.folder = folder
        self.location = inputs.UFile(bucket=stand_in.bucket, scheme="http", suffix=stand_in.suffix)
        self.store = Store(self.location, Credentials(KEYS.public_key, KEYS.private_key))
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ":".join(str(settings.REPOSITORY / part) for part in PARTS),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        self.pins = {path.name: self._pin(path) for path in trained.training_output}

    def bare(self, number: int) -> Cost:
        target = self.folder / f"bare-{number}"
        return _done(measured([PYTHON, ONCE, "bare", self.prefix, self.config, target], self.environment))

    def ours(self, number: int) -> Cost:
        """The three steps: download; check, export and verify; upload.

        Their memory is the report of `export`: the peak of its largest process.
        """
        cost = _done(self._stage(f"{number:064x}", self.pins))
        return replace(cost, peak_bytes=json.loads((self.folder / "export").read_bytes())["peakMemoryBytes"])

    def session(self, kind: str, asks: int) -> dict[str, Any]:
        """A process that runs the last published graph; see `session.py`."""
        graph = self.folder / "graph.pb"
        self.store.download(OUTPUT + GRAPH, graph)
        result = self.folder / "session"
        _done(measured([PYTHON, SESSION, kind, graph, result, asks], self.environment))
        found: dict[str, Any] = json.loads(result.read_bytes())
        return found

    def damaged(self, number: int) -> Cost:
        """The same step with one flipped bit in the weights."""
        name = next(name for name in self.pins if ".data-" in name)
        data = bytearray((self.trained.directory / name).read_bytes())
        data[len(data) // 2] ^= 1
        damaged = self.folder / name
        damaged.write_bytes(data)
        cost = self._stage(f"{number + 1000:064x}", self.pins | {name: self._pin(damaged, "damaged/")})
        if cost.code != ExitCode.BAD_INPUT:
            raise ValueError(f"the export of the damaged checkpoint ended with exit code {cost.code}")
        return cost

    def _pin(self, path: Path, folder: str = "") -> inputs.PinnedObject:
        info = self.store.upload(path, TRAIN + folder + path.name)
        return inputs.PinnedObject(key=info.key, size=info.size, etag=info.etag)

    def _stage(self, fingerprint: str, pins: Mapping[str, inputs.PinnedObject]) -> Cost:
        config = pins["pipeline.config"]
        input_lock = inputs.InputLock(
            fingerprint=f"sha256:{fingerprint}",
            inputs_hash="",
            step=self.trained.step,
            checkpoint=tuple(pin for name, pin in pins.items() if name.startswith("model.ckpt-")),
            pipeline_config=config,
            label_map=config,
            num_classes=CLASSES.get(self.trained.label_map.name, 3),
            source=(),
            dockerfile="",
            base_images={},
        )
        data = msgspec.json.encode(input_lock)
        key = f"{OUTPUT}resolved/{fingerprint}.json"
        self.store.write(data, key)
        stage = inputs.ExportInput(
            ufile=self.location,
            input_lock=inputs.InputLockRef(key=key, sha256=hashlib.sha256(data).hexdigest()),
            input_type="image_tensor",
            output_prefix=OUTPUT,
            timeout_seconds=600,
        )
        keys = {paths.PUBLIC_KEY_ENV: KEYS.public_key, paths.PRIVATE_KEY_ENV: KEYS.private_key}
        environment = self.environment | {
            paths.INPUT_ENV: inputs.encode(stage),
            paths.WORKSPACE_ENV: str(self.folder / "workspace"),
        }
        seconds = 0.0
        for step in ("download", "export", "upload"):
            told = environment | {paths.RESULT_ENV: str(self.folder / step)} | (keys if step != "export" else {})
            cost = measured([PYTHON, "-m", "inference_image_export", step], told)
            seconds += cost.seconds
            if cost.code:
                break
        return replace(cost, seconds=seconds)


def step_figures(bench: Bench, rounds: int, model: str, aims: tuple[str, str]) -> Iterator[Figure]:
    """Time and memory of the whole step, compared with the bare exporter."""
    bench.bare(-1)  # loads TensorFlow into the page cache
    pairs = [(bench.ours(number), bench.bare(number)) for number in range(rounds)]
    ours, bare = ([pair[at] for pair in pairs] for at in (0, 1))
    seconds = [statistics.median(cost.seconds for cost in costs) for costs in (ours, bare)]
    yield Figure(f"{model}: export step from process start to published graph, median", "s", *seconds, aim=aims[0])
    peak = [statistics.median(cost.peak_bytes for cost in costs) / MB for costs in (ours, bare)]
    yield Figure(f"{model}: peak memory of the step, median", "MB", *peak, aim=aims[1])


def session_figures(bench: Bench, model: str, asks: int) -> Iterator[Figure]:
    """The cost of running the published graph, compared with TensorFlow's default session."""
    ours, plain = (bench.session(kind, asks) for kind in ("ours", "plain"))
    name = f"{model}: a process that runs the graph, without the graph optimizer"
    yield Figure(f"{name}: peak memory", "MB", ours["peak"] / MB, plain["peak"] / MB, aim="ratio 1.05 or less")
    for step in ("import", "read", "into the graph", "first picture"):
        yield Figure(f"{name}: {step}", "s", ours["seconds"][step], plain["seconds"][step])
    yield Figure(f"{name}: each picture after", "s", ours["seconds"]["answer"], plain["seconds"]["answer"])
    yield Figure(f"{name}: processor time of it", "s", ours["seconds"]["answer cpu"], plain["seconds"]["answer cpu"])


def verdict_figures(bench: Bench, rounds: int) -> Iterator[Figure]:
    verdicts = [bench.damaged(number).seconds for number in range(rounds)]
    yield Figure(
        "process start to the verdict on a damaged checkpoint, median",
        "s",
        statistics.median(verdicts),
        aim="1.5 or less",
    )


def image_figures(bench: Bench) -> Iterator[Figure]:
    for image in (*catalog.ALL, *catalog.EXTRA):
        if image.name not in {"export", "export-onnx"}:
            continue
        layout = build(image)
        aim = f"{AIM_MB} or less" if image.name == "export" else ""
        yield Figure(f"image `{image.name}`, compressed layers", "MB", _compressed(layout) / MB, aim=aim)
        if image.name == "export":
            equal = _graph_of_image(bench, layout) == _graph_of_environment(bench)
            yield Figure(
                "graph of the trimmed image equals that of the whole packages, byte for byte", "", int(equal), aim="1"
            )


def _compressed(layout: Path) -> int:
    manifest = json.loads((layout / "blobs" / "sha256" / oci.digest(layout).removeprefix("sha256:")).read_text())
    return sum(layer["size"] for layer in manifest["layers"])


def _graph_of_environment(bench: Bench) -> bytes:
    target = bench.folder / "environment"
    _done(measured([PYTHON, ONCE, "ours", bench.prefix, bench.config, target], bench.environment))
    return (target / GRAPH).read_bytes()


def _graph_of_image(bench: Bench, layout: Path) -> bytes:
    """Exports in a container of the image."""
    target = bench.folder / "image"
    target.mkdir()
    container = buildah.run_buildah("from", "--pull-never", buildah.load(layout)).strip()
    try:
        buildah.run_buildah(
            *("run", "--isolation=chroot", "--user=0"),
            *(
                f"--volume={bench.trained.directory}:/in:ro",
                f"--volume={target}:/out",
                f"--volume={ONCE.parent}:/bench:ro",
            ),
            *(container, "python3", f"/bench/{ONCE.name}", "ours", f"/in/{bench.prefix.name}", "/in/pipeline.config"),
            "/out/export",
        )
    finally:
        buildah.run_buildah("rm", container)
    return (target / "export" / GRAPH).read_bytes()


def _done(cost: Cost) -> Cost:
    if cost.code:
        raise ValueError(f"an export failed with exit code {cost.code}")
    return cost


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.export", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-image", action="store_true", help="skip the image, whose build takes minutes")
    parser.add_argument("--without-tutorial", action="store_true", help="skip the tutorial's model")
    arguments = parser.parse_args()
    load = harness.load()
    figures: list[Figure] = []
    with bench_of(fixture()) as bench:
        figures += step_figures(bench, arguments.rounds, "fixture", ("ratio 1.10 or less", "ratio 1.10 or less"))
        figures += verdict_figures(bench, arguments.rounds)
        figures += session_figures(bench, "fixture", 100)
        if not arguments.without_image:
            figures += image_figures(bench)
    if not arguments.without_tutorial:
        with bench_of(fixture(TUTORIAL)) as bench:
            figures += step_figures(bench, min(arguments.rounds, 3), "ResNet-101", ("", ""))
            figures += session_figures(bench, "ResNet-101", 3)
    setting = f"{arguments.rounds} rounds, both in turn (of ResNet-101 at most 3); load {load:.1f} before."
    harness.report("export", figures, "make bench-export", setting)


@contextlib.contextmanager
def bench_of(trained: Fixture) -> Iterator[Bench]:
    folder = Path(tempfile.mkdtemp(prefix="bench-export-"))
    try:
        with running(folder / "ufile", [KEYS]) as stand_in:
            yield Bench(trained, stand_in, folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
