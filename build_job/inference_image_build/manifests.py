"""Reads back the manifest that `resolve` wrote, and refuses any other."""

import hashlib

import msgspec

from inference_image_contract.errors import StageError
from inference_image_contract.inputs import Manifest, ManifestRef
from inference_image_contract.reasons import Reason
from inference_image_store import Store

MAX_BYTES = 8 * 1024**2
"""2,000 files with keys of 1,023 bytes fit."""


def read(store: Store, reference: ManifestRef) -> Manifest:
    """The manifest, verified by its SHA-256.

    Raises StageError: `SourceChanged` when it is gone or another, `InvalidInput` when it is of another version.
    """
    if store.find(reference.key) is None:
        raise _changed(reference, "is gone")
    data = store.read(reference.key, max_bytes=MAX_BYTES)
    if hashlib.sha256(data).hexdigest() != reference.sha256:
        raise _changed(reference, "is not the one that was written")
    try:
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise StageError(
            Reason.INVALID_INPUT,
            f"The manifest {reference.key} is not of this version: {error}.",
            "The images of the steps are of different versions: install them from one chart.",
        ) from error


def _changed(reference: ManifestRef, what: str) -> StageError:
    return StageError(
        Reason.SOURCE_CHANGED,
        f"The manifest {reference.key} {what}.",
        "Nothing to do: everything is resolved again. Let nothing else write below spec.export.outputPrefix.",
    )
