"""Checks a tensor's static shape."""

PICTURE = ((1, None), (None,), (None,), (3,))
"""The allowed sizes of each dimension of `image_tensor`; None is any size."""


def check_picture(shape):
    """Rejects a graph that does not accept single pictures of any size."""
    if len(shape) != len(PICTURE) or any(size not in sizes for size, sizes in zip(shape, PICTURE)):
        raise ValueError("The graph accepts %r, not pictures of any size: export it as image_tensor." % (shape,))
