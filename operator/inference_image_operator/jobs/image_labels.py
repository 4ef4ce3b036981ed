"""The labels of a built image. They identify the checkpoint of any copy of the image.

They depend on the content alone: equal content has equal labels, whenever and wherever it is built. Labels are part of
the image configuration, not of a layer.
"""

import msgspec

from inference_image_operator.api import GROUP, Status

_REVISION = "org.opencontainers.image.revision"
_VERSION = "org.opencontainers.image.version"
"""Names of the OCI image specification. A LABEL in the Dockerfile overrides ours; ours override the base image's."""


def provenance(status: Status, prefix: str) -> dict[str, str]:
    """The labels by name. `prefix` is the prefix of the training output, which is not part of the content."""
    found = {_REVISION: status.content_hash, f"{GROUP}/content-hash": status.content_hash}
    checkpoint = status.checkpoint
    if checkpoint is None:
        return found
    files = [[item.key.removeprefix(prefix), item.size, item.etag] for item in checkpoint.files]
    step = "" if checkpoint.step is None else str(checkpoint.step)
    name = {f"{GROUP}/checkpoint-name": checkpoint.name} if checkpoint.name else {}
    return (
        found
        | ({_VERSION: step, f"{GROUP}/checkpoint-step": step} if step else name)
        | {
            f"{GROUP}/checkpoint-fingerprint": checkpoint.fingerprint,
            f"{GROUP}/checkpoint-files": msgspec.json.encode(files).decode(),
        }
    )
