"""Number of classes and label map: what is read, what is refused, and when the two do not belong together."""

import pytest

from inference_image_build.classes import check_counts, label_ids, num_classes
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("model { ssd { num_classes: 3 } }", 3),
        ("model { faster_rcnn { num_classes: 90 first_stage { a: 1 } } } train_config {}", 90),
        ("# head\nmodel: < ssd: < num_classes: 0x10 > >", 16),
        ("model { center_net { num_classes: 010 } }", 8),
    ],
)
def test_num_classes_is_read_for_every_architecture(text, number):
    assert num_classes(text, "p/pipeline.config") == number


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no block `model`"),
        ("model {} model {}", "2 block"),
        ("model {}", "it names none"),
        ("model { ssd {} faster_rcnn {} }", "ssd, faster_rcnn"),
        ("model {\n ssd {} }", "line 2: `ssd` sets `num_classes` 0 times"),
        ("model { ssd {\n num_classes: 1\n num_classes: 2 } }", "2 times"),
        ("model { ssd {\n num_classes: 'x' } }", "line 2: `num_classes: x`"),
        ("model { ssd { num_classes: 0 } }", "not a positive integer"),
        ("model { ssd { num_classes: 1_0 } }", "not a positive integer"),
        ("model {\n ssd {\n", "line 3: the text ends"),
    ],
)
def test_a_config_that_cannot_be_used_says_why(text, words):
    with pytest.raises(StageError) as caught:
        num_classes(text, "p/pipeline.config")
    assert caught.value.reason == Reason.PIPELINE_CONFIG_INVALID
    assert words in caught.value.message
    assert "p/pipeline.config" in caught.value.message
    assert "requestedAt" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("item { id: 1 name: 'a' } item { id: 2 name: 'b' }", (1, 2)),
        ("item { name: 'a' id: 90 } item { id: 1 display_name: 'b' }", (1, 90)),
        ("item { id: 1 name: 'a' } item { id: 1 name: 'same' }", (1,)),
    ],
)
def test_label_ids(text, ids):
    assert label_ids(text, "map") == ids


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
def test_a_label_map_that_cannot_be_used_says_why(text, words):
    with pytest.raises(StageError) as caught:
        label_ids(text, "p/label_map.pbtxt")
    assert caught.value.reason == Reason.LABEL_MAP_INVALID
    assert words in caught.value.message


@pytest.mark.parametrize("ids", [(1, 2, 3), (3,), (1, 3)], ids=["contiguous", "last only", "with a gap, as COCO's"])
def test_the_highest_id_counts(ids):
    check_counts("config", 3, "map", ids)


@pytest.mark.parametrize("ids", [(1, 2), (1, 2, 3, 4)], ids=["too few", "too many"])
def test_another_number_of_classes_is_refused_with_both_numbers_and_keys(ids):
    with pytest.raises(StageError) as caught:
        check_counts("a/pipeline.config", 3, "b/label_map.pbtxt", ids)
    assert caught.value.reason == Reason.CLASS_COUNT_MISMATCH
    for words in ("num_classes: 3", f"id {max(ids)}", "a/pipeline.config", "b/label_map.pbtxt"):
        assert words in caught.value.message
    assert "spec.model.labelMap" in caught.value.hint
