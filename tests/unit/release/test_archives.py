"""Archives depend only on names, content and modes."""

import io
import tarfile
from pathlib import Path

import pytest

from release import archives
from release.errors import ReleaseError

EPOCH = 1700000000


def members(data: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getmembers()


def packed(*infos: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for info in infos:
            archive.addfile(info, io.BytesIO(b"x" * info.size))
    return buffer.getvalue()


def entry(name: str, **changes: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = 1
    for field, value in changes.items():
        setattr(info, field, value)
    return info


def test_order_times_owners_and_modes_are_fixed() -> None:
    one = packed(entry("b", mtime=5, uid=7, uname="me", mode=0o600), entry("a", mode=0o700))
    other = packed(entry("a", mtime=9, mode=0o775), entry("b", gid=8, mode=0o664))
    assert one != other
    assert archives.normalized(one, EPOCH) == archives.normalized(other, EPOCH)
    found = members(archives.normalized(one, EPOCH))
    assert [(info.name, info.mode, info.mtime, info.uid, info.uname) for info in found] == [
        ("a", 0o755, EPOCH, 0, ""),
        ("b", 0o644, EPOCH, 0, ""),
    ]


def test_folders_are_left_out() -> None:
    data = packed(entry("d", type=tarfile.DIRTYPE, size=0), entry("d/a"))
    assert [info.name for info in members(archives.normalized(data, EPOCH))] == ["d/a"]


def test_a_link_is_refused() -> None:
    with pytest.raises(ReleaseError, match="holds link, which is neither a file nor a folder"):
        archives.normalized(packed(entry("link", type=tarfile.SYMTYPE, linkname="a", size=0)), EPOCH)


def test_a_folder_becomes_the_same_tar_whenever_it_was_written(tmp_path: Path) -> None:
    written = []
    for name, order in (("one", ("b/x", "a", "a-b")), ("two", ("a-b", "a", "b/x"))):
        for path in order:
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(path)
            file.chmod(0o600 if name == "one" else 0o664)
        archives.write_tar(tmp_path / name, tmp_path / f"{name}.tar", EPOCH)
        written.append((tmp_path / f"{name}.tar").read_bytes())
    assert written[0] == written[1]
    assert [info.name for info in members(written[0])] == ["a", "a-b", "b/x"]
