"""Number of classes and label map: what is read, what is refused, and when the two do not match."""

import pytest

from inference_image_build.checkpoint.label_map import check_counts, label_ids
from inference_image_build.pipeline_config import ClassCount
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("item { id: 1 name: 'a' } item { id: 2 name: 'b' }", {1: 1, 2: 1}),
        ("item { name: 'a'\n id: 90 }\nitem { id: 1 display_name: 'b' }", {1: 3, 90: 2}),
        ("item { id: 1 name: 'a' }\nitem { id: 1 name: 'same' }", {1: 1}),
        ("item {\n id: 0\n name: 'background'\n}\nitem { id: 1 name: 'a' }", {1: 5}),
        ("item { id: 0 name: 'x' display_name: 'background' } item { id: 1 name: 'a' }", {1: 1}),
        ("item { name: 'background' } item { id: 1 name: 'a' }", {1: 1}),
        ("# COCO's\nitem{\n  name: \"/m/01g317\" # a comment\n  id: 1\n  display_name: 'person'\n}", {1: 4}),
        ("item: < id: 0x2, name: 'a'; >", {2: 1}),
        ("item: [{ id: 1 name: 'a' }, { id: 2 name: 'b' }]", {1: 1, 2: 1}),
        ("item { id: 1\n id: 2 name: 'a' name: 'b' }", {2: 2}),
        ("item { id: 1 name: 'a' keypoints { id: 1 label: 'nose' } ancestor_ids: 2 frequency: RARE }", {1: 1}),
        ("\N{BYTE ORDER MARK}item { id: 1 name: '标签' }\r\nitem {\r\n id: 2 name: 'b' }\r\n", {1: 1, 2: 3}),
    ],
)
def test_label_ids_with_their_lines(text, ids):
    assert list(label_ids(text.encode(), "map").items()) == list(ids.items())


REFUSED = {
    "empty": (b"", "no `item"),
    "no id": (b"item { name: 'a' }", "line 1: the item sets no `id`; ids start at 1"),
    "id 0 of a class": (
        b"item {\n id: 0\n name: 'cat' }",
        "line 2: `id: 0` is reserved for an item named",
    ),
    "only the background": (b"item { id: 0 name: 'background' }", "only the background (id 0) and no class"),
    "a negative id": (b"item {\n name: 'a'\n id: -1 }", "line 3: `id: -1` is negative"),
    "a word": (b"item { id: x name: 'a' }", "line 1, column 12: `item.id` takes an integer"),
    "no name": (b"item { id: 7 }", "id 7 has neither"),
    "an open brace": (b"item { id: 1 name: 'a'", "line 1"),
    "a misspelt field": (
        b"item {\n id: 1\n nmae: 'a' }",
        "column 2: `item` has no field `nmae`; did you mean `name`?",
    ),
    "another field": (b"item { id: 1 name: 'a' colour: 'red' }", "`item` has no field `colour`."),
    "an unknown frequency": (b"item { id: 1 name: 'a' frequency: SELDOM }", "cannot be `SELDOM`"),
    "GBK": ("item {\n id: 1\n name: '圆形' }".encode("gbk"), "line 3, column 10: the byte 0xD0 here is not UTF-8"),
    "Latin-1": ("item { id: 1 name: 'café' }".encode("latin-1"), "line 1, column 24: the byte 0xE9 here is not UTF-8"),
    "UTF-16": (
        "item { id: 1 name: 'a' }".encode("utf-16"),
        "UTF-16, which PowerShell writes by default: save it",
    ),
    "UTF-16 without a mark": ("item { id: 1 name: 'a' }".encode("utf-16-le"), "UTF-16 without a byte order mark"),
    "full-width punctuation": (
        "item { id\N{FULLWIDTH COLON}1 name: 'a' }".encode(),
        "unexpected character '\N{FULLWIDTH COLON}': type ':'",
    ),
    "curly quotes": ("item { id: 1 name: “a” }".encode(), "unexpected character '“': type '\"'"),
    "a list of names": (b"circle\nsquare\n", "line 2, column 1"),
    "JSON": (b'{"1": "circle"}', "line 1, column 1: a field name was expected"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_invalid_label_map_is_explained(case):
    data, words = REFUSED[case]
    with pytest.raises(StageError) as caught:
        label_ids(data, "p/label_map.pbtxt")
    assert caught.value.reason == Reason.LABEL_MAP_INVALID
    assert caught.value.message.startswith("The label map p/label_map.pbtxt cannot be used: ")
    assert words in caught.value.message
    assert caught.value.message.endswith((".", "?"))


@pytest.mark.parametrize("ids", [(1, 2, 3), (3,), (1, 3)], ids=["contiguous", "last only", "with a gap, as COCO's"])
def test_the_highest_id_counts(ids):
    check_counts("config", ClassCount(3, 4), "map", dict.fromkeys(ids, 1))


@pytest.mark.parametrize("ids", [(1, 2), (1, 2, 3, 4)], ids=["too few", "too many"])
def test_another_number_of_classes_is_refused_with_both_numbers_keys_and_lines(ids):
    with pytest.raises(StageError) as caught:
        check_counts(
            "a/pipeline.config", ClassCount(3, 4), "b/label_map.pbtxt", {number: 10 * number for number in ids}
        )
    assert caught.value.reason == Reason.CLASS_COUNT_MISMATCH
    for words in (
        "a/pipeline.config, line 4,",
        "num_classes: 3",
        "b/label_map.pbtxt",
        f"id {max(ids)} in line {max(ids)}0",
    ):
        assert words in caught.value.message
    assert "spec.model.labelMap" in caught.value.hint
