"""Reading, writing and hashing the object."""

from typing import Any

import msgspec
import pytest

from inference_image_operator import api
from inference_image_operator.api.stages import Stage
from tests.support.world import START

SPEC: dict[str, Any] = {
    "ufile": {"bucket": "uai-demo", "region": "cn-bj", "secretRef": {"name": "ufile"}},
    "model": {"prefix": "train/", "checkpoint": {"step": 200000}, "labelMap": "label_map.pbtxt"},
    "source": {"ufile": {"prefix": "code/"}},
    "image": {"repository": "uhub.ucloud.cn/demo/a", "tags": ["test"]},
}


def spec(**changes: Any) -> api.Spec:
    return api.read(api.Spec, SPEC | changes)


def test_a_short_manifest_gets_every_default() -> None:
    read = spec()
    assert (read.export.timeout, read.build.timeout, read.test.timeout) == ("30m", "1h", "2m")
    assert (read.model.pipeline_config, read.source.checkpoint_dir) == ("pipeline.config", "code/checkpoint_dir")
    assert (read.retry.limit, read.ttl_after_finished, read.test.enabled) == (2, "24h", True)


def test_fields_of_a_later_version_are_ignored() -> None:
    assert spec(someday={"a": 1}, retry={"limit": 2, "someday": True}) == spec()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"model": {"prefix": "a/", "checkpoint": {"step": "1"}, "labelMap": "l"}}, r"\$\.model\.checkpoint\.step"),
        ({"image": {"repository": "a"}}, r"missing required field `tags` - at `\$\.image`"),
        ({"export": {"inputType": "picture"}}, r"\$\.export\.inputType"),
    ],
)
def test_a_document_that_does_not_fit_is_rejected_with_the_name_of_the_field(
    changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        spec(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"export": {}},
        {"export": {"timeout": "30m", "formats": ["FrozenGraph"], "resources": {"requests": {}}}},
        {"test": {"enabled": True, "port": 8080}, "scheduling": {}, "build": {"args": {}}},
        {"suspend": True},
        {"retry": {"limit": 5}},
        {"ttlAfterFinished": "48h"},
    ],
    ids=str,
)
def test_specs_with_the_same_result_have_the_same_hash(changes: dict[str, Any]) -> None:
    assert api.normalised(spec(**changes)) == api.normalised(spec())


@pytest.mark.parametrize(
    "changes",
    [
        {"export": {"timeout": "31m"}},
        {"build": {"args": {"A": ""}}},
        {"test": {"enabled": False}},
        {"image": {"repository": "uhub.ucloud.cn/demo/a", "tags": ["test", "latest"]}},
        {"scheduling": {"affinity": {"podAffinity": {}}}},
        {"scheduling": {"tolerations": [{"key": "a"}]}},
    ],
    ids=str,
)
def test_specs_with_different_results_have_different_hashes(changes: dict[str, Any]) -> None:
    assert api.normalised(spec(**changes)) != api.normalised(spec())


def test_the_hashed_text_is_pinned_because_a_change_would_rebuild_every_image() -> None:
    assert api.normalised(spec(build={"args": {"B": "2", "A": "1"}})) == (
        b'{"build":{"args":{"A":"1","B":"2"}},'
        b'"image":{"repository":"uhub.ucloud.cn/demo/a","tags":["test"]},'
        b'"model":{"checkpoint":{"step":200000},"labelMap":"label_map.pbtxt","prefix":"train/"},'
        b'"source":{"ufile":{"prefix":"code/"}},'
        b'"ufile":{"bucket":"uai-demo","region":"cn-bj","secretRef":{"name":"ufile"}}}'
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1500ms", 2), ("999ms1ms", 1), ("0s", 0), ("24h", 86400)],
)
def test_durations_in_seconds(text: str, seconds: int) -> None:
    assert api.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "1d", "-1s", "1.5h", " 1h", "1h\n", "h"])
def test_invalid_durations_are_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as"):
        api.parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0, "0s"), (44.6, "45s"), (59.6, "1m0s"), (65, "1m5s"), (3599, "59m59s"), (7203, "2h0m3s")],
)
def test_durations_as_text(seconds: float, text: str) -> None:
    assert api.format_duration(seconds) == text


def test_a_status_omits_empty_fields() -> None:
    stage = api.StageStatus(name=Stage.EXPORT, job="j", job_uid="u", attempt=1, start_time=START, content="c")
    assert api.write(api.Status(observed_generation=3, stage=stage)) == {
        "observedGeneration": 3,
        "stage": {
            "name": "Export",
            "job": "j",
            "jobUID": "u",
            "attempt": 1,
            "startTime": "2026-01-31T09:30:00Z",
            "content": "c",
        },
    }


def test_a_status_reads_back_as_it_was_written() -> None:
    status = api.Status(timings=api.Timings(export="Reused"), image=api.ImageStatus(reference="r", digest="d"))
    assert api.read(api.Status, api.write(status)) == status
