"""Layers against the limits of registries: which files a COPY copies, what is refused, what causes a warning."""

import os

import msgspec
import pytest

from inference_image_build.append.step import append
from inference_image_build.dockerfile import parse as dockerfile
from inference_image_build.dockerfile.copied_files import File, copied
from inference_image_build.dockerfile.parse import read
from inference_image_build.images.layer_limit import (
    BaseLayer,
    check_base,
    check_copied,
    check_pushed,
    graph_file,
    source_file,
    strictest,
)
from inference_image_build.registry.copy import Descriptor
from inference_image_build.registry.references import parse
from inference_image_build.steps.report import report
from inference_image_build.steps.resolve import resolve
from inference_image_contract import inputs
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from tests.support.exports import content_tag, export, record

CONTEXT = ("Dockerfile", "code/infer.py", "code/checkpoint_dir/graph.pb", "conf/a.conf", "b.conf")


def brought(text: str, **build_args: str) -> list[str]:
    """The files of each COPY and ADD."""
    instructions = read(text.encode(), "Dockerfile")
    found = copied(instructions, [File(path, 1, 1) for path in CONTEXT], build_args)
    return [" ".join(file.path for file in files) for _, files in found]


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("ADD . /ai/", " ".join(CONTEXT)),
        ("COPY ./ /ai/", " ".join(CONTEXT)),
        ("ADD ./code/ /ai/", "code/infer.py code/checkpoint_dir/graph.pb"),
        ("COPY /code/checkpoint_dir /ai/", "code/checkpoint_dir/graph.pb"),
        ("COPY cod /ai/", ""),
        ("COPY *.conf /ai/", "b.conf"),
        ("COPY co* /ai/", "code/infer.py code/checkpoint_dir/graph.pb conf/a.conf"),
        ('COPY ["b.conf", "conf", "/ai/"]', "conf/a.conf b.conf"),
        ("ARG D=code\nCOPY ${D}/infer.py /ai/", "code/infer.py"),
        ("ENV D=conf\nCOPY $D /ai/", "conf/a.conf"),
        ("COPY $OF_THE_BASE/ /ai/", ""),
        ("ARG D\nCOPY $D/ /ai/", ""),
        ("ADD https://h.example/a /ai/", ""),
        ("COPY --from=h.example/a:1 / /ai/", ""),
        ("COPY ../x /ai/", ""),
        ("COPY [a /ai/", ""),
        ("COPY <<EOF /ai/x\nhello\nEOF", ""),
    ],
)
def test_files_of_an_instruction(line, files):
    assert brought(f"FROM h.example/a:1\n{line}\n") == [files]


def test_a_build_argument_names_a_source():
    assert brought("ARG D=conf\nFROM scratch\nARG D\nCOPY $D /ai/\n") == ["conf/a.conf"]
    assert brought("FROM scratch\nARG D=conf\nCOPY $D /ai/\n", D="code/checkpoint_dir") == [
        "code/checkpoint_dir/graph.pb"
    ]


def test_build_stages_outside_the_image_do_not_count():
    text = "FROM a AS one\nCOPY code /a/\nFROM b AS two\nCOPY conf /b/\nFROM two\nCOPY b.conf /c/\n"
    assert brought(text) == ["conf/a.conf", "b.conf"]


@pytest.mark.parametrize(
    ("path", "dense"),
    [("a.pb", True), ("m.ckpt.data-00000-of-00001", True), ("A.JPG", True), ("x.tar.gz", True), ("a.py", False)],
)
def test_weights_archives_and_pictures_do_not_shrink(path, dense):
    assert source_file(path, 1000).least == (800 if dense else 0)


@pytest.mark.parametrize(
    ("size", "weights", "expected"),
    [(1000, 9, (1000, 800)), (0, 1000, (1000, 200)), (0, 2**40, (2**31, int(2**31 * 0.8)))],
)
def test_a_graph_before_and_after_its_export(size, weights, expected):
    assert graph_file("g.pb", size, weights)[1:] == expected


LIMIT = inputs.RegistryLimit(host="h.example", layer_bytes=100)


def judge(*files: File, apart: str = "") -> list[str]:
    instructions = dockerfile.read(b"FROM scratch\nADD ./ /ai/\n", "Dockerfile")
    return [warning.message for warning in check_copied(copied(instructions, files, {}), LIMIT, "Dockerfile", apart)]


@pytest.mark.parametrize(
    "files", [(), (File("a", 100, 100),), (File("a", 60, 60), File("b", 40, 0)), (File("m/w", 60, 60),)]
)
def test_a_layer_that_fits(files):
    assert judge(*files) == []


def test_a_layer_that_may_be_too_large_is_a_warning():
    (message,) = judge(File("a.csv", 90, 0), File("b.pb", 20, 20))
    assert message.startswith("Dockerfile, line 2: ADD puts up to 110 bytes into one layer")
    assert (
        "h.example accepts layers of at most 100 bytes. The largest files: a.csv (90 bytes), b.pb (20 bytes)."
        in message
    )
    assert "Split line 2 of Dockerfile" in message


@pytest.mark.parametrize(
    ("files", "remedy"),
    [
        ((File("a.pb", 60, 60), File("b.pb", 60, 60)), "Split line 2 of Dockerfile into several"),
        ((File("a.pb", 150, 120),), "Keep a.pb out of the image"),
    ],
)
def test_a_layer_that_is_too_large_is_refused(files, remedy):
    with pytest.raises(StageError, match="line 2: ADD puts") as caught:
        judge(*files)
    assert caught.value.reason == Reason.LAYER_TOO_LARGE
    assert remedy in caught.value.hint


def test_the_append_builder_puts_weights_into_separate_layers():
    files = File("a.pb", 60, 60), File("m/b.pb", 60, 60)
    assert judge(*files, apart="m") == []


# --- the stages, on a real registry ----------------------------------------------------------------------------------


def limited(where: inputs.Registry, size: int, host: str = "") -> inputs.Registry:
    limit = inputs.RegistryLimit(host=host or where.repository.partition("/")[0], layer_bytes=size)
    return msgspec.structs.replace(where, limits=(limit,))


@pytest.fixture
def run(pipeline, registry, mounts):
    """run(layer_bytes, ...) resolves the tutorial's pipeline under a limit."""

    def resolved(size: int, *, host: str = "", client=registry, **changes):
        step_input = pipeline.input(**changes)
        step_input = msgspec.structs.replace(step_input, registry=limited(step_input.registry, size, host))
        return resolve(step_input, pipeline.store, client, mounts)

    return resolved


def test_weights_in_the_source_are_refused_before_anything_is_built(run, store):
    store.write(os.urandom(5000), "uai/object-detect/code/extra.pb")
    assert run(6000).warnings == ()
    with pytest.raises(StageError) as caught:
        run(3000)
    assert caught.value.reason == Reason.LAYER_TOO_LARGE
    assert "object-detect-cpu.Dockerfile, line 3: ADD puts" in caught.value.message
    assert "code/extra.pb (5000 bytes)" in caught.value.message


def test_compressible_files_cause_a_warning(run, store):
    store.write(b"x" * 5000, "uai/object-detect/code/words.txt")
    (warning,) = run(3000).warnings
    assert warning.reason == "LayerMayBeTooLarge"
    assert "code/words.txt (5000 bytes)" in warning.message


def test_an_imported_graph_counts_with_its_size(run, pipeline, store):
    store.write(os.urandom(5000), "uai/ready/frozen.pb")
    ready = {"frozen_graph": "uai/ready/frozen.pb", "prefix": "", "pipeline_config": "", "step": None}
    with pytest.raises(StageError, match=r"checkpoint_dir/frozen_inference_graph.pb \(5000 bytes\)"):
        run(3000, **ready)


def test_a_base_layer_is_refused_if_it_must_be_pushed(run, registry_server, repository):
    """A layer of the same registry is mounted instead."""
    registry_server.push_image(f"{repository.path}-large", "1", os.urandom(4000))
    base = {"BASE": f"{repository.host}/{repository.path}-large:1"}
    (warning,) = run(3000, build_args=base).warnings
    assert "has a layer of 4000 bytes" in warning.message


def test_a_base_layer_of_another_registry_is_refused():
    where = limited(inputs.Registry(repository="h.example/a"), 3000)
    layer = BaseLayer(parse("other.example/base"), 2, Descriptor("sha256:1", 4000))
    with pytest.raises(StageError, match="base has a layer of 4000 bytes") as caught:
        list(check_base([layer], where, strictest(where)))
    assert caught.value.reason == Reason.LAYER_TOO_LARGE
    assert list(check_base([layer], limited(where, 4000), strictest(limited(where, 4000)))) == []


def test_an_existing_image_is_not_checked_by_its_files(run, registry_server, repository, store):
    store.write(os.urandom(5000), "uai/object-detect/code/extra.pb")
    first = run(0)
    graph = export(store, first)
    digest = registry_server.push_image(repository.path, content_tag(first, graph), b"small")
    assert run(3000, **record(first, graph, digest)).image is not None


def test_report_warns_of_an_accepted_layer_over_the_limit(registry, registry_server, repository, tmp_path):
    registry_server.push_image(repository.path, "content-1", os.urandom(4000))
    where = limited(inputs.Registry(repository=repository.repository), 3000)
    step_input = inputs.ReportInput(registry=where, content_tag="content-1")
    (warning,) = report(step_input, registry, tmp_path / "none").warnings
    assert warning.reason == "LayerMayBeTooLarge"
    assert "has 4000 bytes" in warning.message
    assert (
        report(msgspec.structs.replace(step_input, registry=limited(where, 4000)), registry, tmp_path / "none").warnings
        == ()
    )


def test_a_layer_over_the_limit_of_a_further_registry_is_refused():
    where = inputs.Registry(
        repository="h.example/a", additional_repositories=("other.example/a",), limits=(inputs.RegistryLimit(
            host="other.example", layer_bytes=100),)
    )  # fmt: skip
    assert strictest(where).host == "other.example"
    with pytest.raises(StageError, match=r"other\.example accepts layers of at most 100 bytes") as caught:
        list(check_pushed([Descriptor("sha256:1", 50), Descriptor("sha256:2", 101)], where))
    assert caught.value.reason == Reason.LAYER_TOO_LARGE


def test_append_refuses_a_layer_before_it_is_pushed(registry, registry_server, repository, tmp_path):
    context = tmp_path / "context"
    (context / "code").mkdir(parents=True)
    (context / "code" / "weights.pb").write_bytes(os.urandom(4000))
    (tmp_path / "Dockerfile").write_text("FROM scratch\nADD code /code/\n")
    step_input = inputs.AppendInput(
        registry=limited(inputs.Registry(repository=repository.repository), 3000),
        content_tag="content-1",
        dockerfile="Dockerfile",
        checkpoint_dir="code/checkpoint_dir",
    )
    with pytest.raises(StageError, match="ADD code /code/ makes a layer of") as caught:
        append(step_input, registry, context, tmp_path / "Dockerfile", tmp_path / "digest")
    assert caught.value.reason == Reason.LAYER_TOO_LARGE
    assert registry_server.digest(repository.path, "content-1") == ""
