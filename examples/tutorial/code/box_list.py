"""The boxes that a detector found in one picture."""

import shape_utils
from standard_fields import DetectionFields


class BoxList(object):
    """Boxes [ymin, xmin, ymax, xmax], relative to the picture, each with its class and its score; best first."""

    def __init__(self, boxes, classes, scores):
        self.boxes = boxes
        self.classes = classes
        self.scores = scores

    @classmethod
    def of_first_picture(cls, found):
        """The boxes of the first picture, from the graph's outputs by name."""
        count = int(found[DetectionFields.count][0])
        fields = (DetectionFields.boxes, DetectionFields.classes, DetectionFields.scores)
        return cls(*(shape_utils.of_first(found[field], count) for field in fields))
