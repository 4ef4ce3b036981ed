"""Log lines of this package on stderr, the log of a Job."""

import logging


def to_stderr() -> None:
    """Logs the progress of transfers and retries; other libraries log warnings and above."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("inference_image_store").setLevel(logging.INFO)
