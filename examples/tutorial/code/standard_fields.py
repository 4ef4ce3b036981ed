"""Names of the tensors that the Object Detection API's exporter gives a graph."""


class InputFields(object):
    """What a graph takes."""

    image = "image_tensor"


class DetectionFields(object):
    """What a graph finds."""

    boxes = "detection_boxes"
    classes = "detection_classes"
    scores = "detection_scores"
    count = "num_detections"
    of_boxes = (boxes, classes, scores, count)
