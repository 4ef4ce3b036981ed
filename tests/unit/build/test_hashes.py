"""The hashes are stable across releases: golden values, and what must and must not change them."""

import msgspec
import pytest

from inference_image_build.hashes import fingerprint, inputs_hash
from inference_image_contract.inputs import PinnedFile, PinnedObject

FILES = (
    PinnedObject(key="train/model.ckpt-8.index", size=5, etag="AQAAAA=="),
    PinnedObject(key="train/model.ckpt-8.data-00000-of-00001", size=7, etag="AQAAAB=="),
)
CONFIG = PinnedObject(key="train/pipeline.config", size=9, etag="AQAAAC==")
CONTENT = {
    "export": "sha256:" + "0" * 64,
    "label_map": PinnedObject(key="prep/label_map.pbtxt", size=3, etag="AQAAAD=="),
    "source": (
        PinnedFile(path="Dockerfile", size=10, etag="AQAAAE==", key="src/Dockerfile"),
        PinnedFile(path="code/é.py", size=11, sha256="f" * 64),
    ),
    "dockerfile": "Dockerfile",
    "checkpoint_dir": "code/checkpoint_dir",
    "build_args": {"B": "2", "A": "1"},
    "base_images": {"python:3.13": "docker.io/library/python@sha256:" + "a" * 64},
}


def test_golden_fingerprint():
    assert fingerprint(FILES, "train/", CONFIG, "image_tensor") == (
        "sha256:e21daa3335bc0a5f4c3cfbed9958a01007f856641bda384eda81c8d61c18a5fb"
    )


def test_golden_inputs_hash():
    assert inputs_hash(**CONTENT) == ("sha256:c319f38a87fd3a7f6dd3537bef62eed4fec7d773c61b258b3a6a51b063873118")


def test_only_an_executable_file_changes_the_inputs_hash():
    first, *others = CONTENT["source"]
    plain, executable = (msgspec.structs.replace(first, executable=bit) for bit in (False, True))
    assert inputs_hash(**{**CONTENT, "source": (plain, *others)}) == inputs_hash(**CONTENT)
    assert inputs_hash(**{**CONTENT, "source": (executable, *others)}) != inputs_hash(**CONTENT)


def moved(item: PinnedObject) -> PinnedObject:
    return msgspec.structs.replace(item, key=item.key.replace("train/", "copy/"))


def test_location_and_order_of_files_do_not_count():
    expected = fingerprint(FILES, "train/", CONFIG, "image_tensor")
    assert fingerprint([moved(item) for item in reversed(FILES)], "copy/", moved(CONFIG), "image_tensor") == expected


@pytest.mark.parametrize(
    "arguments",
    [
        (FILES[:1], "train/", CONFIG, "image_tensor"),
        ((msgspec.structs.replace(FILES[0], etag="other"), FILES[1]), "train/", CONFIG, "image_tensor"),
        ((msgspec.structs.replace(FILES[0], size=6), FILES[1]), "train/", CONFIG, "image_tensor"),
        (FILES, "train/", msgspec.structs.replace(CONFIG, etag="other"), "image_tensor"),
        (FILES, "train/", CONFIG, "tf_example"),
    ],
    ids=["files", "etag", "size", "config", "input type"],
)
def test_what_enters_the_export_counts(arguments):
    assert fingerprint(*arguments) != fingerprint(FILES, "train/", CONFIG, "image_tensor")


@pytest.mark.parametrize(
    "change",
    [
        {"export": "sha256:" + "1" * 64},
        {"label_map": PinnedObject(key="prep/label_map.pbtxt", size=3, etag="other")},
        {"source": CONTENT["source"][:1]},
        {"dockerfile": "code/é.py"},
        {"checkpoint_dir": "code"},
        {"build_args": {"A": "1"}},
        {"base_images": {"python:3.13": "docker.io/library/python@sha256:" + "b" * 64}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_enters_the_image_counts(change):
    assert inputs_hash(**CONTENT | change) != inputs_hash(**CONTENT)


@pytest.mark.parametrize(
    "change",
    [
        {"source": tuple(reversed(CONTENT["source"]))},
        {"build_args": {"A": "1", "B": "2"}},
        {"base_images": {"python:3.13": "mirror.example.com/python@sha256:" + "a" * 64}},
        {"label_map": PinnedObject(key="elsewhere", size=3, etag="AQAAAD==")},
    ],
    ids=["order of files", "order of arguments", "host of the base", "key of the label map"],
)
def test_what_does_not_enter_the_image_does_not_count(change):
    assert inputs_hash(**CONTENT | change) == inputs_hash(**CONTENT)
