"""The source: UFile prefixes, mounted ConfigMaps, limits, and paths that cannot become files."""

import hashlib

import pytest

from inference_image_build.source import files as source
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import PinnedFile
from inference_image_contract.reasons import Reason
from inference_image_store import ObjectInfo, etag_of


def test_objects_become_files_in_order(store):
    for key, data in {"src/b.py": b"b", "src/": b"", "src/code/": b"", "src/code/a.py": b"", "srcx": b"no"}.items():
        store.write(data, key)
    assert source.from_ufile(store, "src/") == (
        PinnedFile(path="b.py", size=1, etag=etag_of(b"b"), key="src/b.py"),
        PinnedFile(path="code/a.py", size=0, etag=etag_of(b""), key="src/code/a.py"),
    )


def test_an_empty_prefix_is_named(store):
    with pytest.raises(StageError) as caught:
        source.from_ufile(store, "src/")
    assert caught.value.reason == Reason.SOURCE_NOT_FOUND
    assert "src/" in caught.value.message
    assert "spec.source.ufile.prefix" in caught.value.hint


def test_more_files_than_the_limit_are_refused(store, monkeypatch):
    monkeypatch.setattr(source, "MAX_FILES", 2)
    for number in range(3):
        store.write(b"x", f"src/{number}")
    with pytest.raises(StageError) as caught:
        source.from_ufile(store, "src/")
    assert caught.value.reason == Reason.LIMIT_EXCEEDED


def test_more_bytes_than_the_limit_are_refused(store, monkeypatch):
    monkeypatch.setattr(source, "MAX_BYTES", 5)
    store.write(b"123456", "src/a")
    with pytest.raises(StageError, match="6 bytes") as caught:
        source.from_ufile(store, "src/")
    assert caught.value.reason == Reason.LIMIT_EXCEEDED


def test_a_path_that_is_both_file_and_folder_is_refused(store):
    store.write(b"x", "src/code")
    store.write(b"x", "src/code/a.py")
    with pytest.raises(StageError, match="'code' is both a file and a folder") as caught:
        source.from_ufile(store, "src/")
    assert caught.value.reason == Reason.UNSAFE_KEY


@pytest.mark.parametrize(
    "path", ["", "/a", "a//b", "a/", ".", "..", "a/../b", "a/./b", "a\nb", "a\x7f", "x" * 256, "x/" * 1921 + "x"]
)
def test_a_path_that_cannot_be_a_file_has_a_fault(path):
    assert source.path_fault(path)


@pytest.mark.parametrize(
    "path", ["a", "a/b.py", "...", "..a", ".dockerignore", "é/你", "a b", "x" * 255, "notes#1.md", "x/" * 49 + "x"]
)
def test_other_paths_have_no_fault(path):
    assert source.path_fault(path) == ""


@pytest.mark.parametrize("name", ["docs/notes#1.md", "what?.md", "100%.md", "a%41.md"])
def test_keys_with_signs_of_urls_are_files(store, name):
    store.write(b"x", f"src/{name}")
    assert [item.path for item in source.from_ufile(store, "src/")] == [name]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("src/code\\a.py", "it contains '\\\\'"),
        ("src/a//b", "it contains '//'"),
        ("src/../a", "it contains '/../'"),
        ("src/a\ufffd", "it is not UTF-8"),
    ],
)
def test_a_key_that_the_build_could_not_request_is_refused_on_listing(store, key, words):
    store.list = lambda prefix, *, limit: [ObjectInfo(key, 1, "e")]  # noqa: ARG005 - a signature
    with pytest.raises(StageError) as caught:
        source.from_ufile(store, "src/")
    assert caught.value.reason == Reason.UNSAFE_KEY
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("code", "'code' is a file, but the build writes code/checkpoint_dir/frozen_inference_graph.pb"),
        ("code/checkpoint_dir", "'code/checkpoint_dir' is a file, but the build writes"),
        (
            "code/checkpoint_dir/label_map.pbtxt/a",
            "is in the folder code/checkpoint_dir/label_map.pbtxt, but the build",
        ),
    ],
)
def test_a_file_in_the_way_of_the_model_is_refused(path, words):
    with pytest.raises(StageError) as caught:
        source.check_assembled([PinnedFile(path=path, size=1)], "code/checkpoint_dir")
    assert caught.value.reason == Reason.UNSAFE_KEY
    assert words in caught.value.message
    assert "spec.source.checkpointDir" in caught.value.hint


def test_other_files_are_not_in_the_way():
    names = ("code/checkpoint_dir/extra.txt", "code/checkpoint_dir.txt", "Code", "model.onnx/x")
    source.check_assembled([PinnedFile(path=name, size=1) for name in names], "code/checkpoint_dir")


@pytest.fixture
def config_map(tmp_path):
    """A ConfigMap as the kubelet mounts it: timestamped folder, `..data`, links; one key at a path with a folder."""
    mount = tmp_path / "mount"
    dated = mount / "..2026_11_22.1"
    (dated / "code").mkdir(parents=True)
    (dated / "Dockerfile").write_bytes(b"FROM scratch\n")
    (dated / "code/a.py").write_bytes(b"a")
    (mount / "..data").symlink_to(dated.name)
    (mount / "Dockerfile").symlink_to("..data/Dockerfile")
    (mount / "code").symlink_to("..data/code")
    return mount


def test_a_config_map_is_read_through_its_data_link(config_map):
    assert source.from_config_map(config_map) == (
        PinnedFile(path="Dockerfile", size=13, sha256=hashlib.sha256(b"FROM scratch\n").hexdigest()),
        PinnedFile(path="code/a.py", size=1, sha256=hashlib.sha256(b"a").hexdigest()),
    )


def test_a_plain_folder_is_read_as_it_is(tmp_path):
    (tmp_path / "Dockerfile").write_bytes(b"x")
    assert [item.path for item in source.from_config_map(tmp_path)] == ["Dockerfile"]


def test_a_missing_config_map_is_named(tmp_path):
    with pytest.raises(StageError, match="ConfigMap") as caught:
        source.from_config_map(tmp_path / "absent")
    assert caught.value.reason == Reason.SOURCE_NOT_FOUND


def test_files_that_assemble_adds_are_not_source():
    names = ["code/checkpoint_dir/frozen_inference_graph.pb", "code/checkpoint_dir/label_map.pbtxt", "label_map.pbtxt"]
    files = [PinnedFile(path=name, size=1) for name in names]
    assert [item.path for item in source.without_assembled(files, "code/checkpoint_dir")] == ["label_map.pbtxt"]
    assert [item.path for item in source.without_assembled(files, "code/checkpoint_dir/")] == ["label_map.pbtxt"]
