"""The script around a RUN with mounts, run by the shell of this machine on a folder of the test."""

import subprocess

import pytest

from inference_image_build.builders.kaniko import mounted
from inference_image_build.dockerfile.mounts import read


def run(mount: str, target, command: str) -> int:
    words = mounted.command([(read(mount, str), str(target))], ["/bin/sh", "-c", command])
    return subprocess.run(words, check=False, capture_output=True).returncode


def test_a_cache_is_empty_and_leaves_nothing(tmp_path):
    target = tmp_path / "new/er/it's"
    assert run("type=cache,target=x", target, f'touch "{target}/kept" && test $(ls "{target}") = kept') == 0
    assert list(tmp_path.iterdir()) == []


def test_what_the_base_has_comes_back(tmp_path):
    target = tmp_path / "a/cache"
    target.mkdir(parents=True)
    (target / "old").write_text("1")
    before = target.stat()
    assert run("type=cache,target=x", target, f"test ! -e {target}/old && touch {target}/new") == 0
    assert [path.name for path in target.iterdir()] == ["old"]
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_folders_above_stay_if_the_command_uses_them(tmp_path):
    target = tmp_path / "new/er/cache"
    assert run("type=tmpfs,target=x", target, f"touch {tmp_path}/new/made") == 0
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["new", "new/made"]


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_is_the_commands(tmp_path, code):
    assert run("type=cache,target=x", tmp_path / "a/cache", f"exit {code}") == code


def test_a_mount_that_cannot_be_made_fails(tmp_path):
    (tmp_path / "file").write_text("")
    assert run("type=cache,target=x", tmp_path / "file/sub/cache", "true") == 125
    assert run("source=none,target=x", tmp_path / "a/copy", "true") == 125
