"""What the append builder refuses, with the line and the remedy."""

import pytest

from inference_image_build.append import supported
from inference_image_build.append.plan import Options, make
from inference_image_build.dockerfile import parse
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import ExitCode, Reason


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("RUN pip install x", "RUN"),
        ("FROM other", "a second FROM"),
        ("ONBUILD RUN x", "ONBUILD"),
        ("MAINTAINER me", "MAINTAINER"),
        ("COPY --from=other /a /b", "COPY --from"),
        ("COPY --exclude=*.md . /x/", "COPY --exclude"),
        ("COPY --parents a /b/", "COPY --parents"),
        ("COPY <<EOF /x\nhi\nEOF", "COPY with a heredoc"),
        ("ADD https://example.com/a.txt /x", "ADD of a URL"),
        ("ADD git@example.com:a.git /x", "ADD of a URL"),
        ("ADD --checksum=sha256:1 a /x", "ADD --checksum"),
    ],
)
def test_unsupported_instructions_are_refused_before_the_build(line, what):
    instructions = parse.read(f"FROM base\nEXPOSE 80\n{line}\n".encode(), "docker/Dockerfile")
    with pytest.raises(StageError) as caught:
        supported.check(instructions, "docker/Dockerfile")
    assert caught.value.reason == Reason.BUILDER_UNSUPPORTED
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    assert caught.value.message.startswith("The Dockerfile docker/Dockerfile, line 3: ")
    assert caught.value.message.endswith(f"does not support {what}.")
    assert "spec.build.builder to Kaniko" in caught.value.hint


def test_from_with_a_platform_is_refused():
    instructions = parse.read(b"FROM --platform=linux/arm64 base\n", "Dockerfile")
    with pytest.raises(StageError, match="FROM --platform"):
        supported.check(instructions, "Dockerfile")


def test_every_other_instruction_is_accepted():
    text = """ARG V=1
FROM base
ARG A=1
ENV A=1
LABEL a=1
EXPOSE 80
VOLUME /x
USER 1
WORKDIR /x
COPY --chown=1:1 --chmod=755 --link a /x/
ADD b /x/
SHELL ["sh"]
STOPSIGNAL 9
HEALTHCHECK NONE
ENTRYPOINT ["a"]
CMD ["b"]
"""
    supported.check(parse.read(text.encode(), "Dockerfile"), "Dockerfile")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("ADD layer.tar.gz /x/", "archive layer.tar.gz"),
        ("ADD plain.tar /x/", "archive plain.tar"),
        ("ADD *.gz /x/", "archive layer.tar.gz"),
        ("COPY --chown=app:app a.py /x/", "--chown=app:app"),
        ("COPY --chown=4294967295 a.py /x/", "--chown=4294967295"),
        ("COPY --chmod=u+x a.py /x/", "--chmod=u[+]x"),
        ("COPY a.py /usr/local/bin", "destination /usr/local/bin"),
        ("COPY link /x/", "link, which is not a regular file"),
    ],
)
def test_what_needs_the_context_or_the_base_is_refused_too(line, what, tmp_path):
    (tmp_path / "a.py").write_text("print()")
    (tmp_path / "layer.tar.gz").write_bytes(b"\x1f\x8b rest")
    (tmp_path / "plain.tar").write_bytes(bytes(257) + b"ustar" + bytes(300))
    (tmp_path / "link").symlink_to("a.py")
    instructions = parse.read(f"FROM base\n{line}\n".encode(), "Dockerfile")
    with pytest.raises(StageError, match=what) as caught:
        make(instructions, {}, tmp_path, "Dockerfile", Options({}, {}, ""))
    assert caught.value.reason == Reason.BUILDER_UNSUPPORTED
    assert "line 2" in caught.value.message
