"""Detections from the detector's arrays."""

from detections import name_detections

NAMES = {1: "circle", 2: "square"}
BOX = [0.0, 0.25, 0.5, 1.0]


def test_a_detection_has_class_id_score_and_box():
    assert name_detections([BOX], [0.9], [2.0], NAMES, 0.5) == [{"class": "square", "id": 2, "score": 0.9, "box": BOX}]


def test_the_threshold_itself_counts_and_order_is_kept():
    found = name_detections([BOX] * 4, [0.9, 0.7, 0.5, 0.49], [1.0, 2.0, 1.0, 2.0], NAMES, 0.5)
    assert [(one["class"], one["score"]) for one in found] == [("circle", 0.9), ("square", 0.7), ("circle", 0.5)]


def test_an_id_outside_the_label_map_has_no_class():
    assert name_detections([BOX], [0.9], [3.0], NAMES, 0.5)[0]["class"] is None


def test_no_detections_give_an_empty_answer():
    assert name_detections([], [], [], NAMES, 0.5) == []
