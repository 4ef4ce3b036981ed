"""What `upload` believes of the files that the container for graphs left: their names, and little else."""

import os
from pathlib import Path

import pytest

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import handover

WORDS = handover.Words(tensorflow="2.21.0", readable_by="1.7", memory_bytes=5, greatest_difference="4.2e-07")


@pytest.fixture
def left(tmp_path) -> Path:
    """A folder with two files."""
    made = {}
    for name in (handover.GRAPH, handover.SAVED_MODEL):
        made[name] = tmp_path / Path(name).name
        made[name].write_bytes(name.encode())
    folder = tmp_path / "output"
    handover.leave(handover.Verified(WORDS, made), folder)
    return folder


def refused(folder: Path, names) -> str:
    with pytest.raises(StageError) as caught:
        handover.take(folder, names)
    assert caught.value.reason is Reason.GRAPH_INVALID
    return caught.value.message


def test_files_and_words_arrive_unchanged(left):
    found = handover.take(left, [handover.GRAPH, handover.SAVED_MODEL])
    assert found.words == WORDS
    assert {name: path.read_text() for name, path in found.files.items()} == {
        name: name for name in (handover.GRAPH, handover.SAVED_MODEL)
    }


def test_a_file_that_was_not_asked_for_is_ignored(left):
    assert list(handover.take(left, [handover.GRAPH]).files) == [handover.GRAPH]


def test_a_missing_file_is_named(left):
    assert "model.onnx, which the container `export` left for `upload`, is missing" in refused(left, [handover.ONNX])


@pytest.mark.parametrize("kind", ["symlink", "hard link", "fifo", "folder", "linked folder"])
def test_anything_but_a_plain_file_is_refused(left, tmp_path, kind):
    """A link to /proc/self/environ would publish the keys of `upload`."""
    secret = tmp_path / "environ"
    secret.write_text("the-private-key")
    graph, model = left / handover.GRAPH, left / handover.SAVED_MODEL
    if kind == "linked folder":
        model.unlink()
        model.parent.rmdir()
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / model.name).write_text("other")
        model.parent.symlink_to(tmp_path / "elsewhere")
        assert "is not a plain file" in refused(left, [handover.SAVED_MODEL])
        return
    graph.unlink()
    {
        "symlink": lambda: graph.symlink_to(secret),
        "hard link": lambda: os.link(secret, graph),
        "fifo": lambda: os.mkfifo(graph),
        "folder": graph.mkdir,
    }[kind]()
    assert "is not a plain file" in refused(left, [handover.GRAPH])


@pytest.mark.parametrize(
    "words",
    [
        b"{",
        b'{"tensorflow":"2","readable_by":"1.7","memory_bytes":-1}',
        b'{"tensorflow":"2","readable_by":"1.7","memory_bytes":1,"key":"another"}',
        b'{"tensorflow":"2\\n","readable_by":"1.7","memory_bytes":1}',
        b'{"tensorflow":"' + b"2" * 50 + b'","readable_by":"1.7","memory_bytes":1}',
    ],
    ids=["cut", "negative", "unknown", "control character", "long"],
)
def test_words_are_bounded(left, words):
    (left / "verified.json").write_bytes(words)
    assert "is not what the export writes" in refused(left, [])
