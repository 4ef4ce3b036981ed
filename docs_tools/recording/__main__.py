"""`python -m docs_tools.recording NAME`: records a command and writes docs/images/NAME.gif."""

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

from devcluster import settings
from docs_tools.recording.frames import frames
from docs_tools.recording.picture import fonts, gif
from docs_tools.recording.terminal import Written, record

IMAGES = settings.REPOSITORY / "docs" / "images"
PLUGIN = str(Path(sys.executable).with_name("kubectl-inferenceimage"))
OBJECT = ["object-detect", "--namespace=object-detect"]
CHANGE = [
    *(str(settings.STATE / "bin" / "kubectl"), "patch", "inferenceimage", *OBJECT, "--type=merge"),
    f'--patch={{"spec":{{"build":{{"args":{{"RECORDED":"{time.time_ns()}"}}}}}}}}',
]
"""Makes the stages from Build on run."""


class Recording(NamedTuple):
    """Commands, of which the last one is shown, and the size of their terminal."""

    commands: list[list[str]]
    columns: int = 100
    rows: int = 24


RECORDINGS = {
    "demo": Recording([["make", "--no-print-directory", "demo"]], columns=110, rows=30),
    "watch": Recording([CHANGE, [PLUGIN, "watch", *OBJECT]], rows=12),
}


def main() -> int:
    """Returns the exit code of the command that failed, after what it wrote."""
    parser = argparse.ArgumentParser(prog="docs_tools.recording", description=__doc__)
    parser.add_argument("name", choices=RECORDINGS)
    name = parser.parse_args().name
    found = RECORDINGS[name]
    environment = {"KUBECONFIG": str(settings.STATE / "kubeconfig")}
    written: list[Written] = []
    for command in found.commands:
        code, written = record(command, found.columns, found.rows, cwd=settings.REPOSITORY, env=environment)
        if code:
            sys.stderr.buffer.write(b"".join(piece.data for piece in written))
            return code
    (IMAGES / f"{name}.gif").write_bytes(gif(frames(written, found.columns, found.rows), fonts()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
