"""Which pictures may go through the detector together."""

from collections.abc import Hashable, Mapping


def portions(pixels: Mapping[int, int], most: int) -> list[list[int]]:
    """The numbers of the pictures, in order, cut so that each portion has `most` pixels, or is one picture alone.

    It bounds what is decoded at once and what the detector turns into floats. `pixels`: those of each picture.
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
    """The numbers of pictures of one size, `most` of them at a time: only those make one tensor."""
    groups: dict[Hashable, list[int]] = {}
    for number, size in sizes.items():
        groups.setdefault(size, []).append(number)
    return [
        group[at : at + (most or len(group))]
        for group in groups.values()
        for at in range(0, len(group), most or len(group))
    ]
