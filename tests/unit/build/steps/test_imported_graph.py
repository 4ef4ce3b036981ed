"""An imported graph in place of a checkpoint, and the export formats: what resolve pins, what assemble writes."""

import hashlib

import msgspec
import pytest

from inference_image_build.hashes import export_options, fingerprint, graph_fingerprint
from inference_image_build.steps.assemble import assemble
from inference_image_build.steps.resolve import resolve
from inference_image_contract import inputs
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import PinnedObject
from inference_image_contract.reasons import Reason
from tests.support.exports import export, record

KEY = "models/frozen_inference_graph.pb"
GRAPH = PinnedObject(key=KEY, size=5, etag="AQAAAA==")
MODEL = "code/checkpoint_dir/model.onnx"


@pytest.fixture
def run(pipeline, registry, mounts):
    """run(**changes of the input) -> result and input lock."""

    def resolved(**changes):
        result = resolve(pipeline.input(**changes), pipeline.store, registry, mounts)
        data = pipeline.store.read(result.input_lock.key, max_bytes=10**6)
        return result, msgspec.json.decode(data, type=inputs.InputLock)

    return resolved


def ready(**changes):
    return {"prefix": "", "step": 0, "frozen_graph": KEY} | changes


def test_an_imported_graph_is_pinned_without_a_checkpoint(run, pipeline, ufile):
    info = pipeline.store.write(b"graph", KEY)
    before = len(ufile.seen)
    result, input_lock = run(**ready())
    pin = PinnedObject(key=KEY, size=5, etag=info.etag)
    assert (result.step, result.files, result.file_count, result.num_classes) == (None, (pin,), 1, 3)
    assert (input_lock.frozen_graph, input_lock.checkpoint, input_lock.pipeline_config, input_lock.step) == (
        pin,
        (),
        None,
        None,
    )
    assert not [key for _, key in ufile.seen[before:] if "model.ckpt" in key or key.endswith("pipeline.config")]


def test_a_missing_imported_graph_is_named(run):
    with pytest.raises(StageError) as caught:
        run(**ready())
    assert caught.value.reason is Reason.OBJECT_NOT_FOUND
    assert f"no object {KEY}" in caught.value.message
    assert "spec.export.frozenGraph.key" in caught.value.hint


def test_another_graph_under_the_same_key_changes_the_content_hash(run, pipeline):
    pipeline.store.write(b"graph", KEY)
    first, _ = run(**ready())
    pipeline.store.write(b"other", KEY)
    second, _ = run(**ready())
    assert (first.fingerprint != second.fingerprint, first.inputs_hash != second.inputs_hash) == (True, True)


def test_golden_fingerprint_of_an_imported_graph():
    assert graph_fingerprint(GRAPH, 3, "image_tensor") == (
        "sha256:edd4bdffa366f63d2db084f6bb377c68ad80e4d751b57c0cd6b2664e730ab88c"
    )


@pytest.mark.parametrize(
    "other",
    [
        graph_fingerprint(msgspec.structs.replace(GRAPH, etag="other"), 3, "image_tensor"),
        graph_fingerprint(msgspec.structs.replace(GRAPH, size=6), 3, "image_tensor"),
        graph_fingerprint(GRAPH, 4, "image_tensor"),
        graph_fingerprint(GRAPH, 3, "tf_example"),
        graph_fingerprint(GRAPH, 3, "image_tensor", export_options(("ONNX",))),
        fingerprint((GRAPH,), "", GRAPH, "image_tensor"),
    ],
    ids=["etag", "size", "classes", "input type", "formats", "a checkpoint"],
)
def test_what_enters_the_fingerprint_of_an_imported_graph(other):
    assert graph_fingerprint(GRAPH, 3, "image_tensor") != other


def test_the_key_of_an_imported_graph_does_not_count():
    moved = msgspec.structs.replace(GRAPH, key="elsewhere.pb")
    assert graph_fingerprint(moved, 3, "image_tensor") == graph_fingerprint(GRAPH, 3, "image_tensor")


@pytest.mark.parametrize(
    ("formats", "asked"), [((), {}), (("SavedModel", "ONNX"), {"formats": ["ONNX", "SavedModel"]})]
)
def test_defaults_do_not_enter_a_fingerprint(formats, asked):
    assert export_options(formats) == asked
    assert (
        fingerprint((GRAPH,), "", GRAPH, "image_tensor", asked) == fingerprint((GRAPH,), "", GRAPH, "image_tensor")
    ) is (not asked)


@pytest.mark.parametrize("changes", [{"formats": ("ONNX",)}, {"formats": ("SavedModel",)}])
def test_export_formats_change_the_content_hash(run, changes):
    first, _ = run()
    second, _ = run(**changes)
    assert first.fingerprint != second.fingerprint


def test_a_result_counts_only_with_all_its_formats(run, pipeline, tmp_path):
    changes = {"formats": ("ONNX", "SavedModel")}
    folder = f"uai/object-export-output/{run(**changes)[0].fingerprint[7:]}/"
    stored = {}
    for name in ("frozen_inference_graph.pb", "model.onnx", "saved_model/saved_model.pb"):
        (tmp_path / "file").write_bytes(name.encode())
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        pipeline.store.upload(tmp_path / "file", folder + name)
        stored[name] = {"key": folder + name, "sha256": sha256, "size": len(name)}
    graph = inputs.Graph(
        **stored["frozen_inference_graph.pb"],
        saved_model=inputs.StoredFile(**stored["saved_model/saved_model.pb"]),
        onnx=inputs.OnnxModel(**stored["model.onnx"], greatest_difference="1.0e-07"),
    )
    pipeline.store.write(inputs.encode(graph).encode(), f"{folder}result.json")
    changes |= record(run(**changes)[0], graph)
    assert run(**changes)[0].graph == graph
    pipeline.store.write(b"another", f"{folder}model.onnx")
    assert run(**changes)[0].graph is None


def test_a_model_in_the_source_counts_unless_the_export_makes_one(run, pipeline):
    plain, onnx = run()[0].inputs_hash, run(formats=("ONNX",))[0].inputs_hash
    pipeline.store.write(b"by hand", "uai/object-detect/" + MODEL)
    assert run()[0].inputs_hash != plain
    assert run(formats=("ONNX",))[0].inputs_hash == onnx


@pytest.mark.parametrize("damage", [b"", b"!"], ids=["sound", "another"])
def test_the_onnx_model_is_next_to_the_graph(run, pipeline, mounts, tmp_path, damage):
    result, _ = run(formats=("ONNX",))
    files = {name: inputs.StoredFile(key=f"f/{name}", sha256=hashlib.sha256(b"x").hexdigest(), size=1) for name in "go"}
    pipeline.store.write(b"x", "f/g")
    pipeline.store.write(damage or b"x", "f/o")
    model = inputs.OnnxModel(**msgspec.structs.asdict(files["o"]), greatest_difference="1.0e-07")
    step_input = inputs.AssembleInput(
        ufile=pipeline.request.ufile,
        input_lock=result.input_lock,
        graph=inputs.Graph(**msgspec.structs.asdict(files["g"]), onnx=model),
        source_prefix="uai/object-detect/",
        checkpoint_dir="code/checkpoint_dir",
    )
    arguments = (step_input, pipeline.store, tmp_path / "context", tmp_path / "Dockerfile", mounts)
    if damage:
        with pytest.raises(StageError, match="The export's result f/o has SHA-256"):
            assemble(*arguments)
    else:
        assemble(*arguments)
        assert (tmp_path / "context" / MODEL).read_bytes() == b"x"


@pytest.mark.parametrize(("readable_by", "refused"), [("1.7", True), ("", False), ("2.21", False)])
def test_an_existing_graph_must_be_readable_by_the_demanded_tensorflow(run, pipeline, readable_by, refused):
    first, _ = run()
    graph = export(pipeline.store, first, readableBy="2.21")
    changes = {"readable_by": readable_by} | record(first, graph)
    if not refused:
        assert run(**changes)[0].graph == graph
        return
    with pytest.raises(StageError, match=r"TensorFlow 1\.7 cannot read this graph, TensorFlow 2\.21 can") as caught:
        run(**changes)
    assert caught.value.reason is Reason.GRAPH_INCOMPATIBLE


def test_the_size_of_the_model_is_reported(run, pipeline):
    assert run()[0].model_bytes == len(b"weights")
    pipeline.store.write(b"graph", KEY)
    assert run(**ready())[0].model_bytes == 5
