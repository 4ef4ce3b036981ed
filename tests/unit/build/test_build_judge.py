"""Judging an answer: its status, its fields, and its detections against those of the frozen graph."""

import json

import pytest

from inference_image_build.judge import Detection, fault
from inference_image_contract.inputs import ExpectedField, ProbeInput

BOX = (0.1, 0.2, 0.3, 0.4)
FOUND = {"class": "disc", "id": 1, "score": 0.9, "box": list(BOX)}
GRAPH = [Detection(1, 0.9, BOX), Detection(2, 0.3, (0.5, 0.5, 0.6, 0.6))]


def judged(document, gave=200, graph=(), **expected) -> str:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    stage = ProbeInput(port=1, ready_path="/", path="/", timeout_seconds=1, match_graph=bool(graph), **expected)
    return fault(stage, gave, body, graph)


def field(path, *equals):
    return {"fields": (ExpectedField(path=path, **({"equals": equals[0]} if equals else {})),)}


@pytest.mark.parametrize(
    ("expected", "status", "words"),
    [
        ({}, 200, ""),
        ({}, 204, ""),
        ({}, 400, "gave status 400 with"),
        ({"status": 400}, 400, ""),
        ({"status": 201}, 200, "gave status 200, not 201, with"),
        (field("/a/0/b"), 200, ""),
        (field("/a/0/b", None), 200, ""),
        (field("/a/0/b", 0), 200, "gave null at /a/0/b, not 0"),
        (field("/c", "x"), 200, ""),
        (field("/c", "y"), 200, 'gave "x" at /c, not "y"'),
        (field(""), 200, ""),
        (field("/a/1"), 200, "gave JSON without /a/1"),
        (field("/d"), 200, "gave JSON without /d"),
        (field("/m~1n", [1]), 200, ""),
    ],
)
def test_status_and_fields(expected, status, words):
    found = judged({"a": [{"b": None}], "c": "x", "m/n": [1]}, status, **expected)
    assert found.startswith(words)
    assert bool(found) == bool(words)


def test_a_long_value_is_cut():
    assert len(judged({"a": "x" * 5000}, **field("/a", "y"))) < 300


@pytest.mark.parametrize(
    "detections",
    [
        [FOUND],
        [{**FOUND, "score": 0.9009, "box": [0.1009, 0.1991, 0.3, 0.4]}],
        [FOUND, {"id": 2, "score": 0.3, "box": [0.5, 0.5, 0.6, 0.6]}],
        [{"id": 2, "score": 0.3, "box": [0.5, 0.5, 0.6, 0.6]}, FOUND],
    ],
    ids=["all that is sure", "within the tolerance", "the unsure too", "in another order"],
)
def test_what_the_graph_finds_is_right(detections):
    assert judged({"detections": detections}, graph=GRAPH) == ""


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"detections": []}, "did not find"),
        ({"detections": [{**FOUND, "id": 3}]}, "which the frozen graph does not"),
        ({"detections": [{**FOUND, "score": 0.89}]}, "which the frozen graph does not"),
        ({"detections": [{**FOUND, "box": [0.1, 0.2, 0.3, 0.5]}]}, "which the frozen graph does not"),
        ({"detections": [FOUND, FOUND]}, "which the frozen graph does not"),
        ({"boxes": []}, 'gave no "detections"'),
        ({"detections": [{"class": "disc"}]}, 'gave no "detections"'),
        ([1], 'gave no "detections"'),
    ],
    ids=["none", "class", "score", "box", "twice", "another contract", "parts missing", "no object"],
)
def test_another_finding_is_wrong(document, words):
    assert words in judged(document, graph=GRAPH)


def test_a_graph_that_finds_nothing_sure_is_content_with_nothing():
    assert judged({"detections": []}, graph=GRAPH[1:]) == ""
