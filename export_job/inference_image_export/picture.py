"""A small test picture in the form of a graph's input type, and a few more for comparisons."""

from typing import Any

from inference_image_contract import png as file

WIDTH, HEIGHT = 160, 120
"""Not square, to detect a graph that swaps height and width."""
_JPEG = b"\xff\xd8\xff"


def pixels() -> bytes:
    """RGB rows of a dark square on a colour gradient; deterministic."""
    return bytes(value for y in range(HEIGHT) for x in range(WIDTH) for value in _pixel(x, y))


def png() -> bytes:
    """The same picture as a PNG file."""
    return file.encode(WIDTH, HEIGHT, pixels())


def feed(input_type: str) -> Any:  # noqa: ANN401 - an array or a list, as the input type wants it
    """A batch of one: an array (1, height, width, 3) uint8, or a list of one string.

    Raises KeyError for an input type that does not exist.
    """
    return _array() if input_type == "image_tensor" else feed_file(input_type, png())


def feed_file(input_type: str, data: bytes) -> Any:  # noqa: ANN401 - as `feed`
    """The same for a picture file in any format that TensorFlow decodes.

    Raises KeyError for an input type that does not exist, tf.errors.OpError for an undecodable file.
    """
    return {"image_tensor": _decoded, "encoded_image_string_tensor": _encoded, "tf_example": _example}[input_type](data)


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


def _array() -> Any:  # noqa: ANN401 - numpy.ndarray
    import numpy as np

    return np.frombuffer(pixels(), np.uint8).reshape(1, HEIGHT, WIDTH, 3)


def _decoded(data: bytes) -> Any:  # noqa: ANN401 - numpy.ndarray
    import tensorflow.compat.v1 as tf

    with tf.Graph().as_default(), tf.Session() as session:
        if data.startswith(_JPEG):  # the accurate transform of other decoders; TensorFlow's default is a faster one
            picture = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
        else:
            picture = tf.io.decode_image(data, channels=3, expand_animations=False)
        return session.run(picture)[None]


def _encoded(data: bytes) -> list[bytes]:
    return [data]


def _example(data: bytes) -> list[bytes]:
    import tensorflow as tf

    example = tf.train.Example()
    example.features.feature["image/encoded"].bytes_list.value.append(data)
    example.features.feature["image/format"].bytes_list.value.append(b"jpeg" if data.startswith(_JPEG) else b"png")
    return [example.SerializeToString()]
