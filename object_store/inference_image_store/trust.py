"""Which certificate authorities are trusted for UFile: the installation's own where it is mounted, else the public."""

import os
from pathlib import Path

from inference_image_contract import paths

BUNDLE = Path(paths.UFILE_CA)


def verify() -> str | bool:
    """The value of requests' `verify`; outside of a Job, REQUESTS_CA_BUNDLE is heeded as by requests itself."""
    return str(BUNDLE) if BUNDLE.exists() else os.environ.get("REQUESTS_CA_BUNDLE") or True
