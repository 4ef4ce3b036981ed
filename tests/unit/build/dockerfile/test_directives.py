"""The parser directives at the top of a Dockerfile."""

import pytest

from inference_image_build.dockerfile.directives import read


@pytest.mark.parametrize(
    ("text", "escape", "syntax", "line"),
    [
        ("FROM a\n", "\\", "", 0),
        ("# syntax=docker/dockerfile:1\n# escape=`\nFROM a\n", "`", "docker/dockerfile:1", 1),
        ("#!/usr/bin/env docker\n#Syntax = x/y\r\nFROM a\n", "\\", "x/y", 2),
        ("\ufeff# escape=`\n", "`", "", 0),
        ("# a comment\n# escape=`\n", "\\", "", 0),
        ("\n# escape=`\n", "\\", "", 0),
    ],
)
def test_directives_end_at_the_first_other_line(text, escape, syntax, line):
    found = read(text)
    assert (found.escape, found.syntax, found.syntax_line) == (escape, syntax, line)


@pytest.mark.parametrize(
    ("syntax", "is_dockerfile"),
    [
        ("docker/dockerfile:1", True),
        ("docker.io/docker/dockerfile:1.7-labs", True),
        ("docker/dockerfile-upstream:master", True),
        ("docker/dockerfile@sha256:00", True),
        ("tonistiigi/pack", False),
        ("registry.example/docker/dockerfile:1", False),
    ],
)
def test_another_syntax_is_another_language(syntax, is_dockerfile):
    assert read(f"# syntax={syntax}\nFROM a\n").is_dockerfile is is_dockerfile
