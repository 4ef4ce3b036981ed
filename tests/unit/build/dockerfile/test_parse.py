"""Dockerfiles: what is refused before Kaniko reads it, which images are pulled, and how they are pinned.

The verdicts of REFUSED and ACCEPTED were compared with those of BuildKit's own packages, in the version Kaniko has.
"""

import pytest

from inference_image_build.dockerfile.parse import MAX_BYTES, images, pin, read
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

D1, D2 = "sha256:" + "1" * 64, "sha256:" + "2" * 64

ACCEPTED = [
    "FROM a", "from a as b", "FROM --platform=linux/amd64 a AS b_1.c-d", "ARG A\nFROM $A:1", "# syntax=x\nFROM a",
    "# escape=`\nFROM a\nRUN x `\n y", "FROM a\r\nRUN x\r\n", "\ufeffFROM a", "FROM a\nCOPY a b",
    'FROM a\nCOPY ["a", "b"]', "FROM a\nCOPY --from=b --link --chown=1:1 --chmod=755 --exclude=x --exclude=y c d",
    "FROM a\nCOPY <<EOF <<EOG /b\nFROM x\nEOF\ny\nEOG", "FROM a\nADD --checksum=sha256:x --unpack=true a b",
    "FROM a\nENV A 1", "FROM a\nENV A=1 B=2", "FROM a\nLABEL a b c", "FROM a\nWORKDIR /a b", "FROM a\nCMD",
    "FROM a\nRUN", "FROM a\nRUN --mount=type=cache,target=/x --mount=from=i,target=/y z",
    "FROM a\nRUN <<EOF\nx\nEOF", "FROM a\nRUN a \\\n# comment\n\n b", "FROM a\nHEALTHCHECK none",
    "FROM a\nHEALTHCHECK --interval=.5s --timeout=1.m CMD x",
    "FROM a\nHEALTHCHECK --interval=1m30s --retries=3 CMD x", "FROM a\nONBUILD RUN x", "FROM a\nMAINTAINER a b",
    "FROM a\nEXPOSE 80 \\\n 81", 'FROM a\nVOLUME ["a"]', "FROM a\nSTOPSIGNAL 9", "FROM a\nUSER a",
    "FROM a\nCOPY [a-z]'x' b", "FROM a\nCMD [ 'a' = 'a' ] && b",
]  # fmt: skip

REFUSED = {
    "": (0, "no instruction"),
    "# nothing": (0, "no instruction"),
    "ARG A": (0, "it has no FROM"),
    "RUN x\nFROM a": (1, "before the first FROM"),
    "FORM a": (1, "unknown instruction FORM (did you mean FROM?)"),
    "FROM a\n\n\nRUNN x": (4, "unknown instruction RUNN (did you mean RUN?)"),
    "FROM a\nWHATEVER": (2, "unknown instruction WHATEVER"),
    "FROM": (1, "FROM takes"),
    "FROM a b": (1, "FROM takes"),
    "FROM a IS b": (1, "FROM takes"),
    "FROM a AS 1b": (1, "not a valid name for a build stage"),
    "FROM a AS B\nFROM c\nFROM d AS b": (3, "the build stage of line 1 is named b, too"),
    "FROM --bogus=1 a": (1, "FROM has no flag --bogus"),
    "FROM --platform a": (1, "--platform has no value"),
    "FROM --platform=a --platform=b a": (1, "--platform twice"),
    "FROM a\nCOPY a": (2, "COPY takes"),
    "FROM a\nCOPY": (2, "COPY takes"),
    'FROM a\nCOPY ["a"]': (2, "COPY takes"),
    "FROM a\nCOPY ['a', 'b']": (2, 'the list of COPY needs double quotes: ["...", "..."]'),
    "FROM a\nADD [\u201ca b\u201d, \u201cc\u201d]": (2, "the list of ADD needs double quotes"),
    "FROM a\nVOLUME [ '/a' ]": (2, "the list of VOLUME needs double quotes"),
    "FROM a\nCOPY --from= a b": (2, "--from has no value"),
    "FROM a\nADD --from=x a b": (2, "ADD has no flag --from"),
    "FROM a\nCOPY --link=maybe a b": (2, "--link takes true or false"),
    "FROM a\nCOPY a <<EOF\nx\nEOF": (2, "heredoc as its destination"),
    "FROM a\nRUN x\nENV A": (3, "ENV must have two arguments"),
    "FROM a\nENV": (2, "ENV takes at least one"),
    "FROM a\nENV =1": (2, "ENV has a blank name"),
    "FROM a\nLABEL a\nRUN x": (2, "LABEL must have two arguments"),
    "FROM a\nWORKDIR": (2, "WORKDIR takes exactly one"),
    "FROM a\nUSER": (2, "USER takes exactly one"),
    "FROM a\nSTOPSIGNAL": (2, "STOPSIGNAL takes exactly one"),
    "FROM a\nMAINTAINER": (2, "MAINTAINER takes exactly one"),
    "FROM a\nEXPOSE": (2, "EXPOSE takes at least one"),
    "FROM a\nVOLUME": (2, "VOLUME takes at least one"),
    'FROM a\nVOLUME [""]': (2, "VOLUME has an empty path"),
    "FROM a\nSHELL a": (2, "SHELL takes a JSON array"),
    "FROM a\nSHELL": (2, "SHELL takes at least one"),
    "FROM a\nSHELL []": (2, "SHELL takes at least one"),
    "FROM a\nCMD --x a": (2, "CMD has no flag --x"),
    'FROM a\nCMD ["a", 1]': (2, "JSON array"),
    "FROM a\nRUN <<EOF\nx": (2, "unterminated heredoc"),
    "FROM a\nRUN --network=moon x": (2, "--network takes"),
    "FROM a\nHEALTHCHECK": (2, "HEALTHCHECK takes"),
    "FROM a\nHEALTHCHECK NONE x": (2, "NONE takes nothing else"),
    "FROM a\nHEALTHCHECK CMD": (2, "no command"),
    "FROM a\nHEALTHCHECK CURL x": (2, "CMD or NONE"),
    "FROM a\nHEALTHCHECK --interval=x CMD y": (2, "--interval takes a duration"),
    "FROM a\nHEALTHCHECK --retries=-1 CMD y": (2, "--retries takes a number"),
    "FROM a\nONBUILD": (2, "ONBUILD takes an instruction"),
    "FROM a\nONBUILD FROM b": (2, "cannot trigger FROM"),
    "FROM a\nARG": (2, "ARG takes at least one"),
    "FROM a\nARG =1": (2, "ARG has a blank name"),
    "FROM a\nENV A=1 \\\n  B=2 \\\n  C\nRUN x": (4, "name=value"),
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepts_what_kaniko_accepts(text):
    assert read(text.encode(), "Dockerfile")


@pytest.mark.parametrize("text", REFUSED)
def test_refuses_what_kaniko_refuses_and_names_the_line(text):
    line, words = REFUSED[text]
    with pytest.raises(StageError) as caught:
        read(text.encode(), "sub/my.Dockerfile")
    assert caught.value.reason == Reason.DOCKERFILE_INVALID
    assert words in caught.value.message
    assert (f"sub/my.Dockerfile, line {line}:" if line else "sub/my.Dockerfile: ") in caught.value.message
    assert "requestedAt" in caught.value.hint
    assert f"line {line}" in caught.value.hint or not line


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"FROM a\n\xff\n", "line 2: it is not UTF-8"),
        (b"FROM a\n\0", "line 2: it contains a NUL"),
        (b"#" * (MAX_BYTES + 1), "the limit is"),
    ],
)
def test_refuses_a_file_that_is_not_text(data, words):
    with pytest.raises(StageError, match=words) as caught:
        read(data, "Dockerfile")
    assert caught.value.reason == Reason.DOCKERFILE_INVALID


@pytest.mark.parametrize(
    ("text", "args", "expected"),
    [
        ("FROM a:1", {}, ["a:1"]),
        ("FROM scratch\nCOPY a b", {}, []),
        ("FROM a AS Build\nFROM build\nCOPY --from=BUILD c d", {}, ["a"]),
        ("FROM a AS b\nFROM c\nCOPY --from=0 e f\nCOPY --from=g.example/h:1 i j", {}, ["a", "c", "g.example/h:1"]),
        ("FROM a\nCOPY --from=other b c\nFROM d AS later", {}, ["a", "other", "d"]),
        ("ARG BASE=python:3\nFROM ${BASE}-slim", {}, ["python:3-slim"]),
        ("ARG BASE=python:3\nFROM ${BASE}-slim", {"BASE": "h.example/p:4"}, ["h.example/p:4-slim"]),
        ("ARG BASE=python:3\nFROM ${BASE}", {"BASE": ""}, ["python:3"]),
        ("ARG V=3\nARG BASE=python:$V\nFROM ${BASE}", {"V": "4"}, ["python:4"]),
        ("ARG V='3'\nFROM \"python:$V\"", {}, ["python:3"]),
        ("FROM a\nARG B=c\nRUN x", {}, ["a"]),
        ("FROM a\nRUN cat <<EOF\nFROM not-an-image\nEOF", {}, ["a"]),
    ],
)
def test_which_images_are_pulled(text, args, expected):
    assert [use.image for use in images(read(text.encode(), "D"), args, "D")] == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FROM ${MISSING}", "line 1: the image '' has"),
        ("ARG A\nFROM x:$A", "written x:$A"),
        ("FROM Upper", "malformed repository"),
        ("FROM a\nCOPY --from=$X b c", "line 2: --from takes no variables; name the image in a FROM with AS"),
        ("FROM a AS own\nCOPY --from=Own b c", "line 2: --from=Own names no build stage above its own"),
        ("FROM a\nCOPY --from=later b c\nFROM d AS later", "line 2: --from=later names no build stage above its own"),
        (f"FROM a\nFROM b\nCOPY --from={'9' * 5000} b c", "names no build stage above its own"),
        ("FROM a\nFROM b\nCOPY --from=1 b c", "line 3: --from=1 names no build stage above its own"),
        ("FROM ${A!x}", "a substitution"),
    ],
)
def test_an_invalid_reference_names_its_line(text, words):
    with pytest.raises(StageError) as caught:
        images(read(text.encode(), "D"), {}, "D")
    assert caught.value.reason == Reason.DOCKERFILE_INVALID
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a:1\nRUN x\n", f"FROM a@{D1}\nRUN x\n"),
        ("from --platform=linux/amd64 a:1 as b\nFROM b\n", f"FROM --platform=linux/amd64 a@{D1} as b\nFROM b\n"),
        ("FROM \\\n  a:1 \\\n  AS b\nRUN x", f"FROM a@{D1} AS b\n\n\nRUN x"),
        (
            "FROM scratch\nCOPY --from=h.example/c:2 \\\n d e\n",
            f"FROM scratch\nCOPY --from=h.example/c@{D2} \\\n d e\n",
        ),
        ("FROM a:1\nRUN <<EOF\nFROM a:1\nEOF\n", f"FROM a@{D1}\nRUN <<EOF\nFROM a:1\nEOF\n"),
        ("# escape=`\nFROM `\na:1\nRUN x `\n y\n", f"# escape=`\nFROM a@{D1}\n\nRUN x `\n y\n"),
        ("ARG V=1\nFROM a:${V}\n", f"ARG V=1\nFROM a@{D1}\n"),
    ],
    ids=["plain", "flag and stage", "continued", "copy", "heredoc", "escape directive", "argument"],
)
def test_pinning_replaces_only_images_and_keeps_every_line(text, expected):
    pins = {"a:1": f"a@{D1}", "h.example/c:2": f"h.example/c@{D2}"}
    pinned = pin(text.encode(), {}, pins, "D").decode()
    assert pinned == expected
    assert pinned.count("\n") == text.count("\n")
    assert [use.image for use in images(read(pinned.encode(), "D"), {}, "D")] == list(
        dict.fromkeys(pins[use.image] for use in images(read(text.encode(), "D"), {}, "D"))
    )


def test_an_unpinned_image_is_source_changed():
    with pytest.raises(StageError) as caught:
        pin(b"FROM b\n", {}, {"a": f"a@{D1}"}, "D")
    assert caught.value.reason == Reason.SOURCE_CHANGED
