"""`render`: prints the operator's Jobs as a stable stream, with comments on the placeholders.

After a wanted change: `UPDATE_GOLDEN=1 make test-unit`, then read the difference.
"""

import os
from pathlib import Path

import pytest
import yaml

from inference_image_operator.jobs.job import LABEL_STAGE
from kubectl_inferenceimage import placeholders
from tests.unit.cli.conftest import EXAMPLE

GOLDEN = Path(__file__).parent / "golden"
CASES = {
    "example": {},
    "append": {"spec.build.builder": "Append", "spec.test.enabled": False},
    "imported-graph": {
        "spec.export.frozenGraph": {"key": "graphs/ready.pb"},
        "spec.model.prefix": None,
        "spec.model.checkpoint": None,
    },
    "latest": {"spec.model.checkpoint": {"policy": "Latest"}, "spec.image.tags": ["step-{step}", "c-{contentHash}"]},
}


@pytest.mark.parametrize("case", CASES)
def test_the_stream_matches_the_golden_file(run, manifest, values, case: str) -> None:
    code, out, err = run("render", "-f", manifest(CASES[case]), "--values", values)
    path = GOLDEN / f"{case}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(out)
    assert (code, err) == (0, "")
    assert out == path.read_text()


def test_there_is_a_job_for_each_stage(run, values) -> None:
    _, out, _ = run("render", "-f", EXAMPLE, "--values", values)
    jobs = list(yaml.safe_load_all(out))
    assert [job["metadata"]["labels"][LABEL_STAGE] for job in jobs] == ["Resolve", "Export", "Build", "Test", "Publish"]
    assert {(job["apiVersion"], job["kind"]) for job in jobs} == {("batch/v1", "Job")}


def test_an_unknown_digest_is_zeros_with_a_comment(run, values) -> None:
    _, out, _ = run("render", "-f", EXAMPLE, "--values", values)
    test = out.split("---\n")[-2]
    assert test.startswith("# Stage Test. Placeholders, because these values are unknown without a cluster:\n#   - ")
    assert f"@{placeholders.DIGEST}" in test


def test_without_an_installation_images_are_placeholders(run, manifest) -> None:
    path = manifest({"spec.image.repository": "uhub.ucloud.cn/demo/it", "spec.ufile": {
        "bucket": "uai-demo", "region": "cn-bj", "secretRef": {"name": "ufile"}}})  # fmt: skip
    code, out, _ = run("render", "-f", path)
    assert code == 0
    assert "# The images placeholder.invalid/* are placeholders" in out
    assert "image: placeholder.invalid/images.kaniko" in out


def test_the_operators_config_gives_the_same_jobs_as_values(run, tmp_path, values) -> None:
    document = yaml.safe_load(values.read_text())
    del document["images"]["operator"]
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(document["config"] | {"images": document["images"]}))
    assert run("render", "-f", EXAMPLE, "--config", config) == run("render", "-f", EXAMPLE, "--values", values)


@pytest.mark.parametrize(("flag", "own"), [(None, None), ("team", None), ("team", "team"), (None, "team")])
def test_the_namespace_is_the_manifests_or_the_flags(run, manifest, values, flag, own) -> None:
    path = manifest({"metadata.namespace": own})
    _, out, _ = run("render", "-f", path, "--values", values, *(["-n", flag] if flag else []))
    assert {job["metadata"]["namespace"] for job in yaml.safe_load_all(out)} == {flag or own or "default"}


def test_a_request_changes_the_first_jobs_name(run, manifest, values) -> None:
    def first(changes: dict) -> str:
        _, out, _ = run("render", "-f", manifest(changes), "--values", values)
        return next(yaml.safe_load_all(out))["metadata"]["name"]

    assert first({}) != first({"metadata.annotations": {"uai.ucloud.cn/requestedAt": "2026-01-31T09:30:00Z"}})


def test_standard_input_is_read(run, values, monkeypatch) -> None:
    with EXAMPLE.open() as file:
        monkeypatch.setattr("sys.stdin", file)
        code, out, _ = run("render", "-f", "-", "--values", values)
    assert code == 0
    assert out == run("render", "-f", EXAMPLE, "--values", values)[1]
