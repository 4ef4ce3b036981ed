"""Every kind of source, resolved and assembled: equal files give the same image, and changes are noticed."""

import hashlib
import io
import json
import tarfile

import msgspec
import pytest

from inference_image_build.append.step import append
from inference_image_build.registry.copy import Descriptor
from inference_image_build.source import archive
from inference_image_build.steps.assemble import assemble
from inference_image_build.steps.resolve import resolve
from inference_image_contract import inputs
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from tests.support.archives import tar_gz, zipped

GRAPH = "uai/object-export-output/f/frozen_inference_graph.pb"
ONNX = "uai/object-export-output/f/model.onnx"
SOURCE = "uai/object-detect/"
ARCHIVE = "uai/code.tar.gz"


@pytest.fixture
def files(pipeline, repository) -> dict[str, bytes]:
    return {
        "Dockerfile": f"FROM {repository.repository}-base:1\nCOPY . /ai/\n".encode(),
        "code/infer.py": b"print()\n",
        "object-detect.conf": b"{}",
    }


@pytest.fixture
def run(pipeline, registry, mounts):
    """run(**changes) -> the result and its input lock; the source is the archive unless the changes name another."""

    def resolved(**changes):
        step_input = pipeline.input(
            **{"source_prefix": "", "source_archive": ARCHIVE, "dockerfile": "Dockerfile"} | changes
        )
        result = resolve(step_input, pipeline.store, registry, mounts)
        data = pipeline.store.read(result.input_lock.key, max_bytes=10**6)
        return result, msgspec.json.decode(data, type=inputs.InputLock)

    return resolved


@pytest.fixture
def build(pipeline, location, mounts, tmp_path):
    """build(result, ...) -> the context and the Dockerfile; `onnx` is the exported ONNX model."""

    def exported(key, data):
        pipeline.store.write(data, key)
        return {"key": key, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}

    def assembled(result, onnx=b"", **changes):
        model = inputs.OnnxModel(**exported(ONNX, onnx), greatest_difference="1.0e-07") if onnx else None
        step_input = inputs.AssembleInput(
            ufile=location,
            input_lock=result.input_lock,
            graph=inputs.Graph(**exported(GRAPH, b"graph"), onnx=model),
            checkpoint_dir="code/checkpoint_dir",
            builder="Append",
            **changes,
        )
        workspace = tmp_path / "workspace"
        workspace.mkdir(exist_ok=True)
        context = workspace / "context"
        assemble(step_input, pipeline.store, context, workspace / "Dockerfile", mounts)
        assert not any(mounts.download.iterdir()) if mounts.download.exists() else True
        found = {
            path.relative_to(context).as_posix(): path.read_bytes() for path in context.rglob("*") if path.is_file()
        }
        return found, (workspace / "Dockerfile").read_text()

    return assembled


ASSEMBLED = {"code/checkpoint_dir/frozen_inference_graph.pb", "code/checkpoint_dir/label_map.pbtxt"}


@pytest.mark.parametrize("kind", [(ARCHIVE, tar_gz), ("uai/code.zip", zipped)], ids=["tar.gz", "zip"])
def test_an_archive_is_a_source(run, build, store, files, kind):
    name, pack = kind
    data = pack(files)
    store.write(data, name)
    result, input_lock = run(source_archive=name)
    assert (input_lock.archive.key, input_lock.archive.sha256) == (name, hashlib.sha256(data).hexdigest())
    context, text = build(result)
    assert {path: data for path, data in context.items() if path not in ASSEMBLED} == files
    assert set(context) >= ASSEMBLED
    assert "@sha256:" in text


def test_equal_files_in_any_archive_give_the_same_image(run, store, files):
    store.write(tar_gz(files), ARCHIVE)
    store.write(zipped(dict(reversed(files.items()))), "uai/code.zip")
    assert run()[0].inputs_hash == run(source_archive="uai/code.zip")[0].inputs_hash


def test_what_macos_and_a_top_folder_add_does_not_count(run, build, store, files):
    store.write(tar_gz(files), ARCHIVE)
    wanted = run()[0].inputs_hash
    metadata = {"__MACOSX/app/._Dockerfile": b"\0\5\x16\7", "app/._code": b"", "app/code/._infer.py": b""}
    store.write(tar_gz({f"app/{name}": data for name, data in files.items()} | metadata), ARCHIVE)
    result, input_lock = run()
    assert (result.inputs_hash, input_lock.archive.folder) == (wanted, "app")
    context, _ = build(result)
    assert {path: data for path, data in context.items() if path not in ASSEMBLED} == files


def test_ignore_rules_below_a_top_folder_apply(run, store, files):
    files |= {".dockerignore": b"notes\n", "notes": b"x"}
    store.write(zipped({f"app/{name}": data for name, data in files.items()}), "uai/code.zip")
    paths = {item.path for item in run(source_archive="uai/code.zip")[1].source}
    assert paths == {*files} - {"notes"}


def test_the_executable_bit_is_content(run, build, store, files, tmp_path):
    files |= {"run.sh": b"#!/bin/sh\n"}
    store.write(tar_gz(files), ARCHIVE)
    plain = run()[0].inputs_hash
    store.write(tar_gz(files, ["run.sh"]), ARCHIVE)
    result, input_lock = run()
    assert result.inputs_hash != plain
    assert [item.path for item in input_lock.source if item.executable] == ["run.sh"]
    build(result)
    modes = {path.name: path.stat().st_mode & 0o7777 for path in (tmp_path / "workspace/context").rglob("*")}
    assert (modes["run.sh"], modes["infer.py"], modes["label_map.pbtxt"]) == (0o755, 0o644, 0o644)


def test_a_replaced_archive_is_source_changed(run, build, store, files):
    store.write(tar_gz(files), ARCHIVE)
    result, _ = run()
    store.write(tar_gz(files | {"code/infer.py": b"other\n"}), ARCHIVE)
    with pytest.raises(StageError) as caught:
        build(result)
    assert caught.value.reason == Reason.SOURCE_CHANGED


def test_a_missing_archive_is_named(run):
    with pytest.raises(StageError, match=ARCHIVE) as caught:
        run()
    assert caught.value.reason == Reason.SOURCE_NOT_FOUND


def test_a_large_archive_is_not_downloaded(run, store, files, ufile, monkeypatch):
    store.write(tar_gz(files), ARCHIVE)
    monkeypatch.setattr(archive, "LIMITS", archive.LIMITS._replace(packed=10))
    with pytest.raises(StageError, match="the limit is 10") as caught:
        run()
    assert caught.value.reason == Reason.ARCHIVE_TOO_LARGE
    assert ("GET", f"/{ARCHIVE}") not in [tuple(entry[:2]) for entry in ufile.seen]


@pytest.fixture
def upload(store):
    """upload(files) -> the changes of the input for a UFile prefix with these files."""

    def put(files: dict[str, bytes]) -> dict[str, str]:
        for name, data in files.items():
            store.write(data, f"uai/other/{name}")
        return {"source_prefix": "uai/other/", "source_archive": ""}

    return put


# --- .dockerignore ---------------------------------------------------------------------------------------------------


def test_ignored_files_do_not_change_the_content_hash(run, build, upload, files):
    ignore = {".dockerignore": b"docs\n**/*.md\n!KEEP.md\n"}
    changes = upload(files | ignore | {"docs/a": b"1", "code/x.md": b"2", "KEEP.md": b"3"})
    result, input_lock = run(**changes)
    assert {item.path for item in input_lock.source} == {*files, ".dockerignore", "KEEP.md"}
    upload({"docs/a": b"changed", "docs/b": b"new"})
    assert run(**changes)[0].inputs_hash == result.inputs_hash
    assert "docs/a" not in build(result)[0]


def test_graph_and_dockerfile_survive_any_ignore_rule(run, build, upload, files):
    """The rules exclude everything, but the graph is added after them, and the Dockerfile is read anyway."""
    result, _ = run(**upload(files | {".dockerignore": b"*\n**/checkpoint_dir\n"}))
    context, text = build(result)
    assert set(context) == ASSEMBLED
    assert "COPY . /ai/" in text


def test_the_builder_finds_an_empty_dockerignore(run, build, upload, files, tmp_path):
    result, _ = run(**upload(files | {".dockerignore": b"**/*.pb\n"}))
    assert ".dockerignore" in build(result)[0]
    assert (tmp_path / "workspace/Dockerfile.dockerignore").read_bytes() == b""


def test_rules_of_a_dockerfile_override_the_common_rules(run, upload, files):
    own = {"Dockerfile.dockerignore": b"a\n", ".dockerignore": b"b\n", "a": b"", "b": b""}
    _, input_lock = run(**upload(files | own))
    assert {item.path for item in input_lock.source} == {*files, *own} - {"a"}


def test_an_ignored_dockerfile_changes_the_content_hash(run, upload, files):
    changes = upload(files | {".dockerignore": b"# nothing\n"})
    first = run(**changes)[0].inputs_hash
    upload({".dockerignore": b"Dockerfile\n"})
    result, input_lock = run(**changes)
    assert input_lock.dockerfile_ignored
    assert result.inputs_hash != first


# --- the Dockerfile that is made -------------------------------------------------------------------------------------


@pytest.fixture
def base(repository) -> str:
    return f"{repository.repository}-base:1"


def without_dockerfile(files) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if path != "Dockerfile"}


def test_a_generated_dockerfile_has_separate_layers(run, build, upload, files, base):
    result, input_lock = run(**upload(without_dockerfile(files)), inference_base=base)
    context, text = build(result)
    assert set(context) == {
        ".inference-image/weights/frozen_inference_graph.pb",
        ".inference-image/weights/label_map.pbtxt",
        "code/infer.py",
        "object-detect.conf",
    }
    assert [line for line in text.splitlines() if line.startswith(("FROM", "COPY", "RUN"))] == [
        f"FROM {input_lock.base_images[base]}",
        'COPY [".inference-image/weights/", "/ai/checkpoint_dir/"]',
        'COPY ["code/", "/ai/"]',
        'COPY ["object-detect.conf", "/ai/conf.json"]',
    ]


def test_a_generated_dockerfile_copies_the_onnx_model(run, build, upload, files, base):
    result, _ = run(**upload(without_dockerfile(files)), inference_base=base, formats=("ONNX",))
    context, _ = build(result, onnx=b"onnx")
    assert context[".inference-image/weights/model.onnx"] == b"onnx"


def test_an_old_model_in_the_source_is_ignored(run, store, files):
    """An old model that is packed with the code."""
    store.write(tar_gz(files), ARCHIVE)
    wanted = run(formats=("ONNX",))[0].inputs_hash
    store.write(tar_gz(files | {"code/checkpoint_dir/model.onnx": b"of yesterday"}), ARCHIVE)
    assert run(formats=("ONNX",))[0].inputs_hash == wanted
    assert run()[0].inputs_hash != wanted


WEIGHTS = {"ai/checkpoint_dir/frozen_inference_graph.pb", "ai/checkpoint_dir/label_map.pbtxt"}


@pytest.fixture
def layers(build, registry, repository, tmp_path):
    """layers(result) -> the files of each layer that the append builder adds; `layers.modes` has their modes."""

    def appended(result) -> list[set[str]]:
        build(result)
        step_input = inputs.AppendInput(
            registry=inputs.Registry(repository=repository.repository),
            content_tag="content-1",
            dockerfile="Dockerfile",
            checkpoint_dir="code/checkpoint_dir",
        )
        workspace = tmp_path / "workspace"
        append(step_input, registry, workspace / "context", workspace / "Dockerfile", workspace / "digest")
        blobs = json.loads(registry.manifest(repository, "content-1").data)["layers"][1:]
        return [names(registry.read_blob(repository, Descriptor(blob["digest"], blob["size"]))) for blob in blobs]

    def names(layer: bytes) -> set[str]:
        with tarfile.open(fileobj=io.BytesIO(layer)) as found:
            appended.modes |= {member.name: member.mode for member in found.getmembers()}
            return set(found.getnames())

    appended.modes = {}
    return appended


def test_the_append_builder_builds_a_generated_dockerfile(run, layers, upload, files, base):
    result, _ = run(**upload(without_dockerfile(files)), inference_base=base, builder="Append")
    assert layers(result) == [WEIGHTS, {"ai/infer.py"}, {"ai/conf.json"}]


def test_the_append_builder_keeps_the_executable_bit(run, layers, store, files):
    store.write(tar_gz(files | {"run.sh": b"#!/bin/sh\n"}, ["run.sh"]), ARCHIVE)
    layers(run()[0])
    assert layers.modes["ai/run.sh"] == 0o755
    assert layers.modes["ai/object-detect.conf"] == 0o644


@pytest.mark.parametrize("rules", [b"code\n", b"*\n!Dockerfile\n"])
def test_the_append_builder_does_not_apply_ignore_rules_again(run, layers, upload, files, rules):
    """The rules exclude the folder that the graph is added to afterwards, and with it the code."""
    text = files["Dockerfile"].replace(b"COPY . ", b"COPY code ")
    result, _ = run(**upload(files | {"Dockerfile": text, ".dockerignore": rules}), builder="Append")
    assert layers(result) == [WEIGHTS]


def test_the_name_of_the_inference_base_does_not_change_the_content_hash(
    run, upload, files, registry_server, repository
):
    """The same image under the name that another installation uses."""
    changes = upload(without_dockerfile(files))
    registry_server.push_image(f"{repository.path}-copy", "2", b"base layer")
    first = run(**changes, inference_base=f"{repository.repository}-base:1")[0]
    assert run(**changes, inference_base=f"{repository.repository}-copy:2")[0].inputs_hash == first.inputs_hash
    registry_server.push_image(f"{repository.path}-copy", "2", b"newer base layer")
    assert run(**changes, inference_base=f"{repository.repository}-copy:2")[0].inputs_hash != first.inputs_hash


NOT_MADE = {
    "named": ({}, {"dockerfile": "my.Dockerfile"}, "no file my.Dockerfile"),
    "no base": ({}, {"inference_base": ""}, "config.sources.inferenceBase"),
    "another Dockerfile": ({"cpu.Dockerfile": b"FROM scratch\n"}, {}, "there is cpu.Dockerfile"),
    "two configurations": ({"b.conf": b""}, {}, "there are 2"),
    "no folder": ({}, {"checkpoint_dir": "model"}, "a folder within code/"),
}


@pytest.mark.parametrize("case", NOT_MADE)
def test_says_why_no_dockerfile_can_be_generated(run, upload, files, base, case):
    more, changes, clause = NOT_MADE[case]
    with pytest.raises(StageError, match=clause) as caught:
        run(**{"inference_base": base} | upload(without_dockerfile(files) | more) | changes)
    assert caught.value.reason == Reason.DOCKERFILE_NOT_FOUND
    assert "spec.source.dockerfile" in caught.value.hint


def test_flat_code_says_where_it_must_go(run, upload, base):
    with pytest.raises(StageError, match="into a folder code/"):
        run(**upload({"infer.py": b"", "a.conf": b""}), inference_base=base)


# --- base images on another host -------------------------------------------------------------------------------------


def rewrite(prefix: str, replacement: str) -> inputs.BaseRewrite:
    return inputs.BaseRewrite(prefix=prefix, replacement=replacement)


def test_a_base_is_pulled_from_the_rewritten_host(run, build, upload, files, repository):
    """A Dockerfile with the public name, in a cluster that reaches the registry under another name."""
    public = f"FROM uhub.example.com/{repository.path}-base:1\nCOPY . /ai/\n".encode()
    changes = upload(files | {"Dockerfile": public})
    result, input_lock = run(**changes, base_rewrites=(rewrite("uhub.example.com", repository.host),))
    ((written, pulled),) = input_lock.base_images.items()
    assert written == f"uhub.example.com/{repository.path}-base:1"
    assert pulled.startswith(f"{repository.repository}-base@sha256:")
    assert f"FROM {pulled}\n" in build(result)[1]


def test_the_rewritten_host_does_not_change_the_content_hash(run, upload, files, repository, registry_server):
    public = f"FROM uhub.example.com/{repository.path}-base:1\n".encode()
    changes = upload(files | {"Dockerfile": public})
    registry_server.push_image(f"mirror/{repository.path}-base", "1", b"base layer")
    there = run(**changes, base_rewrites=(rewrite("uhub.example.com", repository.host),))[0]
    mirror = run(**changes, base_rewrites=(rewrite("uhub.example.com", f"{repository.host}/mirror"),))[0]
    assert there.inputs_hash == mirror.inputs_hash
    assert there.input_lock != mirror.input_lock


def test_the_rewritten_host_must_be_allowed(run, upload, files, repository, pipeline):
    changes = upload(files | {"Dockerfile": f"FROM uhub.example.com/{repository.path}-base:1\n".encode()})
    allowed = msgspec.structs.replace(pipeline.request.registry, allowed_hosts=("uhub.example.com",))
    with pytest.raises(StageError, match=repository.host) as caught:
        run(**changes, registry=allowed, base_rewrites=(rewrite("uhub.example.com", repository.host),))
    assert caught.value.reason == Reason.REGISTRY_NOT_ALLOWED


# --- the tutorial's own layout ---------------------------------------------------------------------------------------


def test_the_tutorials_layout_builds_unchanged(run, build, upload, repository, pipeline):
    """Its Dockerfile has one ADD for code and weights, a configuration, and no RUN; there are nine code files."""
    text = (
        f"FROM uhub.example.com/{repository.path}-base:1\n\n"
        "EXPOSE 8080\n"
        "ADD ./code/ /ai/\n"
        "ADD ./object-detect.conf  /ai/conf.json\n"
        "ENV UAI_SERVICE_CONFIG /ai/conf.json\n"
        "CMD cd /ai && gunicorn -c gunicorn.conf httpserver:app\n"
    )
    source = {f"code/part_{number}.py": b"pass\n" for number in range(9)}
    source |= {"object-detect.conf": b'{"http_server": {}}\n', "object-detect-cpu.Dockerfile": text.encode()}
    changes = upload(source | {"code/checkpoint_dir/frozen_inference_graph.pb": b"of yesterday"})
    result, _ = run(
        **changes,
        dockerfile="object-detect-cpu.Dockerfile",
        base_rewrites=(rewrite("uhub.example.com", repository.host),),
    )
    context, pinned = build(result)
    assert {path: data for path, data in context.items() if path not in ASSEMBLED} == source
    assert context["code/checkpoint_dir/frozen_inference_graph.pb"] == b"graph"
    assert pinned.splitlines()[0] == f"FROM {repository.repository}-base@{pipeline.base_digest}"
    assert pinned.splitlines()[1:] == text.splitlines()[1:]


# --- Git, end to end -------------------------------------------------------------------------------------------------


def test_a_forbidden_host_ends_resolve(run):
    git = inputs.GitSource(url="https://git.example.com/a", ref="main")
    with pytest.raises(StageError, match=r"git\.example\.com") as caught:
        run(source_archive="", source_git=git)
    assert caught.value.reason == Reason.GIT_HOST_NOT_ALLOWED
