"""Which files a COPY or ADD puts where, with which mode and owner."""

import pytest

from inference_image_build.append.plan import Options, make
from inference_image_build.builders import check
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import BaseSettings


@pytest.fixture
def context(tmp_path):
    for name in ("code/a.py", "code/b.txt", "code/sub/c.py", "conf.json", "run"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        path.chmod(0o644)
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "code/empty").mkdir()
    (tmp_path / "code/empty").chmod(0o755)
    return tmp_path


def steps(context, *lines: str, own: str = "none"):
    text = "\n".join(("FROM base", *lines, "")).encode()
    dockerfile = check.read(text, "Dockerfile", {}, {"base": BaseSettings(working_dir="/srv")})
    plan = make(dockerfile, {"WorkingDir": "/srv"}, context, "Dockerfile", Options({}, own))
    return [line.entries for line in plan.history if line.entries]


def paths(context, *lines: str) -> list[str]:
    return [entry.path + ("/" if entry.is_folder else "") for entries in steps(context, *lines) for entry in entries]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("COPY conf.json /etc/x.json", ["etc/x.json"]),
        ("COPY conf.json /etc/", ["etc/conf.json"]),
        ("COPY conf.json .", ["srv/conf.json"]),
        ("COPY conf.json x/y.json", ["srv/x/y.json"]),
        ("COPY run /run", ["run"]),
        ("COPY run conf.json /x/", ["x/conf.json", "x/run"]),
        ("COPY code /ai", ["ai/a.py", "ai/b.txt", "ai/empty/", "ai/sub/c.py"]),
        ("ADD ./code/ /ai/", ["ai/a.py", "ai/b.txt", "ai/empty/", "ai/sub/c.py"]),
        ("COPY code/*.py /ai/", ["ai/a.py"]),
        ("COPY code/* /ai/", ["ai/a.py", "ai/b.txt", "ai/c.py"]),
        ("COPY code/?.py /ai/", ["ai/a.py"]),
        ("COPY code/[!x]*.py code/[a-b].* /ai/", ["ai/a.py", "ai/b.txt"]),
        ("COPY nothing*.py /ai/", []),
        ("COPY /conf.json /x/", ["x/conf.json"]),
        ('COPY ["conf.json", "/a b/"]', ["a b/conf.json"]),
        (
            "COPY . /all/",
            ["all/code/a.py", "all/code/b.txt", "all/code/empty/", "all/code/sub/c.py", "all/conf.json", "all/run"],
        ),
        ("COPY code /", ["a.py", "b.txt", "empty/", "sub/c.py"]),
    ],
)
def test_destinations(context, line, expected):
    assert paths(context, line) == expected


@pytest.mark.parametrize(
    "before",
    ["WORKDIR /opt/app", "COPY code/a.py /opt/app/", "COPY code /opt/app/deeper/"],
    ids=["the working directory", "a file was put there", "a folder above one"],
)
def test_a_known_folder_needs_no_slash(context, before):
    assert "opt/app/conf.json" in paths(context, before, "COPY conf.json /opt/app")


def test_several_files_need_a_folder(context):
    with pytest.raises(StageError, match="needs a destination that ends in /"):
        steps(context, "COPY run conf.json /x")


def test_files_belong_to_root_and_keep_their_modes(context):
    (entries,) = steps(context, "COPY run conf.json /x/")
    assert [(entry.mode, entry.uid, entry.gid) for entry in entries] == [(0o644, 0, 0), (0o755, 0, 0)]


@pytest.mark.parametrize(
    ("flags", "mode", "owner"),
    [
        ("--chown=7", None, (7, 7)),
        ("--chown=7:8", None, (7, 8)),
        ("--chmod=4755", 0o4755, (0, 0)),
        ("--chown=7:8 --chmod=0500", 0o500, (7, 8)),
    ],
)
def test_an_owner_or_a_mode_applies_to_folders_too(context, flags, mode, owner):
    (entries,) = steps(context, f"COPY {flags} code /ai")
    assert [entry.path for entry in entries if entry.is_folder] == ["ai", "ai/empty", "ai/sub"]
    assert {(entry.uid, entry.gid) for entry in entries} == {owner}
    if mode:
        assert {entry.mode for entry in entries} == {mode}


def test_folders_of_the_base_stay_unchanged(context):
    """A folder in a layer would change the owner and mode of the base's folder, or replace a symbolic link."""
    (entries,) = steps(context, "COPY code/sub /lib/")
    assert [entry.path for entry in entries] == ["lib/c.py"]


def test_files_of_the_own_layer_folder_come_first(context):
    own, rest = steps(context, "COPY code /ai", own="code/sub")
    assert [entry.path for entry in own] == ["ai/sub/c.py"]
    assert [entry.path for entry in rest] == ["ai/a.py", "ai/b.txt", "ai/empty"]
