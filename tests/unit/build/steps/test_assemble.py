"""Assemble: the context contains exactly the pinned inputs, and any change fails the step."""

import hashlib
import os
from functools import partial

import msgspec
import pytest

from inference_image_build.steps.assemble import assemble
from inference_image_build.steps.resolve import resolve
from inference_image_contract import inputs
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

GRAPH_KEY = "uai/object-export-output/f/frozen_inference_graph.pb"


@pytest.fixture
def resolve_again(pipeline, registry, mounts):
    return partial(resolve, pipeline.request, pipeline.store, registry, mounts)


@pytest.fixture
def resolved(resolve_again):
    return resolve_again()


@pytest.fixture
def step_input(resolved, pipeline, location):
    pipeline.store.write(b"graph", GRAPH_KEY)
    return inputs.AssembleInput(
        ufile=location,
        input_lock=resolved.input_lock,
        graph=inputs.Graph(key=GRAPH_KEY, sha256=hashlib.sha256(b"graph").hexdigest(), size=5),
        source_prefix="uai/object-detect/",
        checkpoint_dir="code/checkpoint_dir",
    )


@pytest.fixture
def run(store, mounts, tmp_path):
    """run(step_input) -> the result; the context and the Dockerfile are in the workspace."""
    (tmp_path / "workspace").mkdir()

    def assembled(step_input, **changes):
        workspace = tmp_path / "workspace"
        return assemble(step_input, store, workspace / "context", workspace / "Dockerfile", mounts._replace(**changes))

    return assembled


def tree(folder) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_context_holds_what_was_pinned(run, step_input, pipeline, repository, tmp_path):
    pipeline.store.write(b"added later", "uai/object-detect/later.py")
    result = run(step_input)
    context = tree(tmp_path / "workspace/context")
    assert sorted(context) == [
        "code/checkpoint_dir/frozen_inference_graph.pb",
        "code/checkpoint_dir/label_map.pbtxt",
        "code/infer.py",
        "object-detect-cpu.Dockerfile",
        "object-detect.conf",
    ]
    assert context["code/checkpoint_dir/frozen_inference_graph.pb"] == b"graph"
    assert b"disc" in context["code/checkpoint_dir/label_map.pbtxt"]
    assert (result.file_count, result.context_bytes) == (5, sum(map(len, context.values())))
    lines = (tmp_path / "workspace/Dockerfile").read_text().splitlines()
    assert lines[1:] == [f"FROM {repository.repository}-base@{pipeline.base_digest}", "COPY --chown=0:0 code /code"]


def test_times_and_modes_are_fixed(run, step_input, tmp_path):
    os.umask(os.umask(0o077))
    run(step_input)
    paths = [tmp_path / "workspace/context", *(tmp_path / "workspace/context").rglob("*")]
    assert {path.stat().st_mtime for path in paths} == {0}
    assert {oct(path.stat().st_mode & 0o7777) for path in paths if path.is_file()} == {"0o644"}
    assert {oct(path.stat().st_mode & 0o7777) for path in paths if path.is_dir()} == {"0o755"}


def test_the_label_map_is_written_without_a_byte_order_mark(run, resolve_again, pipeline, step_input, tmp_path):
    key = "uai/object-prep-output/label_map.pbtxt"
    plain = pipeline.store.read(key, max_bytes=9999)
    pipeline.store.write(b"\xef\xbb\xbf" + plain, key)
    run(msgspec.structs.replace(step_input, input_lock=resolve_again().input_lock))
    written = tmp_path / "workspace/context/code/checkpoint_dir/label_map.pbtxt"
    assert written.read_bytes() == plain
    assert written.stat().st_mtime == 0


def test_a_second_run_replaces_the_first(run, step_input, tmp_path):
    first = run(step_input)
    (tmp_path / "workspace/context/leftover").write_bytes(b"x")
    assert run(step_input) == first
    assert not (tmp_path / "workspace/context/leftover").exists()


@pytest.mark.parametrize(
    ("moved", "reason"),
    [
        (("uai/object-detect/code/infer.py", b"print(2)\n"), Reason.SOURCE_CHANGED),
        (("uai/object-detect/code/infer.py", None), Reason.SOURCE_CHANGED),
        (("uai/object-prep-output/label_map.pbtxt", b"item {}"), Reason.SOURCE_CHANGED),
        ((GRAPH_KEY, b"other"), Reason.OBJECT_CORRUPT),
        ((GRAPH_KEY, None), Reason.OBJECT_NOT_FOUND),
    ],
    ids=["file changed", "file gone", "label map changed", "graph changed", "graph gone"],
)
def test_a_changed_input_ends_the_stage(run, step_input, store, moved, reason):
    key, data = moved
    if data is None:
        store.delete(key)
    else:
        store.write(data, key)
    with pytest.raises(StageError) as caught:
        run(step_input)
    assert caught.value.reason == reason
    assert key in caught.value.message


@pytest.mark.parametrize(
    ("data", "reason"),
    [(None, Reason.SOURCE_CHANGED), (b"{}", Reason.SOURCE_CHANGED)],
    ids=["gone", "another"],
)
def test_another_input_lock_is_refused(run, step_input, store, data, reason):
    if data is None:
        store.delete(step_input.input_lock.key)
    else:
        store.write(data, step_input.input_lock.key)
    with pytest.raises(StageError) as caught:
        run(step_input)
    assert caught.value.reason == reason


def rewritten(step_input, store, **changes) -> inputs.AssembleInput:
    """The input with another input lock and its real checksum, as an attacker could write it."""
    input_lock = msgspec.json.decode(store.read(step_input.input_lock.key, max_bytes=10**6), type=inputs.InputLock)
    data = msgspec.json.encode(msgspec.structs.replace(input_lock, **changes))
    store.write(data, step_input.input_lock.key)
    reference = inputs.InputLockRef(key=step_input.input_lock.key, sha256=hashlib.sha256(data).hexdigest())
    return msgspec.structs.replace(step_input, input_lock=reference)


@pytest.mark.parametrize("path", ["../escape", "/etc/escape", "a/../../escape"])
def test_nothing_is_written_outside_the_context(run, step_input, store, tmp_path, path):
    evil = inputs.PinnedFile(path=path, size=1, etag="x", key="uai/samples/shapes.png")
    with pytest.raises(StageError) as caught:
        run(rewritten(step_input, store, source=(evil,)))
    assert caught.value.reason == Reason.UNSAFE_KEY
    assert not list(tmp_path.rglob("escape"))


def test_an_input_lock_of_another_version_is_explained(run, step_input, store):
    data = b'{"schemaVersion": 2, "unknown": true}'
    store.write(data, step_input.input_lock.key)
    reference = inputs.InputLockRef(key=step_input.input_lock.key, sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(StageError) as caught:
        run(msgspec.structs.replace(step_input, input_lock=reference))
    assert caught.value.reason == Reason.INVALID_INPUT


@pytest.fixture
def from_config_map(pipeline, registry, location, mounts, tmp_path):
    """The folder of a ConfigMap, and the input that was resolved from it."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "object-detect-cpu.Dockerfile").write_bytes(b"FROM scratch\nADD infer.py /\n")
    (folder / "infer.py").write_bytes(b"print()\n")
    result = resolve(pipeline.input(source_prefix=""), pipeline.store, registry, mounts._replace(config_map=folder))
    pipeline.store.write(b"graph", GRAPH_KEY)
    graph = inputs.Graph(key=GRAPH_KEY, sha256=hashlib.sha256(b"graph").hexdigest(), size=5)
    return folder, inputs.AssembleInput(
        ufile=location, input_lock=result.input_lock, graph=graph, checkpoint_dir="checkpoint_dir"
    )


def test_a_config_map_is_copied(run, from_config_map, tmp_path):
    folder, step_input = from_config_map
    run(step_input, config_map=folder)
    assert tree(tmp_path / "workspace/context")["infer.py"] == b"print()\n"


@pytest.mark.parametrize("data", [b"print(2)", None], ids=["changed", "gone"])
def test_a_config_map_that_changed_ends_the_stage(run, from_config_map, data):
    folder, step_input = from_config_map
    (folder / "infer.py").unlink()
    if data is not None:
        (folder / "infer.py").write_bytes(data)
    with pytest.raises(StageError, match=r"infer\.py") as caught:
        run(step_input, config_map=folder)
    assert caught.value.reason == Reason.SOURCE_CHANGED
