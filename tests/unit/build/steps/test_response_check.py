"""Checks of a response: its status, its fields, and its detections against those of the frozen graph."""

import json

import pytest

from inference_image_build.steps.probe.response_check import Detection, fault
from inference_image_contract.inputs import ExpectedField, ProbeInput

BOX = (0.1, 0.2, 0.3, 0.4)
FOUND = {"class": "disc", "id": 1, "score": 0.9, "box": list(BOX)}
GRAPH = [Detection(1, 0.9, BOX, ("disc", "n01")), Detection(2, 0.3, (0.5, 0.5, 0.6, 0.6), ("猫",))]


def checked(document, gave=200, graph=(), **expected) -> str:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    step_input = ProbeInput(port=1, ready_path="/", path="/", timeout_seconds=1, match_graph=bool(graph), **expected)
    return fault(step_input, gave, body, graph)


def field(path, *equals):
    return {"fields": (ExpectedField(path=path, **({"equals": equals[0]} if equals else {})),)}


@pytest.mark.parametrize(
    ("expected", "status", "words"),
    [
        ({}, 200, ""),
        ({}, 204, ""),
        ({"status": 204}, 204, ""),
        ({}, 400, "returned status 400 with"),
        ({"status": 400}, 400, ""),
        ({"status": 201}, 200, "returned status 200 instead of 201 with"),
        (field("/a/0/b"), 200, ""),
        (field("/a/0/b", None), 200, ""),
        (field("/a/0/b", 0), 200, "returned null at /a/0/b, not 0"),
        (field("/c", "x"), 200, ""),
        (field("/c", "y"), 200, 'returned "x" at /c, not "y"'),
        (field(""), 200, ""),
        (field("/a/1"), 200, "returned JSON without /a/1"),
        (field("/d"), 200, "returned JSON without /d"),
        (field("/m~1n", [1]), 200, ""),
    ],
)
def test_status_and_fields(expected, status, words):
    found = checked({"a": [{"b": None}], "c": "x", "m/n": [1]}, status, **expected)
    assert found.startswith(words)
    assert bool(found) == bool(words)


@pytest.mark.parametrize(
    ("body", "status", "expected", "words"),
    [
        (b"<html>", 200, {}, ""),
        (b"[[0.1, u'disc']]", 200, {}, ""),
        (b"", 200, {}, "returned status 200 with an empty body"),
        (b" \r\n", 201, {"status": 201}, "returned status 201 with an empty body"),
        (b"", 204, {}, "returned status 204 with an empty body"),
        (b"", 204, {"status": 204}, ""),
        (b"", 400, {"status": 400}, ""),
        (b"<html>", 200, field(""), "returned status 200 with a body that is not JSON: '<html>'"),
        (b"[" * 100_000, 200, field(""), "returned status 200 with a body that is not JSON"),
    ],
)
def test_a_body_must_be_json_only_if_fields_are_expected(body, status, expected, words):
    found = checked(body, status, **expected)
    assert found.startswith(words)
    assert bool(found) == bool(words)


def test_half_of_a_surrogate_pair_is_no_json():
    """It has no bytes in UTF-8, so no message could contain it."""
    assert "a body that is not JSON" in checked(b'{"a": "\\ud800"}', **field("/a", "y"))


def test_a_long_value_is_cut():
    assert len(checked({"a": "x" * 5000}, **field("/a", "y"))) < 300


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
def test_the_graphs_own_detections_pass(detections):
    assert checked({"detections": detections}, graph=GRAPH) == ""


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"detections": []}, "did not return"),
        ({"detections": [{**FOUND, "id": 3}]}, "which the frozen graph does not"),
        ({"detections": [{**FOUND, "score": 0.89}]}, "which the frozen graph does not"),
        ({"detections": [{**FOUND, "box": [0.1, 0.2, 0.3, 0.5]}]}, "which the frozen graph does not"),
        ({"detections": [FOUND, FOUND]}, "which the frozen graph does not"),
        ({"boxes": []}, 'it is not "detections"'),
        ({"detections": [{"class": "disc"}]}, 'it is not "detections"'),
        ([1], 'it is not "detections" or a list of [ymin, xmin, ymax, xmax, name]'),
        ("disc", 'it is not "detections" or a list'),
        ([[*BOX, "disc", 0.9]], "or a list of [ymin, xmin, ymax, xmax, name]"),
        ([[[*BOX, "disc"]], []], "or a list of [ymin, xmin, ymax, xmax, name]"),
        (b"<html>", "it is not JSON or a list as Python prints it: '<html>' is unexpected at character 1"),
        (b"[[0.1, 0.2, 0.3", "it is not JSON or a list as Python prints it"),
        (b"[" * 100_000, "its lists are nested more than 4 deep"),
        (b"\xff", "it is not JSON or a list as Python prints it"),
    ],
    ids=[
        "none",
        "class",
        "score",
        "box",
        "twice",
        "another contract",
        "parts missing",
        "no object",
        "a text",
        "a longer row",
        "two pictures",
        "HTML",
        "cut off",
        "nested",
        "bytes",
    ],
)
def test_other_detections_are_wrong(document, words):
    found = checked(document, graph=GRAPH)
    assert words in found
    assert len(found) < 600


ROW = [*BOX, "disc"]
UNSURE = [0.5, 0.5, 0.6, 0.6, "猫"]


@pytest.mark.parametrize(
    "answer",
    [
        [ROW],
        [[ROW]],
        [[*BOX, "n01"]],
        [[0.1009, 0.1991, 0.3, 0.4, "disc"]],
        [UNSURE, ROW],
        b"[[0.1, 0.2, 0.3, 0.4, u'disc']]",
        b"[[[0.1, 0.2, 0.3, 0.4, 'disc']]]\n",
        b'[(0.10000000149011612, 2e-1, .3, 0.4, "disc")]',
        b"[[0.1, 0.2, 0.3, 0.4, u'disc'], [0.5, 0.5, 0.6, 0.6, u'\\u732b']]",
        b"[[0.1, 0.2, 0.3, 0.4, 'disc'], [0.5, 0.5, 0.6, 0.6, '\\xe7\\x8c\\xab']]",
    ],
    ids=[
        "JSON",
        "a batch of one",
        "the other name",
        "within the tolerance",
        "the unsure too",
        "Python 2",
        "Python 3",
        "tuples",
        "unicode in Python 2",
        "bytes in Python 2",
    ],
)
def test_the_tutorials_format_passes(answer):
    assert checked(answer, graph=GRAPH) == ""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([], 'did not return {"id":1,"score":0.9,"box":[0.1,0.2,0.3,0.4],"names":["disc","n01"]}'),
        ([[]], "did not return"),
        (b"[[]]", "did not return"),
        ([[*BOX, "cat"]], 'returned {"box":[0.1,0.2,0.3,0.4],"name":"cat"}, which the frozen graph does not'),
        ([[0.1, 0.2, 0.3, 0.5, "disc"]], "which the frozen graph does not"),
        ([ROW, ROW], "which the frozen graph does not"),
        ([[*BOX, "\ud800"]], 'returned {"box":[0.1,0.2,0.3,0.4],"name":"?"}'),
    ],
    ids=["nothing", "nothing in a batch", "nothing as Python prints it", "name", "box", "twice", "half a character"],
)
def test_other_detections_in_the_tutorials_format_are_wrong(answer, words):
    assert words in checked(answer, graph=GRAPH)


def test_detections_with_low_scores_may_be_omitted():
    assert checked([], graph=[Detection(1, 0.5009, BOX, ("disc",))]) == ""
    assert checked([], graph=[Detection(1, 0.502, BOX, ("disc",))]) != ""


def test_no_detection_passes_if_all_scores_are_low():
    assert checked({"detections": []}, graph=GRAPH[1:]) == ""
