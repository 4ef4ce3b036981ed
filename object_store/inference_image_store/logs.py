"""What this package says, as lines on stderr: the log of a Job."""

import logging


def to_stderr() -> None:
    """Shows the progress of transfers and what is tried again; other libraries from warnings on."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("inference_image_store").setLevel(logging.INFO)
