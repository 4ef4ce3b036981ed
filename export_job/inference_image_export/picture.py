"""One small picture, fed to a graph the way its input type wants it; and a few more for a closer look."""

import struct
import zlib
from typing import Any

WIDTH, HEIGHT = 160, 120
"""Not square, so that a graph that exchanges the two is found out."""


def pixels() -> bytes:
    """RGB rows of a dark square on a slope of colours; every byte follows from its place."""
    return bytes(value for y in range(HEIGHT) for x in range(WIDTH) for value in _pixel(x, y))


def png() -> bytes:
    """The same picture as a PNG file."""
    stride = WIDTH * 3
    data = pixels()
    rows = b"".join(b"\x00" + data[y * stride : (y + 1) * stride] for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def feed(input_type: str) -> Any:  # noqa: ANN401 - an array or a list, as the input type wants it
    """A batch of one: an array (1, height, width, 3) uint8, or a list of one string.

    Raises KeyError for an input type that does not exist.
    """
    return {"image_tensor": _array, "encoded_image_string_tensor": _encoded, "tf_example": _example}[input_type]()


def batches() -> list[Any]:
    """Batches for `image_tensor`: the picture, noise of other shapes, and two pictures at once."""
    import numpy as np

    random = np.random.default_rng(1)
    noise = [random.integers(0, 256, (1, *size, 3), np.uint8) for size in ((96, 96), (HEIGHT, WIDTH), (200, 90))]
    return [_array(), *noise, np.concatenate([_array(), noise[1]])]


def _pixel(x: int, y: int) -> tuple[int, int, int]:
    if WIDTH // 4 <= x < WIDTH // 2 and HEIGHT // 4 <= y < HEIGHT * 3 // 4:
        return 30, 40, 50
    return 255 * x // WIDTH, 255 * y // HEIGHT, 128


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _array() -> Any:  # noqa: ANN401 - numpy.ndarray
    import numpy as np

    return np.frombuffer(pixels(), np.uint8).reshape(1, HEIGHT, WIDTH, 3)


def _encoded() -> list[bytes]:
    return [png()]


def _example() -> list[bytes]:
    import tensorflow as tf

    example = tf.train.Example()
    example.features.feature["image/encoded"].bytes_list.value.append(png())
    example.features.feature["image/format"].bytes_list.value.append(b"png")
    return [example.SerializeToString()]
