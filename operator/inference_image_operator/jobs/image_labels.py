"""The labels of a built image: from any copy of it one finds the checkpoint again.

Only what is derived from the content: equal content has equal labels, whenever and wherever it is built. Labels are in
the image's configuration and in no layer.
"""

import msgspec

from inference_image_operator.api import GROUP, Status

_REVISION = "org.opencontainers.image.revision"
_VERSION = "org.opencontainers.image.version"
"""The OCI image specification's names. A LABEL of the Dockerfile wins over ours; those of the base image do not."""


def provenance(status: Status, prefix: str) -> dict[str, str]:
    """The labels by name. `prefix` is that of the training output, which is no part of the content."""
    found = {_REVISION: status.content_hash, f"{GROUP}/content-hash": status.content_hash}
    checkpoint = status.checkpoint
    if checkpoint is None:
        return found
    files = [[item.key.removeprefix(prefix), item.size, item.etag] for item in checkpoint.files]
    step = "" if checkpoint.step is None else str(checkpoint.step)
    return (
        found
        | ({_VERSION: step, f"{GROUP}/checkpoint-step": step} if step else {})
        | {
            f"{GROUP}/checkpoint-fingerprint": checkpoint.fingerprint,
            f"{GROUP}/checkpoint-files": msgspec.json.encode(files).decode(),
        }
    )
