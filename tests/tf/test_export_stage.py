"""The export from end to end, on the trained fixture, against a UFile stand-in."""

import json
import re
import tempfile
from pathlib import Path

import msgspec
import pytest

from devcluster.ufile import Fault
from inference_image_contract import inputs
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import ExitCode, Reason
from inference_image_export.__main__ import main
from inference_image_export.verify import verify
from inference_image_store import etag_of, export_folder
from tests.support.exporting import export_stage, run_containers

CONFIG, GRAPH, RESULT = "pipeline.config", "frozen_inference_graph.pb", "result.json"
PLAIN = "uai/object-export-output/frozen_inference_graph.pb"


def puts(world):
    """Keys written, in order, since the world was made."""
    return [key for method, key in world.stand_in.seen if method == "PUT" and key.startswith(world.stage.output_prefix)]


def failure(world) -> StageError:
    with pytest.raises(StageError) as caught:
        export_stage(world.stage, world.store)
    return caught.value


def data_file(world) -> str:
    (name,) = (item.key.rpartition("/")[2] for item in world.input_lock.checkpoint if ".data-" in item.key)
    return name


@pytest.mark.parametrize("input_type", ["image_tensor", "encoded_image_string_tensor", "tf_example"])
def test_every_input_type_is_exported_verified_and_published(world, tmp_path, input_type):
    world = world.asking_for(input_type)
    graph = export_stage(world.stage, world.store).graph
    assert graph.key == world.folder + GRAPH
    assert graph.tensorflow == "2.21.0"
    world.store.download(graph.key, tmp_path / "graph.pb")
    verify(tmp_path / "graph.pb", input_type, world.input_lock.num_classes)
    assert world.store.head(graph.key).sha256 == graph.sha256


def test_the_result_is_written_last_of_its_folder_and_names_the_graph(exported_world, first_export):
    world, graph = exported_world, first_export.done.graph
    assert first_export.puts()[-4:] == [world.folder + CONFIG, world.folder + GRAPH, world.folder + RESULT, PLAIN]
    result = world.store.read(world.folder + RESULT, max_bytes=10_000)
    assert msgspec.json.decode(result, type=inputs.Graph) == graph


def test_the_tutorials_key_holds_the_same_graph(exported_world, first_export):
    world, graph = exported_world, first_export.done.graph
    assert world.store.head(PLAIN).etag == world.store.head(graph.key).etag


@pytest.mark.parametrize("copied", [False, True], ids=["the graph", "the tutorial's key"])
def test_the_metadata_of_a_graph_leads_to_its_checkpoint(exported_world, first_export, copied):
    world, graph = exported_world, first_export.done.graph
    with world.store._wire.send("HEAD", PLAIN if copied else graph.key) as answer:
        told = {name: answer.headers[f"X-Ufile-Meta-{name}"] for name in ("Checkpoint-Step", "Fingerprint")}
        told |= {name: answer.headers[f"X-Ufile-Meta-{name}"] for name in ("Inputs-Hash", "Sha256", "Input-Lock")}
    assert told == {
        "Checkpoint-Step": str(world.input_lock.step),
        "Fingerprint": world.input_lock.fingerprint,
        "Inputs-Hash": world.input_lock.inputs_hash,
        "Sha256": graph.sha256,
        "Input-Lock": world.stage.input_lock.key,
    }


@pytest.mark.parametrize("name", ["model.ckpt", "best-300"])
def test_a_checkpoint_without_a_step_gives_the_same_graph(world, first_export, name):
    expected = first_export.done.graph
    named = world.named(name)
    graph = export_stage(named.stage, world.store).graph
    assert (graph.sha256, graph.readable_by) == (expected.sha256, expected.readable_by)
    assert graph.key != expected.key
    with world.store._wire.send("HEAD", graph.key) as answer:
        assert answer.headers["X-Ufile-Meta-Checkpoint-Name"] == name
        assert "X-Ufile-Meta-Checkpoint-Step" not in answer.headers


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_config_that_windows_wrote_gives_the_same_graph(world, trained, first_export, encoding):
    text = (trained.directory / "pipeline.config").read_text("utf-8").replace("\n", "\r\n")
    again = world.replaced("pipeline.config", text.encode(encoding)).asking_for()
    assert export_stage(again.stage, world.store).graph.sha256 == first_export.done.graph.sha256


def test_the_training_graph_is_not_downloaded(first_export):
    assert not [key for method, key in first_export.seen if method == "GET" and key.endswith(".meta")]


def test_a_rerun_gives_the_same_graph_and_writes_nothing(exported_world, first_export):
    world, first = exported_world, first_export.done
    before = puts(world)
    assert export_stage(world.stage, world.store).graph == first.graph
    assert puts(world) == before


@pytest.mark.parametrize("missing", [RESULT, GRAPH])
def test_an_incomplete_upload_is_repeated_with_equal_bytes(exported_world, first_export, missing):
    world, first = exported_world, first_export.done
    world.store.delete(world.folder + missing)
    assert first_export.upload_again(world).graph == first.graph
    assert world.store.find(world.folder + missing) is not None


def test_a_rerun_restores_the_tutorials_key(exported_world, first_export):
    world, graph = exported_world, first_export.done.graph
    world.store.write(b"of another export", PLAIN)
    first_export.upload_again(world)
    assert world.store.head(PLAIN).etag == world.store.head(graph.key).etag


def test_a_token_that_forbids_overwriting_keeps_the_tutorials_key_and_reports_it(world, first_export):
    world.store.write(b"of another export", PLAIN)
    done = first_export.upload_again(world, world.keeper)
    assert (done.not_overwritten, done.graph.key) == (PLAIN, world.folder + GRAPH)
    assert world.store.read(PLAIN, max_bytes=99) == b"of another export"
    again = first_export.upload_again(world, world.keeper)
    assert (again.graph, again.not_overwritten) == (done.graph, PLAIN)


def test_a_token_that_forbids_overwriting_completes_an_export(exported_world, first_export):
    """An interrupted export left equal objects or none: nothing needs overwriting."""
    world, first = exported_world, first_export.done
    for missing in (GRAPH, RESULT):
        world.store.delete(world.folder + missing)
        assert first_export.upload_again(world, world.keeper).graph == first.graph


def test_an_archived_graph_under_the_tutorials_key_is_replaced(world, first_export):
    world.store.write(b"of another export", PLAIN)
    world.stand_in.service.switch("127", PLAIN, "ARCHIVE")
    graph = first_export.upload_again(world).graph
    assert world.store.head(PLAIN).etag == world.store.head(graph.key).etag


def test_a_graph_that_was_replaced_is_uploaded_again(exported_world, first_export):
    world, first = exported_world, first_export.done
    world.store.write(b"not the graph", first.graph.key)
    assert first_export.upload_again(world).graph == first.graph
    assert world.store.head(first.graph.key).sha256 == first.graph.sha256


def test_an_invalid_result_is_ignored(world, first_export):
    world.store.write(b"{", world.folder + RESULT)
    assert first_export.upload_again(world).graph.key == world.folder + GRAPH


def test_a_checkpoint_that_changed_since_is_source_changed_and_nothing_is_published(world):
    key = world.input_lock.checkpoint[0].key
    world.store.write(b"a newer training", key)
    error = failure(world)
    assert error.reason is Reason.SOURCE_CHANGED
    assert key in error.message
    assert world.published == []


def test_a_checkpoint_that_was_archived_since_is_source_changed(world):
    key = world.input_lock.checkpoint[0].key
    world.stand_in.service.switch("127", key, "ARCHIVE")
    error = failure(world)
    assert error.reason is Reason.SOURCE_CHANGED
    assert f"{key!r}: it was readable when it was resolved." in error.message


def test_a_checkpoint_that_is_gone_is_source_changed(world):
    key = world.input_lock.checkpoint[0].key
    world.store.delete(key)
    error = failure(world)
    assert (error.reason, key in error.message) == (Reason.SOURCE_CHANGED, True)


@pytest.mark.parametrize("how", ["replaced", "gone"])
def test_a_changed_input_lock_is_source_changed(world, how):
    if how == "gone":
        world.store.delete(world.stage.input_lock.key)
    else:
        world.store.write(b"{}", world.stage.input_lock.key)
    assert failure(world).reason is Reason.SOURCE_CHANGED


def damaged(data: bytes) -> bytes:
    """Every 500th byte flipped."""
    return bytes(byte ^ 0xFF if index % 500 == 0 else byte for index, byte in enumerate(data))


@pytest.mark.parametrize("damage", [damaged, lambda data: data[: len(data) // 2]], ids=["flipped", "cut"])
def test_a_damaged_checkpoint_is_named_and_nothing_is_published(world, trained, damage):
    name = data_file(world)
    error = failure(world.replaced(name, damage((trained.directory / name).read_bytes())))
    assert error.reason is Reason.CHECKPOINT_DAMAGED
    assert f"model.ckpt-{trained.step} is damaged" in error.message
    assert world.published == []


@pytest.mark.parametrize(
    ("change", "reason", "message"),
    [
        (
            ("num_classes: 3", "num_classes: 4"),
            Reason.EXPORT_FAILED,
            r"BoxPredictor_\d/ClassPredictor/(biases|weights) has shape \[",
        ),
        (("RELU_6", "RELU_7"), Reason.PIPELINE_CONFIG_INVALID, r"pipeline\.config, line 13, column 21: .*RELU_7"),
        (
            ("min_depth: 16", "deep: 16"),
            Reason.PIPELINE_CONFIG_INVALID,
            r"line 10, column 7: .*no field named \"deep\"",
        ),
        (("mobilenet_v1", "new"), Reason.PIPELINE_CONFIG_INVALID, "Unknown ssd feature_extractor: ssd_new"),
        (("mobilenet_v1", "mobilenet_v2"), Reason.EXPORT_FAILED, "has no variable FeatureExtractor/MobilenetV2/"),
        (("averages: false", "averages: true"), Reason.EXPORT_FAILED, "has no variable .*/ExponentialMovingAverage"),
    ],
)
def test_a_config_that_does_not_fit_is_explained_and_nothing_is_published(world, trained, change, reason, message):
    text = (trained.directory / CONFIG).read_text()
    assert change[0] in text
    error = failure(world.replaced(CONFIG, text.replace(*change).encode()))
    assert error.reason is reason
    assert re.search(message, error.message)
    assert world.published == []


def test_an_upload_that_fails_leaves_no_result(world, first_export):
    world.stand_in.faults.add(Fault(kind="status", method="PUT", key="*" + GRAPH, times=-1))
    with pytest.raises(StageError) as failed:
        first_export.upload_again(world)
    assert failed.value.reason is Reason.UFILE_UNAVAILABLE
    assert world.published == [world.folder + CONFIG]


def test_equal_input_gives_equal_bytes(world, first_export):
    assert export_stage(world.stage, world.store).graph.sha256 == first_export.done.graph.sha256


def test_the_folder_is_named_by_the_fingerprint():
    assert export_folder("out/", "sha256:abc") == "out/abc/"


def run_container(world, tmp_path, private_key, scratch="/tmp"):
    """The containers' commands in processes of their own, as the Job runs them."""
    keys = {"UFILE_PUBLIC_KEY": "public-key-of-the-tests", "UFILE_PRIVATE_KEY": private_key}
    done = run_containers(world.stage, tmp_path, keys, TMPDIR=str(scratch))
    return done, json.loads((tmp_path / "termination-log").read_bytes())


def test_the_containers_report_the_graph_and_leave_nothing_behind(world, tmp_path):
    place = Path(tempfile.mkdtemp())  # a short path, because it contains a socket
    done, result = run_container(world, tmp_path, "private-key-of-the-tests", place)
    assert [one.returncode for one in done] == [ExitCode.OK] * 3, done[-1].stderr
    graph = world.store.read(world.folder + GRAPH, max_bytes=50_000_000)
    assert (result["graph"]["key"], result["graph"]["size"]) == (world.folder + GRAPH, len(graph))
    assert etag_of(graph) == world.store.head(PLAIN).etag
    place.rmdir()  # which fails unless it is empty
    assert not any("private-key-of-the-tests" in one.stderr + one.stdout for one in done)


def test_the_container_explains_wrong_keys(world, tmp_path):
    done, result = run_container(world, tmp_path, "another-private-key")
    assert (done[-1].returncode, result["reason"]) == (ExitCode.FORBIDDEN, Reason.UFILE_FORBIDDEN)
    assert "another-private-key" not in done[-1].stderr + json.dumps(result)


@pytest.mark.parametrize("step", ["export", "answer"])
def test_a_graph_is_not_run_beside_a_key(step, tmp_path, monkeypatch):
    monkeypatch.setenv("UFILE_PRIVATE_KEY", "the-private-key")
    monkeypatch.setenv("INFERENCE_IMAGE_RESULT", str(tmp_path / "termination-log"))
    assert main([step]) == ExitCode.BAD_INPUT
    result = json.loads((tmp_path / "termination-log").read_bytes())
    assert (result["reason"], "has keys of US3" in result["message"]) == (Reason.INVALID_INPUT, True)


@pytest.mark.parametrize("arguments", [[], ["export", "upload"], ["run"]])
def test_a_step_must_be_named(arguments, capsys):
    assert main(arguments) == ExitCode.BAD_INPUT
    assert "download|export|upload|sample|answer" in capsys.readouterr().err
