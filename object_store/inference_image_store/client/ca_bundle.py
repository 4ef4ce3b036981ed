"""Which certificate authorities are trusted for UFile: the installation's own where it is mounted, else the public."""

import os
from pathlib import Path

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from inference_image_contract import paths

BUNDLE = Path(paths.UFILE_CA)


def bundle() -> str:
    """A file or a folder of certificates; outside of a Job, REQUESTS_CA_BUNDLE is heeded as by requests itself."""
    return str(BUNDLE) if BUNDLE.exists() else os.environ.get("REQUESTS_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
