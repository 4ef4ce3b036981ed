"""The changes after which a run is measured, each on the object that the one before left."""

import time
from collections.abc import Callable, Mapping

from bench.latency import node
from demo.seed import EXAMPLE
from tests.e2e.stack import Case, objects

FILE = "code/object_detect_inference.py"


def first(case: Case) -> None:
    """A new object, on a node that has none of the images."""
    node.forget()
    case.apply()


def code(case: Case) -> None:
    """A file of the code differs."""
    write_code(case)
    case.request()


def write_code(case: Case) -> None:
    """Puts a file of the code that differs from all before into the bucket."""
    text = (EXAMPLE / FILE).read_text()
    objects({"write": [f"{case.prefix}source/{FILE}", f"{text}\n# {time.time_ns()}\n"]})


def weights(case: Case) -> None:
    """A later checkpoint, of the same bytes: everything runs again, but the layer of the weights is pushed already."""
    checkpoint = case.spec["model"]["checkpoint"]
    before, checkpoint["step"] = checkpoint["step"], checkpoint["step"] + 1
    names = [name.replace(f"-{before}.", f"-{checkpoint['step']}.") for name in case.checkpoint]
    folder = f"{case.prefix}train/"
    objects(*({"copy": [folder + old, folder + new]} for old, new in zip(case.checkpoint, names, strict=True)))
    case.checkpoint = names
    case.apply()


def tag(case: Case) -> None:
    """Another tag."""
    case.spec["image"]["tags"] = [f"{case.tag}-{time.time_ns()}"]
    case.apply()


def nothing(case: Case) -> None:
    """A request without any change."""
    case.request()


KINDS: Mapping[str, Callable[[Case], None]] = {
    "first": first,
    "code": code,
    "weights": weights,
    "tag": tag,
    "nothing": nothing,
}
TITLES: Mapping[str, str] = {
    "first": "first run, nothing on the node",
    "code": "a file of the code changed",
    "weights": "a later checkpoint",
    "tag": "another tag",
    "nothing": "a request, nothing changed",
}
