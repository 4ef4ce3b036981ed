"""The Dockerfile that Kaniko gets: `tests/builders` builds such ones with the real Kaniko."""

import lzma
import tarfile

import pytest

from inference_image_build.builders import check
from inference_image_build.builders.kaniko import rewrite
from inference_image_build.builders.kaniko.copy import RefusedError
from inference_image_build.builders.sources import MissingError
from inference_image_contract.inputs import BaseSettings

BASE = BaseSettings(env=("PATH=/bin", "B=base"))


def test_arguments_before_from_have_their_values(context):
    text = 'ARG A=1\nARG B=$A-$TARGETARCH C="$NONE"\nFROM base\nARG B\n'
    assert rewritten(text, context).splitlines()[:3] == ["ARG A=1", 'ARG B="1-amd64" C=""', "FROM base"]


@pytest.fixture
def context(tmp_path):
    for name in ("a", "d/x", "d/k.key", "e.md"):
        path = tmp_path / "context" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        path.chmod(0o644)
    return tmp_path / "context"


def rewritten(text: str, context, base=BASE, **args: str) -> str:
    dockerfile = check.read(text.encode(), "Dockerfile", args, {"base": base})
    return rewrite.rewrite(dockerfile, text, args, context).dockerfile


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("COPY a /x", "COPY --chown=0:0 a /x"),
        ("  copy a /x", "COPY --chown=0:0 a /x"),
        ("COPY --chmod=755 --chown=1:2 a /x", "COPY --chmod=755 --chown=1:2 a /x"),
        ("COPY --chown=\"1:2\" \\\n --link 'a' /x", "COPY --chown=1:2 --link 'a' /x"),
        ('COPY --chmod="755" ["a", "/x"]', 'COPY --chown=0:0 --chmod=755 ["a", "/x"]'),
        ("ADD a /x", "COPY --chown=0:0 a /x"),
        ("ADD https://example.com/a /x", "ADD --chown=0:0 https://example.com/a /x"),
        ("COPY *.none /x/", ""),
        ("ARG TARGETARCH OTHER", 'ARG TARGETARCH="amd64" OTHER'),
        ("ARG TARGETARCH=arm64", "ARG TARGETARCH=arm64"),
        ("ARG TARGETOS", "ARG TARGETOS"),
        ("EXPOSE 80-81 9", "EXPOSE 80/tcp 81/tcp 9/tcp"),
        ("EXPOSE 80 53/udp", "EXPOSE 80 53/udp"),
        ("WORKDIR /a/", "WORKDIR /a"),
        ("USER ${U:-1}:${G:-2}", "USER 1:2"),
        ('MAINTAINER "me"', 'LABEL org.opencontainers.image.authors="\\"me\\""'),
        ("RUN <<EOF\nprintf '$A'\nEOF", 'RUN ["/bin/sh", "-c", "printf \'$A\'\\n"]'),
        ("ENV A=1 \\\n B=2", "ENV A=1 \\\n B=2"),
    ],
)
def test_a_line(line, made, context):
    text = f"FROM base\n{line}\nLABEL last=1\n"
    found = rewritten(text, context, TARGETOS="plan9").splitlines()
    assert len(found) == len(text.splitlines())
    assert "\n".join(found[1:-1]).rstrip("\n") == made
    assert found[-1] == "LABEL last=1"


def test_the_shell_runs_a_heredoc(context):
    found = rewritten('FROM base\nSHELL ["bash", "-ec"]\nRUN <<E\nx\nE\n', context).splitlines()
    assert found[2:] == ['RUN ["bash", "-ec", "x\\n"]', "", ""]


def test_quotes_of_a_flag_are_not_part_of_its_value(context):
    """The group that the owner gets, and the number that a stage has among those that are built."""
    text = "FROM base\nFROM base\nRUN x\nFROM base\nRUN x\nCOPY --chown=\"app\" --from='1' /a /b\n"
    assert rewritten(text, context).splitlines()[-1] == "COPY --chown=app:app --from=0 /a /b"


def test_a_volume_moves_to_the_end_with_its_value(context):
    text = "FROM base AS one\nVOLUME /of-one\nFROM base\nARG V=/v\nVOLUME $V /it\\'s\nENV V=/w\n"
    assert rewritten(text, context).splitlines() == [
        "", "", "FROM base", "ARG V=/v", "", "ENV V=/w", 'VOLUME ["/v", "/it\\\\\'s"]',
    ]  # fmt: skip


def test_stages_that_nothing_needs_are_not_built(context):
    text = "FROM base AS one\nRUN x\nFROM base AS two\nRUN y\nFROM two\nCOPY --from=1 /y /y\nCOPY --from=two /y /z\n"
    assert rewritten(text, context).splitlines() == [
        "", "", "FROM base AS two", "RUN y", "FROM two", "COPY --from=0 /y /y", "COPY --from=two /y /z",
    ]  # fmt: skip


def test_files_that_kaniko_cannot_choose_are_chosen_for_it(context):
    text = "FROM base\nCOPY --exclude=*.key d /d/\nCOPY . /all/\nCOPY a /a\n"
    found = rewritten(text, context).splitlines()
    assert found[1:] == [
        'COPY --chown=0:0 [".inference-image/line-2/0/", "/d/"]',
        'COPY --chown=0:0 [".inference-image/line-3/0/", "/all/"]',
        "COPY --chown=0:0 a /a",
    ]
    assert names(context / ".inference-image/line-2/0") == ["x"]
    assert names(context / ".inference-image/line-3/0") == ["a", "d/k.key", "d/x", "e.md"]
    assert (context / ".inference-image/line-2/0/x").samefile(context / "d/x")
    assert (context / ".inference-image/line-2").stat().st_mtime == 0


@pytest.mark.parametrize(
    ("lines", "made", "ignored"),
    [
        ("COPY d /x/", "COPY --chown=0:0 d /x/", "d\n!d/**\n"),
        ("COPY . /x/", "COPY --chown=0:0 . /x/", ".\n"),
        ("COPY a /x/", "COPY --chown=0:0 a /x/", ""),
        (
            "COPY d /x/\nCOPY . /y/",
            (
                'COPY --chown=0:0 [".inference-image/line-2/0/", "/x/"]\n'
                'COPY --chown=0:0 [".inference-image/line-3/0/", "/y/"]'
            ),
            (
                ".inference-image/line-2/0\n!.inference-image/line-2/0/**\n"
                ".inference-image/line-3/0\n!.inference-image/line-3/0/**\n"
            ),
        ),
    ],
)
def test_a_folder_that_the_image_has_is_left_alone(lines, made, ignored, context):
    text = f"FROM base\n{lines}\n"
    dockerfile = check.read(text.encode(), "Dockerfile", {}, {"base": BASE})
    found = rewrite.rewrite(dockerfile, text, {}, context)
    assert found == (f"FROM base\n{made}\n", ignored)


def test_letters_of_a_mode_are_applied_to_copies_of_the_files(context):
    found = rewritten("FROM base\nCOPY --chmod=u+x,go= a /x/\n", context).splitlines()
    assert found[1] == 'COPY --chown=0:0 [".inference-image/line-2/0/a", "/x/"]'
    assert oct((context / ".inference-image/line-2/0/a").stat().st_mode)[-3:] == "700"
    assert oct((context / "a").stat().st_mode)[-3:] == "644"


def test_a_heredoc_is_a_file_of_the_context(context):
    text = 'FROM base\nARG V=1\nCOPY <<A.json e.md /x/\n{"v": "$V$B"}\nA.json\n'
    found = rewritten(text, context).splitlines()
    assert found[2] == (
        'COPY --chown=0:0 [".inference-image/line-3/0/e.md", ".inference-image/line-3/1/A.json", "/x/"]'
    )
    assert (context / ".inference-image/line-3/1/A.json").read_text() == '{"v": "1base"}\n'


def test_a_script_of_its_own_is_a_program_in_the_context(context):
    found = rewritten("FROM base\nRUN <<GO\n#!/bin/x\ny\nGO\nCOPY . /all/\n", context).splitlines()
    (script,) = (context / ".inference-image/run").rglob("GO")
    assert found[1] == f'RUN ["/bin/sh", "-c", "/inference-image/context/{script.relative_to(context)}"]'
    assert script.read_text() == "#!/bin/x\ny\n"
    assert oct(script.stat().st_mode)[-3:] == "755"
    assert found[5] == 'COPY --chown=0:0 [".inference-image/line-6/0/", "/all/"]'


def test_a_bound_file_is_part_of_the_command_line_because_the_cache_goes_by_it(context):
    text = "FROM base\nRUN --mount=type=bind,source=d,target=/x cat /x/x\n"
    first = rewritten(text, context)
    assert first == rewritten(text, context)
    (context / "d/x").write_text("changed")
    assert rewritten(text, context) != first
    with pytest.raises(MissingError):
        rewritten(text.replace("source=d", "source=none"), context)


def test_an_archive_that_kaniko_cannot_open_is_opened_for_it(context):
    with tarfile.open(context / "d.tar", "w") as archive:
        archive.add(context / "a", "a")
    (context / "d.tar.xz").write_bytes(lzma.compress((context / "d.tar").read_bytes()))
    found = rewritten("FROM base\nADD d.tar.xz /x/\n", context).splitlines()
    assert found[1] == 'ADD --chown=0:0 [".inference-image/line-2/archives/d.tar.xz.tar", "/x/"]'
    assert (context / ".inference-image/line-2/archives/d.tar.xz.tar").read_bytes() == (context / "d.tar").read_bytes()


@pytest.mark.parametrize(("line", "feature"), [
    ("ADD z /x/", "ADD of an archive (zstd)"), ("ADD --chown=1:1 t /x/", "ADD of an archive with --chown"),
])  # fmt: skip
def test_what_only_the_content_shows_is_refused(line, feature, context):
    (context / "z").write_bytes(b"\x28\xb5\x2f\xfd")
    with tarfile.open(context / "t", "w") as archive:
        archive.add(context / "a", "a")
    with pytest.raises(RefusedError) as caught:
        rewritten(f"FROM base\n{line}\n", context)
    assert (caught.value.use.feature, caught.value.use.line) == (feature, 2)


@pytest.mark.parametrize(("line", "error"), [
    ("COPY none /x", MissingError), ("COPY --parents d/none /x", MissingError), ("COPY ../a /x", ValueError),
])  # fmt: skip
def test_a_source_that_does_not_exist(line, error, context):
    with pytest.raises(error):
        rewritten(f"FROM base\n{line}\n", context)


def names(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
