"""The model that the server runs: an exported object detector and the names of its classes."""

import os

import numpy as np
import tensorflow as tf
from PIL import Image

import box_list_ops
import label_map_util
import ops
import shape_utils
import static_shape
from box_list import BoxList
from standard_fields import DetectionFields, InputFields
from uai.arch.tf_model import TFAiUcloudModel

THRESHOLD = 0.5


class ObjectDetectModel(TFAiUcloudModel):
    """Finds objects in pictures; returns each as `[ymin, xmin, ymax, xmax, name]`."""

    def __init__(self, conf):
        super(ObjectDetectModel, self).__init__(conf)

    def load_model(self):
        """Loads frozen_inference_graph.pb and label_map.pbtxt of the model's folder."""
        graph = ops.import_graph(os.path.join(self.model_dir, "frozen_inference_graph.pb"))
        self._picture = ops.tensor(graph, InputFields.image)
        static_shape.check_picture(self._picture.shape.as_list())
        self._detections = {name: ops.tensor(graph, name) for name in DetectionFields.of_boxes}
        self._session = tf.Session(graph=graph)
        self._names = label_map_util.read_names(os.path.join(self.model_dir, "label_map.pbtxt"))

    def execute(self, data, batch_size):
        """One list of objects for each picture; a picture is an open file."""
        return [self._find(data[i]) for i in range(batch_size)]

    def _find(self, picture):
        pixels = np.asarray(Image.open(picture).convert("RGB"))
        found = self._session.run(self._detections, {self._picture: shape_utils.as_batch(pixels)})
        boxes = box_list_ops.above(BoxList.of_first_picture(found), THRESHOLD)
        return box_list_ops.named(boxes, self._names)
