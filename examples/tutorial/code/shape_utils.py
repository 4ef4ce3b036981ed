"""Shapes of arrays."""

import numpy as np


def as_batch(pixels):
    """A picture [height, width, 3] as a batch of one."""
    return np.expand_dims(pixels, axis=0)


def of_first(batch, count):
    """The first `count` rows of a batch's first element: without the padding of the detector."""
    return batch[0][:count]
