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
    ],
)
def test_label_ids_with_their_lines(text, ids):
    assert list(label_ids(text, "map").items()) == list(ids.items())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no `item"),
        ("item { name: 'a' }", "sets `id` 0 times"),
        ("item {\n id: 0\n name: 'background' }", "line 2: `id: 0`"),
        ("item { id: x name: 'a' }", "`id: x`"),
        ("item { id: 7 }", "id 7 has neither"),
        ("item { id: 1 name: 'a'", "line 1"),
    ],
)
def test_an_invalid_label_map_is_explained(text, words):
    with pytest.raises(StageError) as caught:
        label_ids(text, "p/label_map.pbtxt")
    assert caught.value.reason == Reason.LABEL_MAP_INVALID
    assert words in caught.value.message


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
