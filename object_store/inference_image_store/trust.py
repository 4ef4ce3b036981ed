"""Which certificate authorities are trusted for UFile: the installation's own where it is mounted, else the public."""

from pathlib import Path

from inference_image_contract import paths

BUNDLE = Path(paths.UFILE_CA)


def verify() -> str | bool:
    """The value of requests' `verify`."""
    return str(BUNDLE) if BUNDLE.exists() else True
