"""What holds before each instruction of a Dockerfile."""

import pytest

from inference_image_build.dockerfile import parse
from inference_image_build.dockerfile.stages import UnknownVariable, walk
from inference_image_contract.inputs import BaseSettings

BASE = BaseSettings(env=("PATH=/bin", "B=base"), shell=("bash", "-c"), user="7", working_dir="/srv")  # noqa: S604 - no process


def last(text: str, bases=None, **args: str):
    """The state before the last line."""
    instructions = parse.read(f"{text}\nLABEL last=1\n".encode(), "Dockerfile")
    return list(walk(instructions, args, {"base": BASE} if bases is None else bases))[-1][1]


def test_a_stage_starts_with_the_settings_of_its_base():
    state = last("FROM base")
    assert (state.stage, state.shell, state.user, state.folder) == (0, ("bash", "-c"), "7", "/srv")
    assert state.expand("$B $PATH $NONE") == "base /bin "


def test_the_later_of_env_and_arg_counts():
    assert last("FROM base\nENV A=1\nARG A=2").expand("$A") == "2"
    assert last("FROM base\nARG A=2\nENV A=1").expand("$A") == "1"


@pytest.mark.parametrize(
    ("text", "args", "value"),
    [
        ("ARG V=1\nFROM base", {}, ""),
        ("ARG V=1\nFROM base\nARG V", {}, "1"),
        ("ARG V=1\nFROM base\nARG V=2", {}, "2"),
        ("ARG V=1\nFROM base\nARG V=2", {"V": "3"}, "3"),
        ("FROM base", {"V": "3"}, ""),
        ("FROM base AS x\nARG V=1\nFROM base", {}, ""),
        ("FROM base AS x\nARG V=1\nFROM x", {}, "1"),
        ("FROM base AS x\nENV V=1\nFROM x", {}, "1"),
    ],
)
def test_arguments(text, args, value):
    assert last(text, **args).expand("$V") == value


def test_the_platform_has_values_where_it_is_declared():
    assert last("FROM base\nARG TARGETARCH TARGETPLATFORM").expand("$TARGETARCH $TARGETPLATFORM") == "amd64 linux/amd64"
    assert last("FROM base\nARG TARGETARCH").expand("$TARGETOS") == ""
    assert last("FROM base\nARG TARGETARCH", TARGETARCH="arm64").expand("$TARGETARCH") == "arm64"


def test_an_unknown_base_may_set_any_variable():
    state = last("FROM other\nENV A=1 C=$B", bases={})
    assert state.expand("$A") == "1"
    assert state.known("$B") is None
    assert state.known("$C") is None
    with pytest.raises(UnknownVariable):
        state.expand("${B:-x}")


def test_folders_and_users():
    state = last("FROM base\nUSER $B:1\nWORKDIR a/../b/\nWORKDIR c")
    assert (state.user, state.folder) == ("base:1", "/srv/b/c")
