"""Which files of an archive form the build context."""

import pytest

from inference_image_build.source.archive.layout import is_metadata, top_folder

PATHS = {
    "__MACOSX/._Dockerfile",
    "__MACOSX/code/._a.py",
    "._Dockerfile",
    "._code",
    "Dockerfile",
    "code/a.py",
    "._lonely",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("__MACOSX/._Dockerfile", True),
        ("__MACOSX/code/._a.py", True),
        ("._Dockerfile", True),
        ("._code", True),
        ("._lonely", False),
        ("Dockerfile", False),
        ("code/a.py", False),
        ("code/__MACOSX", False),
    ],
)
def test_metadata_of_macos(path, expected):
    assert is_metadata(path, PATHS) is expected


@pytest.mark.parametrize(
    ("paths", "dockerfile", "top"),
    [
        (["p/Dockerfile", "p/code/a.py"], "Dockerfile", "p"),
        (["p/docker/cpu.Dockerfile", "p/a"], "docker/cpu.Dockerfile", "p"),
        (["p/code/a.py", "p/x.conf"], "Dockerfile", "p"),
        (["Dockerfile", "code/a.py"], "Dockerfile", ""),
        (["p/Dockerfile", "q/a.py"], "Dockerfile", ""),
        (["p/Dockerfile", "README"], "Dockerfile", ""),
        (["p/Dockerfile"], "p/Dockerfile", ""),
        (["code/a.py"], "Dockerfile", ""),
        (["p/code/a.py"], "cpu.Dockerfile", ""),
        (["p/q/Dockerfile"], "Dockerfile", ""),
        ([], "Dockerfile", ""),
    ],
)
def test_the_top_folder_that_is_left_out(paths, dockerfile, top):
    assert top_folder(paths, dockerfile, ("code",) if dockerfile == "Dockerfile" else ()) == top
