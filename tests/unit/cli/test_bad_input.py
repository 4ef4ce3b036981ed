"""Bad input: exit code 1, one sentence on standard error, nothing on standard output."""

from pathlib import Path

import pytest

from tests.crd.test_crd_refused import REFUSED, Refusal
from tests.unit.cli.conftest import EXAMPLE

STRUCTURAL = ("Required value", "Unsupported value", "may not be more than", "should have at least")
"""Words of the API server for violations of the schema, not of a CEL rule."""

MANIFESTS = {
    "kind: Secret": "is not an InferenceImage: its kind is Secret.",
    "[1, 2]": "is not an InferenceImage: its kind is not set.",
    "": "has 0 documents; give a file with exactly one InferenceImage.",
    "kind: InferenceImage\n---\nkind: InferenceImage": "has 2 documents",
    "kind: InferenceImage": "apiVersion must be uai.ucloud.cn/v1alpha1.",
    "kind: InferenceImage\napiVersion: uai.ucloud.cn/v1alpha1": "the manifest: 'spec' is a required property.",
    "a: [": "line 1, is not valid YAML",
    "a: b\nc: d: e": "line 2, is not valid YAML: mapping values are not allowed here.",
    "a: !!python/object:os.system {}": "is not valid YAML: could not determine a constructor",
    "a: \x07": "is not valid YAML: special characters are not allowed.",
}


def assert_refused(answer: tuple[int, str, str], sentence: str) -> None:
    code, out, err = answer
    assert (code, out) == (1, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize("text", MANIFESTS, ids=range(len(MANIFESTS)))
def test_an_invalid_manifest(run, tmp_path: Path, text: str) -> None:
    path = tmp_path / "it.yaml"
    path.write_text(text)
    assert_refused(run("render", "-f", path), MANIFESTS[text])


def test_a_file_that_is_missing_or_not_text(run, tmp_path: Path) -> None:
    assert_refused(run("render", "-f", tmp_path / "none.yaml"), "none.yaml cannot be read: No such file or directory.")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x80")
    assert_refused(run("render", "-f", tmp_path / "binary"), "binary cannot be read: it is not UTF-8.")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"spec.surprise": 1}, "spec: unknown field surprise."),
        ({"spec.test.sampel": "x"}, "spec.test: unknown field sampel."),
        ({"spec.ufile.bucket": "b" * 64}, "spec.ufile.bucket: "),
        ({"spec.export.timeout": "soon"}, "The API server would reject this manifest: 'soon' is not a duration"),
        ({"spec.image.tags": []}, "spec.image.tags: "),
        ({"spec.image.tags": ["ok", 7]}, "spec.image.tags[1]: 7 is not of type 'string'."),
        ({"spec.model.checkpoint.step": "800"}, "spec.model.checkpoint.step: '800' is not of type 'integer'."),
        ({"spec.ufile.secretRef": None}, "spec.ufile: 'secretRef' is a required property."),
        ({"spec.build.builder": "Docker"}, "spec.build.builder: 'Docker' is not one of"),
        ({"metadata.name": "Not_A_Name"}, "metadata.name must be a valid name"),
        ({"metadata.name": None}, "metadata.name must be a valid name"),
        ({"metadata.namespace": "a/b"}, "the namespace must be a valid name"),
        (
            {"metadata.annotations": {"uai.ucloud.cn/requestedAt": 7}},
            "put the value of uai.ucloud.cn/requestedAt in quotes",
        ),
        ({"spec.suspend": True}, "No Job would start. Suspended: spec.suspend is true"),
        ({"spec.image.repository": "elsewhere.test/a/b"}, "No Job would start. RegistryNotAllowed: "),
        ({"spec.export.formats": ["FrozenGraph", "ONNX"]}, "No Job would start. FormatNotAvailable: "),
        ({"spec.build.resources": {"limits": {"memory": "900Gi"}}}, "No Job would start. ResourcesTooLarge: "),
    ],
    ids=str,
)
def test_a_manifest_that_does_not_match_the_schema(run, manifest, values, changes: dict, sentence: str) -> None:
    assert_refused(run("render", "-f", manifest(changes), "--values", values), sentence)


@pytest.mark.parametrize("row", REFUSED, ids=range(len(REFUSED)))
def test_what_the_api_server_refuses(run, manifest, values, row: Refusal) -> None:
    """What the schema refuses is refused here, too. A violated CEL rule may pass. Neither ends in a traceback."""
    code, out, err = run(
        "render", "-f", manifest({f"spec.{key}": row.changes[key] for key in row.changes}), "--values", values
    )
    assert bool(out) == (code == 0)
    assert (err == "") == (code == 0)
    if row.message.startswith(STRUCTURAL):
        assert "does not match the CustomResourceDefinition: spec" in err


def test_two_namespaces(run, values) -> None:
    answer = run("render", "-f", EXAMPLE, "--values", values, "-n", "team")
    assert_refused(answer, "metadata.namespace is object-detect, but --namespace is team; give only one.")


@pytest.mark.parametrize(
    ("flag", "text", "sentence"),
    [
        ("--values", "config: {workers: 0}", "values.yaml: `workers` is 0, but must be at least 1"),
        ("--values", "config: {workrs: 1}", "values.yaml: Object contains unknown field `workrs`"),
        ("--values", "config: [1]", "The value config must be a mapping, as in the chart's values.yaml."),
        ("--values", "[1]", "values.yaml is not one YAML mapping."),
        ("--config", "workers: 1", "values.yaml: Object missing required field `images`"),
    ],
)
def test_an_invalid_installation(run, tmp_path: Path, flag: str, text: str, sentence: str) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(text)
    assert_refused(run("render", "-f", EXAMPLE, flag, path), sentence)


def test_an_invalid_command_line_exits_with_2(run) -> None:
    with pytest.raises(SystemExit) as ended:
        run("render")
    assert ended.value.code == 2
