"""The trusted certificate authorities for UFile: the installation's custom CA where mounted, else the public ones."""

import os
from pathlib import Path

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from inference_image_contract import paths

BUNDLE = Path(paths.UFILE_CA)


def bundle() -> str:
    """A file or a folder of certificates. Outside a Job, REQUESTS_CA_BUNDLE applies, as in requests itself."""
    return str(BUNDLE) if BUNDLE.exists() else os.environ.get("REQUESTS_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
