"""The scratch space of each stage, in bytes."""

MIB = 1 << 20
SMALL = 64 * MIB
DOWNLOAD = 1280 * MIB
"""An archive of 1 GiB, or a Git commit of 128 MiB with its index. The step rejects a larger one before the download."""
_UNPACKED = 4
"""Ratio of unpacked to compressed size of an image. TensorFlow's image has 3.6."""


def workspace(context_bytes: int) -> int:
    """The build context, plus space for the pinned Dockerfile and for rounding."""
    return SMALL + context_bytes + context_bytes // 8


def kaniko(context_bytes: int, base_bytes: int) -> int:
    """What Kaniko writes: the unpacked base image, and each new layer twice (as files and as a compressed archive)."""
    return SMALL + _UNPACKED * base_bytes + base_bytes + 2 * context_bytes


def depot(context_bytes: int, base_bytes: int, *, reproducible: bool) -> int:
    """The compressed base image and the new layers; a reproducible build makes the base's layers again, too."""
    return SMALL + (2 if reproducible else 1) * base_bytes + context_bytes


def export(context_bytes: int) -> int:
    """The checkpoint, the exporter's output in two formats, and temporary files."""
    return 4 * SMALL + 4 * context_bytes
