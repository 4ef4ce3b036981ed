"""Operations on boxes."""

from box_list import BoxList


def above(boxes, threshold):
    """The boxes with a score above the threshold."""
    kept = boxes.scores > threshold
    return BoxList(boxes.boxes[kept], boxes.classes[kept], boxes.scores[kept])


def named(boxes, names):
    """Each box as `[ymin, xmin, ymax, xmax, name]`; `names` maps class ids to names."""
    return [box.tolist() + [names[int(kind)]] for box, kind in zip(boxes.boxes, boxes.classes)]
