"""`enter.py PROGRAM ARGUMENT...`: executes a program inside the cluster's network, from any working directory."""

import os
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # run as a file, to keep the caller's working directory

from devcluster.node import inside  # noqa: E402 - needs the path above


def main() -> None:
    """Replaces this process with the program."""
    inside.enter()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the caller's own program


if __name__ == "__main__":
    main()
