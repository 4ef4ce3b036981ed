"""Runs one fuzzer: `python -m tests.fuzz TARGET --examples 200`, or `--seconds 600`. Its end says what it found.

The same number of examples are the same examples: the seed is fixed. With `--seconds`, seeds follow one another.
"""

import argparse
import signal
import sys
import time
from types import FrameType

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity

from tests.fuzz.inputs import inputs
from tests.fuzz.targets import TARGETS, Target
from tests.support.limits import MIB, limit

MEMORY = 768 * MIB
CPU_OF_AN_INPUT = 10
"""Seconds of CPU time: a thousand times what an input of this size should take."""
BATCH = 1000


class TooSlow(BaseException):
    """An input takes more CPU time than it may. No parser catches it."""


def check(target: Target, data: bytes) -> None:
    """Parses; only documented errors pass."""
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_OF_AN_INPUT)
    try:
        target.parse(data)
    except target.errors:
        pass
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def fuzz(target: Target, examples: int, seed: int) -> None:
    """Runs so many examples. Raises what the parser raises, with the smallest input in the notes."""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        verbosity=Verbosity.normal,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(inputs(target.examples(), target.words))
    def run(data: bytes) -> None:
        check(target, data)

    for data in target.examples():
        check(target, data)
    run()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--examples", type=int, default=BATCH)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--cpu", type=int, default=0, help="most seconds of CPU time in all")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    target = TARGETS[asked.target]
    check(target, target.examples()[0])  # loads the parser, whose own memory does not count
    limit(asked.cpu or int(asked.seconds) * 2 + 120, MEMORY)
    signal.signal(signal.SIGVTALRM, _too_slow)
    started, done = time.monotonic(), 0
    while not done or time.monotonic() - started < asked.seconds:
        fuzz(target, asked.examples, asked.seed + done)
        done += 1
    print(f"{asked.target}: {done * asked.examples} inputs, no fault", file=sys.stderr)


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow(f"more than {CPU_OF_AN_INPUT} s of CPU time")


if __name__ == "__main__":
    main()
