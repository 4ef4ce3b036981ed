"""What can be known of a tensor's shape without running anything."""

PICTURE = ((1, None), (None,), (None,), (3,))
"""For each dimension of `image_tensor`, what it may be; None is any."""


def check_picture(shape):
    """Refuses a graph that does not take pictures of any size, one by one."""
    if len(shape) != len(PICTURE) or any(size not in sizes for size, sizes in zip(shape, PICTURE)):
        raise ValueError("The graph takes %r, not pictures of any size: export it as image_tensor." % (shape,))
