"""The allowed ops, from `allowed-ops.txt`."""

from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("allowed-ops.txt")


@cache
def allowed() -> frozenset[str]:
    """The names of the ops that may run. The file says where they come from."""
    lines = TABLE.read_text("ascii").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
