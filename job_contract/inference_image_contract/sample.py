"""The built-in test picture: two squares."""

from inference_image_contract import png as file

WIDTH, HEIGHT = 160, 120
MAX_BYTES = 32 * 1024**2
"""Most bytes of a sample that the user provides."""
_BACKGROUND, _RED, _BLUE = b"\xf0\xf0\xf0", b"\xd0\x20\x20", b"\x20\x40\xc0"


def png() -> bytes:
    """An RGB PNG of `WIDTH` x `HEIGHT`, the same bytes every time."""
    return file.encode(WIDTH, HEIGHT, b"".join(_colour(x, y) for y in range(HEIGHT) for x in range(WIDTH)))


def _colour(x: int, y: int) -> bytes:
    if x in range(20, 70) and y in range(30, 80):
        return _RED
    return _BLUE if x in range(90, 140) and y in range(50, 100) else _BACKGROUND
