"""The whole Resolve step: a real registry, the UFile stand-in, the tutorial's files; each bad input with its remedy."""

import hashlib

import msgspec
import pytest

from inference_image_build.checkpoint.pin import WaitPolicy
from inference_image_build.steps.resolve import resolve
from inference_image_contract import inputs
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_contract.results import MAX_BYTES, encode
from inference_image_store import Credentials, Store, etag_of
from tests.support.exports import content_tag, export, record
from tests.support.image_tables import index

TRAIN = "uai/object-train-output/"
DOCKERFILE = "uai/object-detect/object-detect-cpu.Dockerfile"
AT_ONCE = WaitPolicy(limit=0)


@pytest.fixture
def run(pipeline, registry, mounts):
    """run(**changes of the input) -> the result."""

    def resolved(**changes):
        return resolve(pipeline.input(**changes), pipeline.store, registry, mounts, AT_ONCE)

    return resolved


def read_input_lock(store, reference) -> inputs.InputLock:
    data = store.read(reference.key, max_bytes=10**6)
    assert hashlib.sha256(data).hexdigest() == reference.sha256
    return msgspec.json.decode(data, type=inputs.InputLock)


def test_the_fixtures_files_are_stored_as_our_client_stores_them(pipeline, store):
    placed = store.head("uai/object-detect/code/infer.py")
    written = store.write(b"print()\n", "written")
    assert (placed.size, placed.etag, placed.sha256) == (written.size, written.etag, written.sha256)
    assert placed.sha256


def test_everything_that_can_move_is_pinned(run, pipeline, repository):
    result = run()
    assert (result.step, result.num_classes, result.file_count) == (800, 3, 2)
    assert [item.key.removeprefix(TRAIN) for item in result.files] == [
        "model.ckpt-800.data-00000-of-00001",
        "model.ckpt-800.index",
    ]
    assert result.files[1].etag == etag_of(index(len(b"weights")))
    assert (result.graph, result.image) == (None, None)
    manifest = read_input_lock(pipeline.store, result.input_lock)
    assert manifest.inputs_hash == result.inputs_hash
    assert result.input_lock.key.startswith(f"uai/object-export-output/resolved/{result.inputs_hash[7:]}")
    assert [item.path for item in manifest.source] == [
        "code/infer.py",
        "object-detect-cpu.Dockerfile",
        "object-detect.conf",
    ]
    base = f"{repository.repository}-base"
    assert manifest.base_images == {f"{base}:1": f"{base}@{pipeline.base_digest}"}
    assert result.base_bytes == len(b"base layer") + len(b'{"architecture":"amd64","os":"linux"}')
    assert result.context_bytes > len(b"weights")
    assert len(encode(result)) <= MAX_BYTES


def test_equal_inputs_give_the_same_result_and_write_once(run, ufile):
    first = run()
    writes = [entry for entry in ufile.seen if entry[0] == "PUT"]
    assert run() == first
    assert [entry for entry in ufile.seen if entry[0] == "PUT"] == writes


def test_a_moved_base_changes_the_content_hash_but_not_the_fingerprint(run, registry_server, repository):
    first = run()
    registry_server.push_image(f"{repository.path}-base", "1", b"newer base layer")
    second = run()
    assert second.fingerprint == first.fingerprint
    assert second.inputs_hash != first.inputs_hash


def test_an_old_graph_in_the_source_does_not_count(run, store):
    first = run()
    store.write(b"old graph", "uai/object-detect/code/checkpoint_dir/frozen_inference_graph.pb")
    assert run() == first


def test_results_of_this_object_with_the_same_content_are_found(run, store, registry_server, repository):
    first = run()
    graph = export(store, first, tensorflow="2.21.0")
    digest = registry_server.push_image(repository.path, content_tag(first, graph))
    second = run(**record(first, graph, digest))
    assert second.image is not None
    assert (second.image.digest, second.graph, second.inputs_hash) == (digest, graph, first.inputs_hash)
    assert run(**record(first, graph)).image is None, "the build of another object"
    store.delete(graph.key)
    assert run(**record(first, graph, digest)).graph is None, "a result without its graph does not count"


def test_only_a_graph_with_the_right_checksum_is_reused(run, store):
    first = run()
    graph = export(store, first)
    known = record(first, graph)
    assert run(**known).graph == graph
    for wrong in (b"{", msgspec.json.encode(msgspec.structs.replace(graph, sha256="0" * 64))):
        store.write(wrong, graph.key.replace("frozen_inference_graph.pb", "result.json"))
        assert run(**known).graph is None


def test_a_mounted_config_map_is_a_source(pipeline, registry, repository, mounts, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/object-detect-cpu.Dockerfile").write_text(f"FROM {repository.repository}-base:1\n")
    result = resolve(
        pipeline.input(source_prefix=""), pipeline.store, registry, mounts._replace(config_map=tmp_path / "source")
    )
    manifest = read_input_lock(pipeline.store, result.input_lock)
    assert [(item.path, item.key, len(item.sha256)) for item in manifest.source] == [
        ("object-detect-cpu.Dockerfile", "", 64)
    ]


def test_the_newest_step_has_the_content_of_that_step(run, store):
    wanted = run()
    assert run(step=None) == wanted
    store.write(index(3), f"{TRAIN}model.ckpt-900.index")
    store.write(b"new", f"{TRAIN}model.ckpt-900.data-00000-of-00001")
    newer = run(step=None)
    assert newer.step == 900
    assert newer.inputs_hash != wanted.inputs_hash
    assert read_input_lock(store, newer.input_lock).step == 900
    assert run(step=900) == newer


def test_a_late_training_graph_is_no_new_content(run, store):
    """`.meta` is optional and does not enter the frozen graph."""
    with_it = run(step=None)
    store.delete(f"{TRAIN}model.ckpt-800.meta")
    assert run(step=None) == with_it
    store.write(b"another training graph", f"{TRAIN}model.ckpt-800.meta")
    assert run(step=None) == with_it


def test_a_checkpoint_without_a_step_is_resolved_by_its_name(run, store):
    for part in ("index", "data-00000-of-00001"):
        store.write(store.read(f"{TRAIN}model.ckpt-800.{part}", max_bytes=9999), f"{TRAIN}model.ckpt.{part}")
    result = run(step=None, checkpoint_name="model.ckpt")
    assert (result.step, result.checkpoint_name, result.file_count) == (None, "model.ckpt", 2)
    input_lock = read_input_lock(store, result.input_lock)
    assert (input_lock.step, input_lock.checkpoint_name) == (None, "model.ckpt")
    assert run().checkpoint_name == ""


def test_the_higher_step_of_an_older_run_is_not_content(run, store):
    wanted = run()
    store.write(index(3), f"{TRAIN}model.ckpt-5000.index")
    store.write(b"old", f"{TRAIN}model.ckpt-5000.data-00000-of-00001")
    store.write(b'model_checkpoint_path: "D:\\\\work\\\\run2\\\\model.ckpt-800"\r\n', f"{TRAIN}checkpoint")
    assert run(step=None) == wanted


def test_a_key_with_signs_of_urls_is_part_of_the_source(run, store):
    store.write(b"x", "uai/object-detect/docs/notes#1.md")
    assert "docs/notes#1.md" in [item.path for item in read_input_lock(store, run().input_lock).source]


@pytest.mark.parametrize("key", [f"{TRAIN}pipeline.config", "uai/object-prep-output/label_map.pbtxt"])
def test_a_byte_order_mark_and_line_ends_of_windows_are_accepted(run, store, key):
    text = store.read(key, max_bytes=99_999).replace(b"\n", b"\r\n")
    store.write(b"\xef\xbb\xbf" + text, key)
    assert run().num_classes == 3


def test_build_arguments_choose_the_base(run, registry_server, repository, store):
    digest = registry_server.push_image(f"{repository.path}-other", "2", b"other base")
    result = run(build_args={"BASE": f"{repository.repository}-other:2"})
    assert read_input_lock(store, result.input_lock).base_images == {
        f"{repository.repository}-other:2": f"{repository.repository}-other@{digest}"
    }


def test_a_base_whose_tensorflow_is_too_old_is_refused_before_anything_is_exported(run, registry_server, repository):
    registry_server.push_image(f"{repository.path}-old", "1", env=("TENSORFLOW_VERSION=1.4.0",))
    old = f"{registry_server.host}/{repository.path}-old:1"
    with pytest.raises(StageError, match=r"object-detect-cpu\.Dockerfile, line 2, .* has TensorFlow 1\.4; .* 1\.7 or"):
        run(build_args={"BASE": old})
    run(build_args={"BASE": old}, readable_by="1.7")


def test_the_result_of_a_thousand_shards_fits(run, store):
    for shard in range(60):
        store.write(b"w", f"{TRAIN}model.ckpt-900.data-{shard:05}-of-00060")
    store.write(index(*[1] * 60), f"{TRAIN}model.ckpt-900.index")
    result = run(step=900)
    assert result.file_count == 61
    assert 0 < len(result.files) < 61
    assert len(encode(result)) <= MAX_BYTES - 38


def change(key: str, data: bytes | None):
    """A bad input: an object that is missing or has other content."""

    def apply(pipeline) -> dict:
        if data is None:
            pipeline.store.delete(key)
        else:
            pipeline.store.write(data, key)
        return {}

    return apply


def spec(**changes):
    """A bad input: a wrong spec."""
    return lambda _pipeline: changes


def source_line(text: str):
    return change(DOCKERFILE, text.encode())


def missing_base(pipeline) -> dict:
    host = pipeline.request.registry.repository.partition("/")[0]
    return source_line(f"ARG X\n\nFROM {host}/no/such:tag\n")(pipeline)


def only_other_hosts(pipeline) -> dict:
    return {"registry": msgspec.structs.replace(pipeline.request.registry, allowed_hosts=("uhub.example",))}


BAD_INPUTS = {
    "shard missing": (
        change(f"{TRAIN}model.ckpt-800.data-00000-of-00001", None),
        Reason.CHECKPOINT_INCOMPLETE,
        ["model.ckpt-800.data-00000-of-00001"],
        ["Upload", "uai.ucloud.cn/requestedAt"],
    ),
    "shard of another size": (
        change(f"{TRAIN}model.ckpt-800.data-00000-of-00001", b"half"),
        Reason.CHECKPOINT_DAMAGED,
        ["model.ckpt-800.data-00000-of-00001 has 4 bytes, but its index says 7"],
        ["Upload all files of this checkpoint again", "uai.ucloud.cn/requestedAt"],
    ),
    "label map in GBK": (
        change(
            "uai/object-prep-output/label_map.pbtxt",
            "item { id: 1\n name: '\N{CJK UNIFIED IDEOGRAPH-6807}' }".encode("gbk"),
        ),
        Reason.LABEL_MAP_INVALID,
        ["line 2, column 9", "not UTF-8"],
        ["Fix the label map"],
    ),
    "checkpoint file that is no text": (
        lambda pipeline: change(f"{TRAIN}checkpoint", b"\x80\x81")(pipeline) | {"step": None},
        Reason.CHECKPOINT_STATE_INVALID,
        [f"{TRAIN}checkpoint"],
        ["spec.model.checkpoint.step"],
    ),
    "a file in place of the checkpoint folder": (
        change("uai/object-detect/code/checkpoint_dir", b"x"),
        Reason.UNSAFE_KEY,
        ["'code/checkpoint_dir' is a file"],
        ["spec.source.checkpointDir"],
    ),
    "wrong step": (
        spec(step=7),
        Reason.CHECKPOINT_NOT_FOUND,
        ["step 7", "800, 400"],
        ["spec.model.checkpoint.step"],
    ),
    "wrong prefix": (
        spec(prefix="uai/nothing/"),
        Reason.CHECKPOINT_NOT_FOUND,
        ["uai/nothing/"],
        ["spec.model.prefix"],
    ),
    "no config": (
        change(f"{TRAIN}pipeline.config", None),
        Reason.OBJECT_NOT_FOUND,
        [f"{TRAIN}pipeline.config"],
        ["spec.model.pipelineConfig"],
    ),
    "bad config": (
        change(f"{TRAIN}pipeline.config", b"model {\n ssd {"),
        Reason.PIPELINE_CONFIG_INVALID,
        ["line 2"],
        ["uai.ucloud.cn/requestedAt"],
    ),
    "config of a newer release": (
        change(f"{TRAIN}pipeline.config", b"model {\n ssd { num_classes: 3 new_field: 1 } }"),
        Reason.PIPELINE_CONFIG_UNKNOWN_FIELD,
        [f"{TRAIN}pipeline.config, line 2, column 23:", "`new_field`"],
        ["newer release", "uai.ucloud.cn/requestedAt"],
    ),
    "model that cannot be exported": (
        change(f"{TRAIN}pipeline.config", b"model { ssd {\n feature_extractor { type: 'ssd_pnasnet' } } }"),
        Reason.MODEL_UNSUPPORTED,
        [f"{TRAIN}pipeline.config, line 2, column 22:", "`ssd_pnasnet`"],
        ["ssd_mobilenet_v1", "uai.ucloud.cn/requestedAt"],
    ),
    "no label map": (
        spec(label_map="uai/none.pbtxt"),
        Reason.OBJECT_NOT_FOUND,
        ["uai/none.pbtxt"],
        ["spec.model.labelMap"],
    ),
    "bad label map": (
        change("uai/object-prep-output/label_map.pbtxt", b"item {"),
        Reason.LABEL_MAP_INVALID,
        ["line 1"],
        ["spec.model.labelMap"],
    ),
    "other classes": (
        change("uai/object-prep-output/label_map.pbtxt", b"item { id: 1 name: 'only' }"),
        Reason.CLASS_COUNT_MISMATCH,
        [
            "line 4, says num_classes: 3",
            "id 1 in line 1",
            f"{TRAIN}pipeline.config",
            "uai/object-prep-output/label_map.pbtxt",
        ],
        ["spec.model.labelMap", "uai.ucloud.cn/requestedAt"],
    ),
    "empty source": (
        spec(source_prefix="uai/empty/"),
        Reason.SOURCE_NOT_FOUND,
        ["uai/empty/"],
        ["spec.source.ufile.prefix"],
    ),
    "no Dockerfile": (
        spec(dockerfile="Dockerfile"),
        Reason.DOCKERFILE_NOT_FOUND,
        ["no file Dockerfile", "object-detect-cpu.Dockerfile"],
        ["spec.source.dockerfile"],
    ),
    "Dockerfile syntax": (
        source_line("FROM scratch\nCOPPY a b\n"),
        Reason.DOCKERFILE_INVALID,
        ["object-detect-cpu.Dockerfile, line 2", "unknown instruction COPPY", "did you mean COPY?"],
        ["line 2", "uai.ucloud.cn/requestedAt"],
    ),
    "no base": (
        missing_base,
        Reason.BASE_IMAGE_NOT_FOUND,
        ["line 3", "no/such:tag"],
        ["line 3", "uai.ucloud.cn/requestedAt"],
    ),
    "base not allowed": (
        only_other_hosts,
        Reason.REGISTRY_NOT_ALLOWED,
        ["line 2", "localhost", "uhub.example"],
        ["allowed"],
    ),
    "no sample": (spec(sample="uai/no.png"), Reason.OBJECT_NOT_FOUND, ["uai/no.png"], ["spec.test.sample"]),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_a_bad_input_is_explained(run, pipeline, case):
    bad, reason, in_message, in_hint = BAD_INPUTS[case]
    changes = bad(pipeline)
    with pytest.raises(StageError) as caught:
        run(**changes)
    assert caught.value.reason == reason
    for words in in_message:
        assert words in caught.value.message
    for words in in_hint:
        assert words in caught.value.hint


def test_wrong_keys_are_explained(pipeline, registry, location, mounts):
    store = Store(location, Credentials("TOKEN_public_1", "wrong-private-key"), first_pause=0.01)
    with pytest.raises(StageError) as caught:
        resolve(pipeline.request, store, registry, mounts)
    assert caught.value.reason == Reason.UFILE_FORBIDDEN
    assert "spec.ufile.secretRef" in caught.value.hint
    assert "wrong-private-key" not in caught.value.message + caught.value.hint


def test_a_wrong_registry_password_is_explained(pipeline, registry_server, connect, mounts):
    client = connect(registry_server.host, registry_server.user, "wrong", ca=registry_server.tls.ca)
    with pytest.raises(StageError) as caught:
        resolve(pipeline.request, pipeline.store, client, mounts)
    assert caught.value.reason == Reason.REGISTRY_UNAUTHORIZED
    assert "spec.image.pushSecretRef" in caught.value.hint


def test_a_wrong_repository_may_not_be_pushed_to(pipeline, connect, token_registry, tls, mounts):
    """The user may read the base but not push to the target: a pull-only token."""
    pipeline.store.write(b"FROM scratch\n", DOCKERFILE)
    client = connect(token_registry.host, "puller", "secret-2", ca=tls.ca)
    step_input = pipeline.input(registry=inputs.Registry(repository=f"{token_registry.host}/demo/infer"))
    with pytest.raises(StageError) as caught:
        resolve(step_input, pipeline.store, client, mounts)
    assert caught.value.reason == Reason.REGISTRY_UNAUTHORIZED
    assert "pushing to" in caught.value.message


def _dockerfile(store, repository, *lines: str) -> None:
    store.write("\n".join((f"FROM {repository.repository}-base:1", *lines, "")).encode(), DOCKERFILE)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("RUN --mount=type=ssh true", "RUN --mount=type=ssh"),
        ("RUN --mount=type=secret,id=token,required=true test -s /run/secrets/token", "RUN --mount=type=secret"),
        ("RUN --network=none true", "RUN --network=none"),
        ("HEALTHCHECK --start-interval=2s CMD true", "HEALTHCHECK --start-interval"),
    ],
)
def test_what_kaniko_would_ignore_is_refused_before_anything_runs(run, store, repository, line, what):
    _dockerfile(store, repository, "COPY code/infer.py /ai/", line)
    with pytest.raises(StageError) as caught:
        run()
    assert caught.value.reason == Reason.BUILDER_UNSUPPORTED
    assert f"line 3: Kaniko does not support {what}." in caught.value.message


@pytest.mark.parametrize(
    "lines",
    [
        ("RUN <<EOF", "mkdir -p /ai/data", "EOF"),
        ("COPY --exclude=*.key code/ /ai/",),
        ("COPY --parents code/infer.py /ai/",),
        ("COPY --chmod=u=rwX,go=rX code/infer.py /ai/",),
        ("COPY <<EOF /ai/conf.json", "{}", "EOF"),
        ("RUN --mount=type=bind,source=requirements.txt,target=/r wc -l /r",),
        ("ADD --unpack=false data.tar.gz /ai/",),
        ("ARG TARGETARCH", "COPY bin/${TARGETARCH}/tool /ai/"),
        ("COPY none/*.md /ai/",),
    ],
)
def test_what_is_rewritten_for_kaniko_is_accepted(run, store, repository, lines):
    for path in ("requirements.txt", "data.tar.gz", "bin/amd64/tool"):
        store.write(b"content", f"uai/object-detect/{path}")
    _dockerfile(store, repository, *lines)
    assert run().inputs_hash


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("COPY code/absent.py /ai/", "COPY takes code/absent.py, which is not in the source"),
        (
            "COPY code/infer.py code/checkpoint_dir/frozen_inference_graph.pb ./Code/ /ai/",
            "COPY takes Code, which is not in the source, but code is.",
        ),
        (
            "COPY cafe\u0301.py /ai/",
            "COPY takes cafe\u0301.py, which is not in the source, but a name that looks the same",
        ),
        ("ARG P=absent\nADD ${P}.tar.gz /ai/", "ADD takes absent.tar.gz, which"),
        ("COPY --parents ./code/./absent/ /ai/", "COPY takes code/absent, which"),
        ("RUN --mount=type=bind,source=absent.txt,target=/r wc -l /r", "RUN takes absent.txt, which"),
        ("COPY ../code /ai/", "'../code' leads out of the build context"),
        ("COPY code/[a.py /ai/", "the bracket in 'code/[a.py' is empty or not closed"),
    ],
)
def test_what_the_context_lacks_is_found_before_anything_runs(run, store, repository, line, what):
    store.write(b"", "uai/object-detect/caf\u00e9.py")
    _dockerfile(store, repository, "COPY . /all", line)
    with pytest.raises(StageError) as caught:
        run()
    unread = line.startswith(("COPY ../", "COPY code/["))
    assert caught.value.reason == (Reason.DOCKERFILE_INVALID if unread else Reason.COPY_SOURCE_NOT_FOUND)
    assert f"line {3 + line.count(chr(10))}: {what}" in caught.value.message
    assert f"line {3 + line.count(chr(10))} of " in caught.value.hint


def test_an_image_that_cannot_be_pinned_is_found_before_anything_runs(run, store, repository):
    for quote in ("", "'", '"'):
        _dockerfile(store, repository, f"COPY --from={quote}{repository.repository}-base:1{quote} /a /b")
        assert run().inputs_hash
    _dockerfile(store, repository, f"COPY --from={repository.repository}\\\n-base:1 /a /b")
    with pytest.raises(StageError, match=r"line 2: --from=.* must be on one line"):
        run()


def test_what_is_ignored_and_what_nothing_needs(run, store, repository):
    store.write(b"code/infer.py\n*Dockerfile\n", "uai/object-detect/.dockerignore")
    for path in ("code/infer.py", "object-detect-cpu.Dockerfile"):
        _dockerfile(store, repository, f"COPY {path} /ai/")
        with pytest.raises(StageError, match=f"COPY takes {path}, which .dockerignore excludes") as caught:
            run()
        assert caught.value.hint.startswith("Change .dockerignore, or correct line 2 of object-detect-cpu.Dockerfile")
    unneeded = ("COPY absent /ai/", f"FROM {repository.repository}-base:1", "COPY $FROM_THE_BASE code /ai/")
    _dockerfile(store, repository, *unneeded)
    assert run().inputs_hash


def test_the_input_lock_has_the_settings_of_the_base_image(run, pipeline, repository):
    lock = read_input_lock(pipeline.store, run().input_lock)
    assert lock.base_settings == {f"{repository.repository}-base:1": inputs.BaseSettings()}


def test_from_knows_the_platform(run, pipeline, store, registry_server, repository):
    registry_server.push_image(f"{repository.path}-amd64", "1", b"layer")
    store.write(f"FROM {repository.repository}-${{TARGETARCH}}:1\n".encode(), DOCKERFILE)
    (base,) = read_input_lock(pipeline.store, run().input_lock).base_images
    assert base == f"{repository.repository}-amd64:1"
