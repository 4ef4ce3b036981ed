"""The example's reading of label maps."""

import pytest

from label_map import read_label_map


def read(tmp_path, text: str | bytes) -> dict[int, str]:
    file = tmp_path / "label_map.pbtxt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_label_map(file)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("item { id: 1 name: 'circle' } item { id: 2 name: 'square' }", {1: "circle", 2: "square"}),
        ('item {\n  name: "/m/01g317"\n  id: 1\n  display_name: "person"\n}\n', {1: "person"}),
        ("item: < id: 3, name: 'a' 'b' >  # a comment", {3: "ab"}),
        ("item { id: 1 name: '圆' }", {1: "圆"}),
        ("item { id: 1 name: 'x' keypoints { id: 0 label: 'nose' } }", {1: "x"}),
        ("item { id: 1 name: 'a' } item { id: 1 name: 'b' }", {1: "a"}),
        ("item { id: 1 id: 2 name: 'a' }", {2: "a"}),
        ("item { id: 0 name: 'background' } item { id: 1 name: 'a' }", {0: "background", 1: "a"}),
        ("\N{BYTE ORDER MARK}item { id: 1 name: 'a' }\r\n", {1: "a"}),
    ],
    ids=[
        "names",
        "display names",
        "other spellings",
        "not ASCII",
        "unknown fields",
        "an id twice",
        "two ids",
        "background",
        "Windows",
    ],
)
def test_valid_label_maps(tmp_path, text, names):
    assert read(tmp_path, text) == names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("item { id: 1", "is not a label map"),
        ("item { id: one }", "is not a label map"),
        (b"\xff\xfe", "is not a label map"),
        ("", "contains no items"),
    ],
    ids=["not closed", "no number", "not UTF-8", "empty"],
)
def test_an_invalid_label_map_is_named(tmp_path, text, words):
    with pytest.raises(ValueError, match=words) as refusal:
        read(tmp_path, text)
    assert "label_map.pbtxt" in str(refusal.value)
