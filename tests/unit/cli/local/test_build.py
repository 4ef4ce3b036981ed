"""`build --local` with real UFile, registry and kaniko-wrapper; the engine is a program that records its arguments."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inference_image_contract import paths
from tests.laptop.site import DOCKERFILE, PRIVATE_KEY, SECRETS, Site, site
from tests.unit.cli.local.engines import Engine


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    folder = tmp_path / "engine"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    found = Engine(folder)
    found.install()
    return found


@pytest.fixture
def build(place: Site, run) -> Callable[..., tuple[int, str, str]]:
    """build("--push", args={...}) -> exit code, output, errors; the graph is in UFile."""

    def call(*words: str, executor: str = "kaniko:test", **spec: Any) -> tuple[int, str, str]:
        manifest = place.manifest(**spec)
        place.export(manifest)
        return run(*place.flags(), "-f", manifest, *([f"--executor={executor}"] if executor else []), *words)

    return call


def test_the_image_is_an_archive(build, engine: Engine, tmp_path: Path) -> None:
    code, out, err = build()
    assert (code, out) == (0, f"{tmp_path / 'detector.tar'}\n"), err
    assert (tmp_path / "detector.tar").read_text() == "the image"
    assert "INFO[0000] said by Kaniko" in err
    assert "Nothing was pushed, and spec.image.tags were not moved." in err
    assert "The image was not tested." in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["detector.tar", "engine"]


def test_kaniko_gets_the_context_that_assemble_makes(build, engine: Engine) -> None:
    assert build()[0] == 0
    files = engine.seen["context"]
    assert files["context/code/checkpoint_dir/frozen_inference_graph.pb"].startswith("the frozen graph")
    assert files["context/code/checkpoint_dir/label_map.pbtxt"].startswith("item {")
    assert "FROM localhost:" in files["Dockerfile"]
    assert "@sha256:" in files["Dockerfile"]


def test_kaniko_gets_the_operators_arguments(build, engine: Engine, place: Site) -> None:
    assert build()[0] == 0
    told = engine.run[engine.run.index("kaniko:test") + 1 :]
    assert "--single-snapshot" not in told
    assert told.index("--snapshot-mode=redo") > told.index("--snapshot-mode=full")
    for word in (
        f"--context=dir://{paths.CONTEXT}",
        f"--dockerfile={paths.DOCKERFILE}",
        f"--digest-file={paths.DIGEST_FILE}",
        "--compressed-caching=false",
        "--use-new-run=false",
        f"--registry-certificate={place.registry.host}={paths.REGISTRY_CA}",
        f"--tar-path={paths.WORKSPACE}/image.tar",
        "--no-push",
    ):
        assert word in told
    assert [word for word in told if word.startswith("--label=uai.ucloud.cn/checkpoint-step")] == [
        "--label=uai.ucloud.cn/checkpoint-step=800"
    ]
    assert told.count(f"BASE={place.registry.host}/base:1") == 1
    (destination,) = [word for word in told if word.startswith("--destination")]
    assert destination.startswith(f"--destination={place.registry.host}/demo/detector:content-")


def test_kaniko_has_the_rights_of_its_container_and_the_ca(build, engine: Engine, place: Site) -> None:
    assert build()[0] == 0
    options = engine.run[: engine.run.index("kaniko:test")]
    assert {"--cap-drop=ALL", "--cap-add=CHOWN", "--security-opt=no-new-privileges"} <= set(options)
    assert f"--volume={place.registry.tls.ca}:{paths.REGISTRY_CA}:ro" in options
    assert "--privileged" not in options


def test_podman_runs_if_it_is_chosen(build, engine: Engine) -> None:
    engine.install("podman", act="sys.exit(0)")
    assert build("--engine=podman")[0] == 0
    assert "--network=host" in engine.run


def test_the_engine_keeps_its_home_and_kaniko_gets_only_the_login(build, engine: Engine, place: Site) -> None:
    assert build()[0] == 0
    (call,) = [call for call in engine.calls if call["words"][0] == "run"]
    assert call["env"]["HOME"] == str(Path.home())
    assert list(json.loads(engine.seen["logins"])["auths"]) == [place.registry.host]
    assert engine.seen["mode"] & 0o777 == 0o600


@pytest.mark.row(50, "canary secrets in every credential")
def test_no_secret_is_on_a_command_line_or_in_the_output(build, engine: Engine) -> None:
    _, out, err = build()
    said = out + err + json.dumps([call["words"] for call in engine.calls])
    assert not any(secret in said for secret in SECRETS)
    assert not any(PRIVATE_KEY in json.dumps(call["env"]) for call in engine.calls)


def test_kanikos_log_is_diagnosed(build, engine: Engine) -> None:
    error = 'error building image: error building stage: failed to execute command: copying: no such file "x"'
    engine.install(act=f"print({error!r}, file=sys.stderr); sys.exit(1)")
    code, out, err = build()
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("BuildFailed: ")


def test_an_engine_that_cannot_run_kaniko_is_not_kanikos_failure(build, engine: Engine) -> None:
    refused = "Error: runc: permission denied: OCI permission denied"
    engine.install(act=f"print({refused!r}, file=sys.stderr); sys.exit(126)")
    _, _, err = build()
    assert err.splitlines()[-1] == f"docker could not run Kaniko: {refused}"


def test_a_secret_in_kanikos_log_is_masked(build, engine: Engine) -> None:
    engine.install(act=f"print('error: {SECRETS[1]} is wrong', file=sys.stderr); sys.exit(1)")
    _, out, err = build()
    assert SECRETS[1] not in out + err
    assert "*** is wrong" in err


def test_a_push_is_reported_as_the_registry_serves_it(build, engine: Engine, place: Site) -> None:
    push = (
        "import hashlib, subprocess\n"
        f"    (here / 'digest').write_text({place.registry.push_image('demo/detector', 'pretended')!r})\n"
    )
    engine.install(act=push)
    code, out, err = build("--push")
    assert (code, out) == (1, "")
    assert "DigestInvalid: The registry does not serve" in err  # nothing pushed the content tag
    assert "--push" not in engine.run
    assert [word for word in engine.run if word == "--destination"] == ["--destination"]


def test_what_somebody_pushed_under_the_content_tag_is_not_believed(build, engine: Engine, place: Site) -> None:
    assert build()[0] == 0
    content = next(word for word in engine.run if word.startswith("--destination=")).rpartition(":")[2]
    digest = place.registry.push_image("demo/detector", content)
    try:
        assert build("--push")[0] == 0
        assert len([call for call in engine.calls if call["words"][0] == "run"]) == 2
    finally:
        url = f"https://{place.registry.host}/v2/demo/detector/manifests/{digest}"
        assert place.registry.session.delete(url).status_code == 202


def test_a_graph_that_is_found_in_the_bucket_is_named_as_what_it_is(build) -> None:
    _, _, err = build()
    assert "frozen_inference_graph.pb from US3. Whoever may write there may have put it there" in err


def test_a_missing_graph_says_what_to_do(run, engine: Engine, place: Site) -> None:
    manifest = place.manifest(export={"inputType": "encoded_image_string_tensor"})
    code, out, err = run(*place.flags(), "-f", manifest, "--executor=kaniko:test")
    assert (code, out) == (1, "")
    assert "tensorflow" in err.splitlines()[-1]
    assert "Apply the manifest once, so that the cluster exports it, or install the packages of the export" in err
    assert engine.calls == []


@pytest.mark.parametrize(
    ("changes", "flag", "sentence"),
    [
        (
            {},
            "--registry-ca=",
            "spec.image.caSecretRef is set, but there is no cluster to read it from: give --registry-ca.",
        ),
        ({}, "--registry-ca=/nonexistent", "/nonexistent, given with --registry-ca, does not exist."),
        ({}, "--config-map=.", "--config-map is given, but spec.source.configMap is not set"),
        ({}, "--authfile=/nonexistent", "The file /nonexistent with registry logins does not exist."),
        ({}, "--output=/nonexistent/it.tar", "The folder /nonexistent for it.tar does not exist."),
        (
            {"source": {"git": {"url": "https://git.test/a", "ref": "main", "secretRef": {"name": "git"}}}},
            "--engine=docker",
            "spec.source.git.secretRef is set, but there is no cluster to read it from: give --git-secret.",
        ),
        ({}, "--ufile-keys=/nonexistent", "/nonexistent cannot be read: No such file or directory."),
        (
            {"source": {"configMap": {"name": "c"}}},
            "--engine=docker",
            "spec.source.configMap is set, but there is no cluster to read it from",
        ),
        (
            {"model": {"prefix": "train/", "checkpoint": {"step": 7}, "labelMap": "x"}},
            "--engine=docker",
            "CheckpointNotFound: ",
        ),
    ],
    ids=str,
)
def test_what_is_missing_is_named(place: Site, run, changes: dict, flag: str, sentence: str) -> None:
    code, out, err = run(*place.flags(), "-f", place.manifest(**changes), "--executor=kaniko:test", flag)
    assert (code, out) == (1, "")
    assert sentence in err


def test_a_config_map_is_a_folder(place: Site, run, engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "config-map"
    (folder / "code").mkdir(parents=True)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "code" / "infer.py").write_text("of a ConfigMap\n")
    manifest = place.manifest(source={"configMap": {"name": "code"}})
    place.export(manifest, config_map=folder)
    flags = ("--executor=kaniko:test", f"--config-map={folder}")
    assert run(*place.flags(), "-f", manifest, *flags)[0] == 0
    assert engine.seen["context"]["context/code/infer.py"] == "of a ConfigMap\n"


def test_without_an_executor(build, engine: Engine) -> None:
    assert "No Kaniko image is set: give --executor, or --values with images.kaniko." in build(executor="")[2]


def test_without_the_engine(build, engine: Engine, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(engine.folder))
    code, _, err = build("--engine=podman")
    assert code == 1
    assert "podman is not on PATH: install it, or choose another --engine." in err
