"""`python -m bench.check [--record RUNS] [NAME ...]`: short runs of benchmarks, compared with the committed ratios.

A ratio compares with the plain way in the same run, so it holds on another machine too. The check fails when a ratio is
worse than the committed one by more than its noise. `--record` measures several times and writes the median, and as the
noise twice the largest distance from it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import harness
from devcluster import settings

EXPECTED = Path(__file__).with_name("expected.json")
LEAST_NOISE = 0.1
"""By this share two runs of one program differ on a machine that does other work too."""
RATE = "/s"
"""More is better where a figure's unit ends so."""
TENSORFLOW = settings.REPOSITORY / ".venv-tf" / "bin" / "python"
EXAMPLE = os.pathsep.join(f"examples/object-detect/{part}" for part in ("server", "code", "training"))


@dataclass(frozen=True)
class Short:
    """A benchmark's module and arguments for a short run, and which of its figures are compared."""

    arguments: tuple[str, ...]
    figures: tuple[str, ...]
    """Parts of the figures' names."""
    tensorflow: bool = False
    """Whether it runs in the environment with TensorFlow, with the example's code."""


SHORT = {
    "overhead": Short(("bench.pipelines", "overhead", "--rounds", "3"), ("median of the rounds' ratios",)),
    "scale": Short(
        ("bench.pipelines", "scale", "--count", "60", "--without-argo"),
        ("InferenceImages at once", "writes per stage", "Events per stage"),
    ),
    "transfer": Short(
        ("bench.transfer", "--size", "0.5", "--files", "500", "--rounds", "3"),
        ("over curl", "over the SDK's download_file", "over the SDK's uploadfile", "peak memory"),
    ),
    "export": Short(
        ("bench.export", "--rounds", "3", "--without-image", "--without-tutorial"), ("export step", "peak memory")
    ),
    "serving": Short(("bench.serving", "--rounds", "1", "--seconds", "3"), ("answered", "CPU"), tensorflow=True),
}


@dataclass(frozen=True)
class Expected:
    """A committed ratio, and the share by which a run may be worse."""

    ratio: float
    noise: float
    more_is_better: bool


@dataclass(frozen=True)
class Found:
    """A ratio of a short run; the value itself for a figure without a baseline."""

    ratio: float
    more_is_better: bool

    def worse(self, expected: Expected) -> float:
        """The share by which it is worse than expected; below 0 where it is better."""
        old, new = expected.ratio, self.ratio
        return (old / new if self.more_is_better else new / old) - 1


def chosen(short: Short, figures: Sequence[Mapping[str, Any]]) -> dict[str, Found]:
    """Name -> ratio of the compared figures. Raises ValueError when one of them is missing."""
    missing = [part for part in short.figures if not any(part in figure["name"] for figure in figures)]
    if missing:
        raise ValueError(f"the benchmark has no figure with {missing[0]!r} in its name")
    return {
        figure["name"]: Found(
            figure["ours"] if figure["ratio"] is None else figure["ratio"], figure["unit"].endswith(RATE)
        )
        for figure in figures
        if any(part in figure["name"] for part in short.figures)
    }


def verdicts(found: Mapping[str, Found], expected: Mapping[str, Expected]) -> Iterator[tuple[bool, str]]:
    """Whether each ratio is good enough, and a line about it.

    Raises ValueError when the two do not name the same figures.
    """
    if found.keys() != expected.keys():
        raise ValueError(f"only the run or only {EXPECTED.name} has {sorted(found.keys() ^ expected.keys())}")
    for name, ratio in found.items():
        known = expected[name]
        good = ratio.worse(known) <= known.noise
        numbers = f"{harness.number(ratio.ratio)}, expected {harness.number(known.ratio)} within {known.noise:.0%}"
        yield good, f"{'ok   ' if good else 'WORSE'} {name}: {numbers}"


def recorded(runs: Sequence[Mapping[str, Found]]) -> dict[str, Expected]:
    """What to commit after these runs: the medians, and the noise that the runs showed."""
    return {name: _recorded([run[name] for run in runs]) for name in runs[0]}


def _recorded(found: Sequence[Found]) -> Expected:
    middle = statistics.median(one.ratio for one in found)
    expected = Expected(middle, 0, found[0].more_is_better)
    noise = 2 * max(abs(one.worse(expected)) for one in found)
    return Expected(round(middle, 3), round(max(LEAST_NOISE, noise), 2), expected.more_is_better)


def measure(name: str) -> dict[str, Found]:
    """Runs one benchmark briefly. Raises CalledProcessError when it fails."""
    short, folder = SHORT[name], harness.RESULTS / "short"
    environment = {**os.environ, harness.SHORT_RUN: str(folder)}
    if short.tensorflow:
        environment["PYTHONPATH"] = EXAMPLE
    python = TENSORFLOW if short.tensorflow else sys.executable
    command = [python, "-m", *short.arguments]
    subprocess.run(command, check=True, cwd=settings.REPOSITORY, env=environment, stdout=sys.stderr)
    return chosen(short, json.loads((folder / f"{name}.json").read_text())["figures"])


def check(names: Sequence[str]) -> bool:
    """Runs benchmarks and prints the verdicts. False when a ratio is too much worse."""
    document = json.loads(EXPECTED.read_text())
    found = []
    for name in names:
        expected = {figure: Expected(**values) for figure, values in document[name].items()}
        found += [(good, f"{line} ({name})") for good, line in verdicts(measure(name), expected)]
    print(*(line for _, line in found), sep="\n")
    return all(good for good, _ in found)


def record(names: Sequence[str], runs: int) -> None:
    """Measures each benchmark `runs` times and writes what the next check expects."""
    document = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    for name in names:
        found = recorded([measure(name) for _ in range(runs)])
        document[name] = {figure: asdict(value) for figure, value in found.items()}
        EXPECTED.write_text(json.dumps(document, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.check", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SHORT)}; all without one")
    parser.add_argument("--record", type=int, metavar="RUNS", help=f"measure this often, and write {EXPECTED.name}")
    arguments = parser.parse_args()
    names = arguments.names or list(SHORT)
    if unknown := set(names) - SHORT.keys():
        parser.error(f"no short run of {', '.join(sorted(unknown))}")
    if arguments.record:
        record(names, arguments.record)
    elif not check(names):
        sys.exit(1)


if __name__ == "__main__":
    main()
