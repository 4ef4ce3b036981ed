"""Starts the operator with a wall clock that a file offsets: `python clocked.py FILE --config=...`.

The operator reads the wall clock in one place. The file has the offset in seconds and may change at any time.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inference_image_operator import __main__
from inference_image_operator.runtime import app


def shifted(file: Path) -> datetime:
    """The time of the offset clock."""
    return datetime.now(UTC) + timedelta(seconds=float(file.read_text()))


if __name__ == "__main__":
    shift = Path(sys.argv.pop(1))
    app._now = lambda: shifted(shift)
    sys.exit(__main__.main())
