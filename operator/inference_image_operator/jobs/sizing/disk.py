"""How much scratch space a stage asks for, in bytes."""

MIB = 1 << 20
SMALL = 64 * MIB
DOWNLOAD = 1280 * MIB
"""An archive of 1 GiB, or a Git commit of 128 MiB with its index; the step refuses more before it is fetched."""
_UNPACKED = 4
"""Unpacked size of an image over its compressed size; 3.6 was seen for TensorFlow's."""


def workspace(context_bytes: int) -> int:
    """The build context, with room for the pinned Dockerfile and rounding."""
    return SMALL + context_bytes + context_bytes // 8


def kaniko(context_bytes: int, base_bytes: int) -> int:
    """What Kaniko writes: the unpacked base, and each new layer twice (as files and as a compressed archive)."""
    return SMALL + _UNPACKED * base_bytes + base_bytes + 2 * context_bytes


def export(context_bytes: int) -> int:
    """The checkpoint, the exporter's output in two forms, and temporary files."""
    return 4 * SMALL + 4 * context_bytes
