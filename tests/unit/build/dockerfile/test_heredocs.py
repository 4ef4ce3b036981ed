"""The heredocs of COPY and RUN."""

import pytest

from inference_image_build.dockerfile import heredocs, parse


def instruction(text: str):
    return parse.read(f"FROM base\n{text}\n".encode(), "Dockerfile")[1]


def test_copy_writes_a_file_for_each_heredoc():
    found = list(heredocs.documents(instruction("COPY <<A.txt b <<-'C' /x/\n$V\nA.txt\n\t$W\n\tC")))
    assert [tuple(one) for one in found] == [("A.txt", "$V\n", True), ("C", "$W\n", False)]


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("RUN echo <x", None),
        ("RUN <<EOF\na\nb\nEOF", ("a\nb\n", "")),
        ("RUN <<-EOF\n\ta\n\tEOF", ("a\n", "")),
        ("RUN <<'EOF'\n#!/bin/x\na\nEOF", ("#!/bin/x\na\n", "EOF")),
        ("RUN python3 <<EOF > /x\na\nEOF", ("python3 <<EOF > /x\na\nEOF", "")),
        ("RUN cat <<A && cat <<-B\n1\nA\n\t2\n\tB", ("cat <<A && cat <<-B\n1\nA\n\t2\nB", "")),
    ],
)
def test_what_a_run_with_heredocs_executes(text, script):
    assert heredocs.script(instruction(text)) == script
