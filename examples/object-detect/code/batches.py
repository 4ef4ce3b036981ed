"""Which pictures go through the detector together."""

from collections.abc import Hashable, Mapping


def portions(pixels: Mapping[int, int], most: int) -> list[list[int]]:
    """The indices of the pictures, in order, in portions of at most `most` pixels, or of one larger picture.

    This limits the memory for decoded pictures and for the detector's floats. `pixels`: pixels of each picture.
    """
    cut: list[list[int]] = []
    total = 0
    for number, count in pixels.items():
        if cut and total + count <= most:
            cut[-1].append(number)
            total += count
        else:
            cut.append([number])
            total = count
    return cut


def equal(sizes: Mapping[int, Hashable], most: int | None) -> list[list[int]]:
    """The indices of pictures with equal size, at most `most` at a time: only equal sizes fit in one tensor."""
    groups: dict[Hashable, list[int]] = {}
    for number, size in sizes.items():
        groups.setdefault(size, []).append(number)
    return [
        group[at : at + (most or len(group))]
        for group in groups.values()
        for at in range(0, len(group), most or len(group))
    ]
