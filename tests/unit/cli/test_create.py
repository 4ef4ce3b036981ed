"""`create`: what it writes, `render` accepts; what is missing, it asks for on a terminal."""

import io
from pathlib import Path
from typing import Any

import pytest
import yaml

FLAGS = {
    "--bucket": "uai-demo",
    "--region": "cn-bj",
    "--prefix": "uai/object-train-output/",
    "--label-map": "uai/object-prep-output/label_map.pbtxt",
    "--source": "uai/object-detect/",
    "--repository": "uhub.service.ucloud.cn/demo/object-detect-infer",
}


def words(**changes: str | None) -> list[str]:
    flags = {**FLAGS, **{f"--{name.replace('_', '-')}": value for name, value in changes.items()}}
    return [word for name, value in flags.items() if value is not None for word in (name, value)]


def spec(out: str) -> dict[str, Any]:
    return yaml.safe_load(out)["spec"]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch):
    """terminal("a", "b") -> a terminal on which the person types these lines."""

    def set_stdin(*lines: str) -> None:
        stdin = io.StringIO("".join(f"{line}\n" for line in lines))
        monkeypatch.setattr(stdin, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", stdin)

    return set_stdin


@pytest.mark.parametrize(
    "more",
    [
        [],
        ["--step", "200000", "--tag", "test", "--tag", "step-{step}", "-n", "team"],
        ["--source", "https://git.test/team/code#v1", "--dockerfile", "cpu.Dockerfile", "--config", "other.config"],
        ["--source", "uai/code.tar.gz", "--push-secret", "", "--ufile-secret", "keys"],
    ],
)
def test_render_accepts_what_it_writes(run, tmp_path: Path, more: list[str]) -> None:
    path, values = tmp_path / "it.yaml", tmp_path / "values.yaml"
    values.write_text("config: {sources: {gitHosts: [git.test]}}")
    assert run("create", "detector", *words(), *more, "--output", path) == (0, f"{path}\n", "")
    code, out, err = run("render", "-f", path, "--values", values)
    assert (code, err) == (0, "")
    assert out.count("kind: Job") == 5


def test_the_manifest(run) -> None:
    out = run("create", "detector", *words(prefix="train", source="code"), "--step", "800", "--tag", "a", "-n", "team")[
        1
    ]
    assert yaml.safe_load(out) == {
        "apiVersion": "uai.ucloud.cn/v1alpha1",
        "kind": "InferenceImage",
        "metadata": {"name": "detector", "namespace": "team"},
        "spec": {
            "ufile": {"bucket": "uai-demo", "region": "cn-bj", "secretRef": {"name": "ufile"}},
            "model": {"prefix": "train/", "checkpoint": {"step": 800}, "labelMap": FLAGS["--label-map"]},
            "source": {"ufile": {"prefix": "code/"}},
            "image": {"repository": FLAGS["--repository"], "tags": ["a"], "pushSecretRef": {"name": "uhub"}},
        },
    }
    assert spec(run("create", "detector", *words())[1])["model"]["checkpoint"] == {"policy": "Latest"}
    assert spec(run("create", "detector", *words())[1])["image"]["tags"] == ["latest"]


def test_a_source_is_recognized(run) -> None:
    def source(text: str) -> dict[str, Any]:
        return spec(run("create", "detector", *words(source=text))[1])["source"]

    assert source("https://git.test/a#main") == {"git": {"url": "https://git.test/a", "ref": "main"}}
    assert source("ssh://git@git.test/a") == {"git": {"url": "ssh://git@git.test/a"}}
    assert source("code.zip") == {"ufile": {"archive": "code.zip"}}


def test_a_terminal_is_asked_for_what_is_missing(run, terminal) -> None:
    terminal("my-bucket", "uhub.service.ucloud.cn/demo/it")
    code, out, err = run("create", "detector", *words(bucket=None, repository=None))
    assert code == 0
    assert err == "The bucket of US3 (formerly UFile): The repository of the image, without a tag: "
    assert spec(out)["ufile"]["bucket"] == "my-bucket"
    assert spec(out)["image"]["repository"] == "uhub.service.ucloud.cn/demo/it"


def test_an_empty_answer_ends_it(run, terminal) -> None:
    terminal("")
    code, out, err = run("create", "detector", *words(label_map=None))
    assert (code, out) == (1, "")
    assert err.endswith("Missing: --label-map.\n")


def test_without_a_terminal_missing_flags_are_named(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run("create", "detector", *words(bucket=None, label_map=None)) == (
        1,
        "",
        "Missing: --bucket, --label-map.\n",
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"bucket": "b" * 64}, "would not match the CustomResourceDefinition: spec.ufile.bucket"),
        ({"label_map": "k" * 2000}, "would not match the CustomResourceDefinition: spec.model.labelMap"),
    ],
)
def test_what_does_not_fit_is_refused(run, changes: dict[str, str], sentence: str) -> None:
    code, out, err = run("create", "detector", *words(**changes))
    assert (code, out) == (1, "")
    assert sentence in err


def test_an_invalid_name_and_a_file_that_exists(run, tmp_path: Path) -> None:
    assert "metadata.name must be a valid name" in run("create", "Not_A_Name", *words())[2]
    path = tmp_path / "it.yaml"
    path.write_text("kept")
    code, _, err = run("create", "detector", *words(), "--output", path)
    assert (code, path.read_text()) == (1, "kept")
    assert "exists" in err
