"""Defaults: the API server sets the values that the model assumes, and a new object counts as in progress."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from inference_image_contract.reasons import ReasonClass
from inference_image_operator import api
from inference_image_operator.api.stages import Stage

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STATUS = api.Status(
    observed_generation=1,
    last_handled_request="now",
    conditions=(
        api.Condition(
            type="Ready", status="True", reason="Published", message="", last_transition_time=NOW, observed_generation=1
        ),
    ),
    checkpoint=api.CheckpointStatus(
        step=7, name="n", fingerprint="sha256:a", files=(api.CheckpointFile(key="k", size=1, etag="e"),)
    ),
    content_hash="sha256:b",
    input_lock=api.InputLockStatus(key="k", sha256="c", context_bytes=1, base_bytes=2),
    run=api.RunStatus(
        input_hash="sha256:0",
        generation=1,
        resolve_count=2,
        restart_count=3,
        registry_host="h",
        inputs_hash="sha256:b",
        failure_time=NOW,
    ),
    built=api.BuiltStatus(digest="sha256:e", size=4),
    frozen_graph=api.FrozenGraphStatus(
        key="k",
        sha256="d",
        size=3,
        tensorflow="2",
        saved_model=api.StoredFileStatus(key="s", sha256="e", size=4),
        onnx=api.OnnxStatus(key="o", sha256="f", size=5, greatest_difference="4.2e-07"),
    ),
    image=api.ImageStatus(reference="r@sha256:e", digest="sha256:e", tags=("t",), size=4, generation=1),
    stage=api.StageStatus(
        name=Stage.TEST,
        job="j",
        job_uid="u",
        attempt=1,
        start_time=NOW,
        message="m",
        content="sha256:f",
        failures=1,
        waits=2,
        verdict=api.Verdict(kind=ReasonClass.RETRY, reason="R", message="m", hint="h", log_tail="l", container="image"),
        queue_position=3,
        suspended=True,
        retry_at=NOW,
    ),
    last_failure=api.LastFailure(stage=Stage.BUILD, job="j", reason="R", message="m", hint="h", log_tail="l", time=NOW),
    last_poll_time=NOW,
    timings=api.Timings(resolve="1s", export="2s", build="3s", test="Reused"),
    history=(api.HistoryEntry(digest="sha256:e", content_hash="sha256:b", step=7, checkpoint="n", time=NOW),),
    produced=api.ProducedStatus(
        exports=(api.ProducedExport(fingerprint="sha256:a", sha256="d"),),
        images=(api.ProducedImage(content_hash="sha256:b", digest="sha256:e"),),
    ),
    rollout=api.RolloutStatus(
        input_hash="sha256:0",
        target="Deployment/d",
        image="r@sha256:e",
        previous_image="r:t",
        phase="RollingBack",
        start_time=NOW,
        message="m",
    ),
)


@pytest.fixture
def stored(server: Any, manifest_with: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """The minimal manifest as the API server stored it."""
    server.create(manifest_with({}), dry_run=False)
    yield server.read("object-detect")
    server.delete("object-detect")


def test_the_defaults_of_the_crd_are_those_of_the_model(
    manifest_with: Callable[..., Any], stored: dict[str, Any]
) -> None:
    assert api.read(api.Spec, stored["spec"]) == api.read(api.Spec, manifest_with({})["spec"])


def test_a_stored_object_hashes_like_its_manifest(manifest_with: Callable[..., Any], stored: dict[str, Any]) -> None:
    written, read = (api.read(api.Spec, spec) for spec in (manifest_with({})["spec"], stored["spec"]))
    assert api.normalised(read) == api.normalised(written)


def test_the_defaults_of_a_rollout_are_those_of_the_model(server: Any, manifest_with: Callable[..., Any]) -> None:
    for target in (
        {"configMap": {"name": "a"}},
        {"deployment": {"name": "a", "container": "b"}},
        {"inferenceService": {"name": "a"}},
    ):
        answer = server.create(manifest_with({"rollout": target}), dry_run=True)
        assert api.read(api.Spec, answer["spec"]).rollout == api.read(api.RolloutSpec, target)


def test_defaults_are_visible_to_the_user(stored: dict[str, Any]) -> None:
    spec = stored["spec"]
    assert (spec["export"]["timeout"], spec["build"]["timeout"], spec["test"]["port"]) == ("30m", "1h", 8080)
    assert (spec["retry"]["limit"], spec["ttlAfterFinished"], spec["suspend"]) == (2, "24h", False)


def test_a_new_object_is_behind_its_generation(stored: dict[str, Any]) -> None:
    assert stored["status"] == {"observedGeneration": -1}
    assert api.read(api.Status, stored["status"]) == api.Status()


def test_every_field_of_the_status_survives_the_api_server(server: Any, stored: dict[str, Any]) -> None:
    answer = server.write_status(stored["metadata"]["name"], api.write(STATUS))
    assert api.read(api.Status, answer["status"]) == STATUS


def test_the_api_server_accepts_stages_and_times_that_the_model_cannot_read(
    server: Any, stored: dict[str, Any]
) -> None:
    strange = {"name": "Scan", "startTime": "2026-01-31T09:30:00+99:99"}
    answer = server.write_status(stored["metadata"]["name"], {"stage": strange, "lastPollTime": "0000-01-31T09:30:00Z"})
    found, problems = api.read_status(answer["status"])
    assert (found.stage, found.last_poll_time) == (None, None)
    assert [problem.split(":", 1)[0] for problem in problems] == [
        ".stage.name",
        ".stage.startTime",
        ".stage",
        ".lastPollTime",
    ]


def test_every_field_of_the_model_is_in_the_schema(crd: dict[str, Any]) -> None:
    properties = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    for kind, name in ((api.Spec, "spec"), (api.Status, "status")):
        assert _unknown(_names(kind), properties[name]) == []


def _names(kind: Any) -> dict[str, Any]:
    """The field names of a Struct, nested."""
    document = msgspec.json.schema(kind)
    definitions = document["$defs"]

    def walk(schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            return walk(definitions[schema["$ref"].rsplit("/", 1)[1]])
        for option in schema.get("anyOf", []):
            if "$ref" in option:
                return walk(option)
        if "items" in schema:
            return {"*": walk(schema["items"])}
        return {name: walk(child) for name, child in schema.get("properties", {}).items()}

    return walk(document)


def _unknown(names: dict[str, Any], schema: dict[str, Any], path: str = "") -> list[str]:
    if "*" in names:
        return _unknown(names["*"], schema["items"], f"{path}[]")
    known = schema.get("properties", {})
    missing = [f"{path}.{name}" for name in names if name not in known]
    return missing + [
        lost
        for name, child in names.items()
        if name in known
        for lost in _unknown(child, known[name], f"{path}.{name}")
    ]
