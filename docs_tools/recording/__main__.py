"""`python -m docs_tools.recording NAME`: records a command and writes docs/images/NAME.gif."""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

from devcluster import settings
from docs_tools.recording.frames import frames
from docs_tools.recording.picture import fonts, gif
from docs_tools.recording.terminal import record

IMAGES = settings.REPOSITORY / "docs" / "images"
PLUGIN = [str(Path(sys.executable).with_name("kubectl-inferenceimage")), "-n", "object-detect"]


class Recording(NamedTuple):
    """A command, and the size of its terminal."""

    argv: list[str]
    columns: int = 100
    rows: int = 24
    before: list[str] | None = None
    """A command that runs first, unseen."""


RECORDINGS = {
    "demo": Recording(["make", "--no-print-directory", "demo"], columns=110, rows=30),
    "watch": Recording([*PLUGIN, "watch", "object-detect"], before=[*PLUGIN, "rebuild", "object-detect"]),
}


def main() -> int:
    """Returns the exit code of the command."""
    parser = argparse.ArgumentParser(prog="docs_tools.recording", description=__doc__)
    parser.add_argument("name", choices=RECORDINGS)
    name = parser.parse_args().name
    found = RECORDINGS[name]
    environment = {"KUBECONFIG": str(settings.STATE / "kubeconfig")}
    if found.before:
        record(found.before, found.columns, found.rows, cwd=settings.REPOSITORY, env=environment)
    code, written = record(found.argv, found.columns, found.rows, cwd=settings.REPOSITORY, env=environment)
    if code == 0:
        (IMAGES / f"{name}.gif").write_bytes(gif(frames(written, found.columns, found.rows), fonts()))
    return code


if __name__ == "__main__":
    sys.exit(main())
