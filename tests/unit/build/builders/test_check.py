"""What a builder does not do right is refused with the line, the flag, and a builder that does it."""

import pytest

from inference_image_build.builders import check
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import BaseSettings
from inference_image_contract.reasons import ExitCode, Reason


def refused(lines: str, builder: str, base: BaseSettings | None = None, allowed=(), head: str = "") -> StageError:
    text = f"{head}FROM base\n{lines}\n".encode()
    dockerfile = check.read(text, "docker/Dockerfile", {}, {"base": base or BaseSettings()})
    with pytest.raises(StageError) as caught:
        check.check(dockerfile, builder, "docker/Dockerfile", allowed)
    assert caught.value.reason == Reason.BUILDER_UNSUPPORTED
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    return caught.value


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("RUN --mount=type=bind,target=/c pip install x", "RUN --mount=type=bind of the whole context"),
        ("RUN --mount=from=base,target=/c pip install x", "RUN --mount=type=bind,from=STAGE"),
        ("RUN --mount=type=ssh pip install x", "RUN --mount=type=ssh"),
        ("RUN --mount=id=t,type=Secret cat", "RUN --mount=type=secret"),
        ("RUN --network=none x", "RUN --network=none"),
        ("RUN --security=insecure x", "RUN --security=insecure"),
        ("RUN --device=d x", "RUN --device"),
        ("COPY --from=base --exclude=*.md /a /x/", "COPY --exclude"),
        ("ADD --checksum=sha256:1 https://example.com/a /x", "ADD --checksum"),
        ("ADD https://example.com/a.git#main /x", "ADD of a Git repository"),
        ("ADD git@example.com:a.git /x", "ADD of a Git repository"),
        ("ADD --chown=1 a.tgz /x/", "ADD of the archive a.tgz"),
        ("HEALTHCHECK --start-interval=1s CMD x", "HEALTHCHECK --start-interval"),
        ("EXPOSE 9/sctp", "EXPOSE 9/sctp"),
        ("FROM --platform=linux/arm64 other", "FROM --platform=linux/arm64"),
    ],
)
def test_what_kaniko_does_not_do_right(line, what):
    error = refused(f"EXPOSE 80\n{line}", "Kaniko")
    assert error.message == f"The Dockerfile docker/Dockerfile, line 3: Kaniko does not support {what}."
    assert f"emove {what} from line 3 of docker/Dockerfile." in error.hint


def test_an_owner_without_a_group_is_refused_where_no_run_can_check_it():
    error = refused("COPY --chown=app a /x/", "Kaniko")
    assert error.message == "The Dockerfile docker/Dockerfile, line 2: Kaniko does not support COPY --chown=app."
    assert error.hint == "Write --chown=NAME:GROUP in line 2 of docker/Dockerfile."
    for lines in ("ADD --chown=:app a /x/", "FROM base\nRUN x\nFROM base\nCOPY --chown=app --from=1 a /x/"):
        assert refused(lines, "Kaniko").hint.startswith("Write --chown=NAME:GROUP in line ")


@pytest.mark.parametrize(
    "text",
    [
        "FROM base\nCOPY --chown=app a /x/\nRUN x\n",
        "FROM base AS one\nRUN x\nFROM one\nADD --chown=app: a /x/\n",
        "FROM base\nUSER 1000\nRUN x\n",
        "FROM base\nUSER app:www-data\nRUN x\n",
    ],
)
def test_what_a_check_within_the_build_decides_about(text):
    dockerfile = check.read(text.encode(), "Dockerfile", {}, {})
    check.check(dockerfile, "Kaniko", "Dockerfile")
    assert check.able(dockerfile) == ("Kaniko",)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("RUN pip install x", "RUN"),
        ("COPY --from=other /a /b", "COPY --from"),
        ("COPY a /bin/b", "COPY to /bin/b, which may be a link of the base image"),
        ("COPY --chown=app:app a /x/", "COPY --chown=app:app"),
        ("ADD https://example.com/a.txt /x", "ADD of a URL"),
        ("ADD x*.tar.gz /x", "ADD of the archive x*.tar.gz"),
    ],
)
def test_what_append_does_not_do(line, what):
    error = refused(f"EXPOSE 80\n{line}", "Append")
    assert error.message == f"The Dockerfile docker/Dockerfile, line 3: Append does not support {what}."
    assert error.hint == f"Set spec.build.builder to Kaniko, or remove {what} from line 3 of docker/Dockerfile."


def test_only_the_stages_that_the_last_one_needs_count():
    text = b"FROM base AS test\nRUN --mount=type=ssh x\nFROM base\nCOPY a /x/\n"
    for builder in ("Kaniko", "Append"):
        check.check(check.read(text, "Dockerfile", {}, {}), builder, "Dockerfile")
    for line in (
        b"FROM test\n",
        b"FROM base\nCOPY --from=test /a /x/\n",
        b"FROM base\nRUN --mount=from=test,target=/x x\n",
    ):
        dockerfile = check.read(text + line, "Dockerfile", {}, {})
        with pytest.raises(StageError, match=r"Kaniko does not support RUN --mount") as caught:
            check.check(dockerfile, "Kaniko", "Dockerfile")
        assert ("line 2" in caught.value.message) is (line != b"FROM base\n")


def test_a_second_stage_that_is_needed_is_too_much_for_append():
    error = refused("COPY a /a\nFROM base\nCOPY --from=0 /a /a", "Append")
    assert "line 3: Append does not support a second FROM; line 4: COPY --from." in error.message


def test_a_builder_is_named_only_if_it_does_all_of_the_dockerfile():
    line = "HEALTHCHECK --start-interval=1s CMD x"
    assert refused(line, "Kaniko").hint.startswith("Set spec.build.builder to Append, or remove ")
    assert refused(f"{line}\nRUN x", "Kaniko").hint.startswith("Remove ")
    assert refused(line, "Kaniko", allowed=("Kaniko",)).hint.startswith("Remove ")


def test_further_lines_are_named_too():
    error = refused("\n".join(f"RUN --mount=type=ssh,target=/c{number} x" for number in range(5)), "Kaniko")
    assert "line 2: Kaniko" in error.message
    assert "; line 3: RUN --mount=type=ssh; line 4: RUN --mount=type=ssh; 2 more." in error.message


@pytest.mark.parametrize(
    ("base", "lines", "what"),
    [
        (BaseSettings(on_build=("COPY . /app",)), "", "COPY in an ONBUILD of the base image"),
        (BaseSettings(on_build=("RUN --mount=type=ssh x",)), "", "RUN --mount=type=ssh in an ONBUILD"),
        (BaseSettings(env=("V=1",)), "ARG V=2", "ARG V after ENV V"),
    ],
)
def test_what_the_base_image_decides_about(base, lines, what):
    assert what in refused(lines, "Kaniko", base).message


def test_another_language_and_another_escape_character():
    assert "line 1: Kaniko does not support # syntax=x/y" in refused("", "Kaniko", head="# syntax=x/y\n").message
    head = "# escape=`\n"
    assert "escapes in words" in refused("ENV A=a\\b", "Kaniko", head=head).message


@pytest.mark.parametrize("builder", ["Kaniko", "Append"])
def test_what_both_do(builder):
    text = """# syntax=docker/dockerfile:1.9
ARG V=1
FROM --platform=$TARGETPLATFORM base
ARG A=1 TARGETARCH
ENV A2=1
LABEL a=1
EXPOSE 80-81
VOLUME /x
USER ${U:-1}
WORKDIR /x
COPY --chown=1:1 --chmod=u+x --link a /x/
COPY --exclude=*.md --parents b/ /x/
COPY <<EOF /x/y
hi
EOF
ADD --unpack=false b.tar /x/
SHELL ["sh"]
STOPSIGNAL 9
MAINTAINER me
ONBUILD RUN x
HEALTHCHECK --interval=1s NONE
ENTRYPOINT ["a"]
CMD ["b"]
"""
    check.check(check.read(text.encode(), "Dockerfile", {}, {}), builder, "Dockerfile")


@pytest.mark.parametrize(
    ("line", "clause"),
    [
        ("RUN --mont=type=cache x", "RUN has no flag --mont"),
        ("RUN --mount=type=cash x", "not 'cash'"),
        ("RUN --mount=typ=cache x", "no field 'typ'"),
        ("RUN --mount=target x", "has no value"),
        ("RUN --mount=type=cache,id=x x", "needs a target"),
        ("RUN --mount=type=tmpfs,target=/ x", "needs a target"),
        ("RUN --security=none x", "not 'none'"),
        ("COPY --chmod=u=q a /x", "--chmod takes an octal number"),
        ("COPY https://example.com/a /x", "ADD downloads"),
        ("EXPOSE http", "EXPOSE takes a port"),
        ("COPY ${A!x} /x", "a substitution that Dockerfiles do not support"),
    ],
)
def test_what_buildkit_refuses_is_invalid(line, clause):
    with pytest.raises(StageError) as caught:
        check.read(f"FROM base\n{line}\n".encode(), "Dockerfile", {}, {})
    assert caught.value.reason == Reason.DOCKERFILE_INVALID
    assert "line 2: " in caught.value.message
    assert clause in caught.value.message


@pytest.mark.parametrize("word", ["SIGKILLL", "0", "$NAME", "RTMAX+"])
def test_a_signal_that_is_none_is_found_before_the_build(word):
    text = f"FROM base\nARG NAME=TREM\nSTOPSIGNAL {word}\n".encode()
    with pytest.raises(StageError, match=r"line 3: STOPSIGNAL takes a signal such as SIGTERM, not") as caught:
        check.read(text, "Dockerfile", {}, {"base": BaseSettings()})
    assert caught.value.reason == Reason.DOCKERFILE_INVALID


@pytest.mark.parametrize("word", ["SIGTERM", "int", "9", "RTMIN+3", "SIGRTMAX-14", "$UNKNOWN"])
def test_signals(word):
    check.read(f"FROM base\nSTOPSIGNAL {word}\n".encode(), "Dockerfile", {}, {})


@pytest.mark.parametrize(
    ("text", "args", "line"),
    [
        ("ARG V=1\nFROM base AS a\nARG V=2\nFROM base\nCOPY --from=a /x /\nARG V\nRUN echo $V\n", {}, 7),
        ("FROM base AS a\nARG V=1\nFROM base\nCOPY --from=a /x /\nARG V\nENV W=${V}\n", {}, 6),
        ("FROM base AS a\nARG V=1\nFROM base\nCOPY --from=a /x /\nARG W=$V\n", {"V": "3"}, 5),
        ("FROM base AS a\nARG V=1\nFROM base AS b\nARG V=2\nFROM a\nCOPY --from=b /x /\nRUN $V\n", {}, 7),
    ],
)
def test_kaniko_keeps_the_value_of_another_stage(text, args, line):
    dockerfile = check.read(text.encode(), "Dockerfile", args, {"base": BaseSettings()})
    with pytest.raises(StageError, match=rf"line {line}: Kaniko does not support \$V in") as caught:
        check.check(dockerfile, "Kaniko", "Dockerfile")
    assert caught.value.hint == f"Use a name that no other build stage has in line {line} of Dockerfile."


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("ARG V=1\nFROM base AS a\nARG V\nRUN $V\nFROM base\nCOPY --from=a /x /\nARG V\nRUN $V\n", {}),
        ("FROM base AS a\nARG V=1\nFROM base\nCOPY --from=a /x /\nARG V\nRUN $V\n", {"V": "3"}),
        ("FROM base AS a\nARG V=1\nFROM base\nCOPY --from=a /x /\nARG V=2\nRUN $V\n", {}),
        ("FROM base AS a\nARG V=1\nFROM base\nCOPY --from=a /x /\nENV V=2\nRUN $V\n", {}),
        ("FROM base AS a\nARG V=1\nFROM a\nRUN $V\n", {}),
        ("FROM unknown AS a\nARG V=$OF_THE_BASE\nFROM a\nRUN $V\n", {}),
        ("FROM base AS a\nARG TARGETOS\nFROM base\nCOPY --from=a /x /\nARG TARGETOS\nRUN $TARGETOS\n", {}),
    ],
)
def test_variables_that_kaniko_has_right(text, args):
    dockerfile = check.read(text.encode(), "Dockerfile", args, {"base": BaseSettings()})
    check.check(dockerfile, "Kaniko", "Dockerfile")
