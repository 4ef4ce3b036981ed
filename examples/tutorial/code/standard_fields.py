"""Names of the tensors that the Object Detection API's exporter gives a graph."""


class InputFields(object):
    """Inputs of a graph."""

    image = "image_tensor"


class DetectionFields(object):
    """Outputs of a graph."""

    boxes = "detection_boxes"
    classes = "detection_classes"
    scores = "detection_scores"
    count = "num_detections"
    of_boxes = (boxes, classes, scores, count)
