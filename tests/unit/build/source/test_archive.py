"""Archives: what becomes files, what is refused before anything is unpacked, and the limits."""

import gzip
import io
import random
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import pytest

from inference_image_build.source import archive
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

ROW_48 = pytest.mark.row(48, "archives with ../, absolute paths, links, devices: refused before a file is written")

ROW_41 = pytest.mark.row(
    41,
    "huge files, bombs and a million entries: our own limits trip first, in bounded memory",
)

SMALL = archive.LIMITS._replace(entries=20, files=10, file=5000, total=8000, ratio=100, ratio_from=4000)


def tar(*entries: tuple[tarfile.TarInfo, bytes], tail: bytes = b"") -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as out:
        for info, data in entries:
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return gzip.compress(plain.getvalue() + tail, mtime=0)


def entry(name: str, data: bytes = b"x", **changes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.mode = 0o644
    for key, value in changes.items():
        setattr(info, key, value)
    return info, data


def packed(*entries: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as target:
        for info, data in entries:
            target.writestr(info, data)
    return out.getvalue()


def zip_entry(name: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system, info.external_attr = 3, mode << 16
    return info


@pytest.fixture
def read(tmp_path) -> Callable[..., dict[str, bytes]]:
    """read(bytes, name) -> the files with their contents."""

    def run(data: bytes, name: str = "src/code.tar.gz", limits=archive.LIMITS) -> dict[str, bytes]:
        path = tmp_path / "archive"
        path.write_bytes(data)
        return {item.path: b"".join(item.content) for item in archive.entries(path, name, limits)}

    return run


FILES = {"Dockerfile": b"FROM scratch\n", "code/a.py": b"a", "code/é.py": b"", "code/big": b"line\n" * 300_000}


def test_a_tar_gives_its_files(read):
    folder = entry("code", b"", type=tarfile.DIRTYPE)
    assert read(tar(folder, *(entry(name, data) for name, data in FILES.items()))) == FILES


def test_a_tar_of_the_folder_itself_gives_the_same_files(read):
    """`tar czf code.tgz .` writes the folder, and each name with the prefix `./`."""
    entries = [entry(f"./{name}", data) for name, data in FILES.items()]
    root = entry(".", b"", type=tarfile.DIRTYPE)
    assert read(tar(root, entry("./code/", b"", type=tarfile.DIRTYPE), *entries), "code.tgz") == FILES


def test_a_zip_gives_its_files(read):
    assert read(packed(("code/", b""), *FILES.items()), "code.zip") == FILES


def from_system(name: str, system: int, *, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zip_entry(name, mode)
    info.create_system = system
    return info


def with_raw_name(raw: bytes, extra: bytes = b"") -> bytes:
    """A .zip whose only name has these bytes, without the UTF-8 flag, and an extra field in its directory."""
    info = zip_entry("Z" * len(raw))
    info.extra = extra
    data = packed((info, b"x"))
    return data.replace(b"Z" * len(raw), raw)


def unicode_path(name: str, of: bytes) -> bytes:
    value = struct.pack("<BL", 1, zlib.crc32(of)) + name.encode()
    return struct.pack("<HH", 0x7075, len(value)) + value


EXPLORER = "标签.txt".encode("gbk")
NAMES = {
    "UTF-8 with the flag": (packed(("标签.txt", b"x")), "标签.txt"),
    "UTF-8 without the flag, as Info-ZIP and macOS": (with_raw_name("标签.txt".encode()), "标签.txt"),
    "the Unicode path of Info-ZIP": (with_raw_name(b"??.t\xe9", unicode_path("标签.txt", b"??.t\xe9")), "标签.txt"),
    "after another extra field": (
        with_raw_name(EXPLORER, b"UT\5\0\3abcd" + unicode_path("标签.txt", EXPLORER)),
        "标签.txt",
    ),
    "decomposed letters of macOS are kept": (packed(("e\u0301.txt", b"x")), "e\u0301.txt"),
    "backslashes of Windows": (packed((from_system("code\\a.py", 0), b"x")), "code/a.py"),
    "backslashes of .NET": (packed((from_system("code\\sub\\a.py", 10), b"x")), "code/sub/a.py"),
}


@pytest.mark.parametrize("case", NAMES)
def test_a_zip_has_the_names_that_its_tool_meant(read, case):
    data, name = NAMES[case]
    assert read(data, "code.zip") == {name: b"x"}


def test_folders_of_windows_are_folders(read):
    data = packed((from_system("code\\", 0), b""), (from_system("code\\a.py", 0), b"x"))
    assert read(data, "code.zip") == {"code/a.py": b"x"}


@ROW_48
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (with_raw_name(EXPLORER), "is not UTF-8, but in the code page of the machine that wrote it"),
        (with_raw_name(EXPLORER, unicode_path("标签.txt", b"another")), "is not UTF-8, but in the code page"),
        (packed((from_system("C:\\code\\a.py", 0), b"x")), "absolute path"),
        (packed((from_system("\\code\\a.py", 0), b"x")), "absolute path"),
        (packed((from_system("..\\a.py", 0), b"x")), "'..' segment"),
        (with_raw_name(b"a\xe9", unicode_path("../a", b"a\xe9")), "'..' segment"),
        (with_raw_name(b"a\xe9", unicode_path("/etc/passwd", b"a\xe9")), "absolute path"),
        (packed((from_system("code\\a.py", 0), b"x"), ("code/a.py", b"y")), "appears twice"),
    ],
)
def test_names_are_checked_after_they_are_decoded(read, data, words):
    with pytest.raises(StageError, match=re.escape(words)) as caught:
        read(data, "code.zip")
    assert caught.value.reason == Reason.ARCHIVE_UNSAFE


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (tar(entry("run.sh", mode=0o755), entry("a", mode=0o644), entry("b", mode=0o677)), "a.tgz"),
        (
            packed(
                (zip_entry("run.sh", 0o100755), b"x"),
                (zip_entry("a", 0o100644), b"x"),
                (from_system("b", 0, mode=0o100755), b"x"),  # MS-DOS has no such bit
            ),
            "a.zip",
        ),
    ],
    ids=["tar", "zip"],
)
def test_the_executable_bit_of_the_owner_is_read(tmp_path, data, name):
    path = tmp_path / "archive"
    path.write_bytes(data)
    assert {item.path: item.executable for item in archive.entries(path, name)} == {
        "run.sh": True,
        "a": False,
        "b": False,
    }


def test_the_header_that_git_writes_is_no_file(read):
    plain = io.BytesIO()
    with tarfile.open(
        fileobj=plain, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "0123456789abcdef"}
    ) as out:
        info, data = entry("Dockerfile", b"FROM scratch\n")
        info.size = len(data)
        out.addfile(info, io.BytesIO(data))
    assert list(read(gzip.compress(plain.getvalue()))) == ["Dockerfile"]


def test_a_file_may_be_left_unread(tmp_path):
    path = tmp_path / "archive"
    path.write_bytes(tar(entry("a", b"1" * 100_000), entry("b", b"2")))
    assert [item.path for item in archive.entries(path, "x.tar.gz")] == ["a", "b"]


UNSAFE_TARS = {
    "parent": ([entry("../a")], "'..' segment"),
    "parent within": ([entry("a/../../b")], "'..' segment"),
    "absolute": ([entry("/etc/passwd")], "absolute path"),
    "control character": ([entry("a\nb")], "control character"),
    "not UTF-8": ([entry("a\udcff")], "not UTF-8"),
    "backslash": ([entry("a\\b")], "backslash"),
    "long name": ([entry("a" * 256)], "longer than 255"),
    "symbolic link": ([entry("a", b"", type=tarfile.SYMTYPE, linkname="/etc")], "symbolic link"),
    "hard link": ([entry("a"), entry("b", b"", type=tarfile.LNKTYPE, linkname="a")], "hard link"),
    "device": ([entry("a", b"", type=tarfile.CHRTYPE)], "device"),
    "block device": ([entry("a", b"", type=tarfile.BLKTYPE)], "device"),
    "pipe": ([entry("a", b"", type=tarfile.FIFOTYPE)], "pipe"),
    "contiguous": ([entry("a", b"", type=tarfile.CONTTYPE)], "unknown type"),
    "setuid": ([entry("a", mode=0o4755)], "setuid"),
    "setgid": ([entry("a", mode=0o2755)], "setuid or setgid"),
    "setgid folder": ([entry("a", b"", type=tarfile.DIRTYPE, mode=0o2755)], "setuid or setgid"),
    "twice": ([entry("a"), entry("./a")], "appears twice"),
    "file below a file": ([entry("a"), entry("a/b")], "a file and a folder"),
    "file where a folder is": ([entry("a/b"), entry("a")], "a file and a folder"),
    "folder where a file is": ([entry("a"), entry("a", b"", type=tarfile.DIRTYPE)], "a file and a folder"),
    "sparse": ([entry("a", b"", pax_headers={"GNU.sparse.map": "0,1", "GNU.sparse.size": "9999999999"})], "sparse"),
}


@ROW_48
@pytest.mark.parametrize("case", UNSAFE_TARS)
def test_an_unsafe_tar_is_refused(read, case):
    entries, clause = UNSAFE_TARS[case]
    with pytest.raises(StageError, match=clause) as caught:
        read(tar(*entries))
    assert caught.value.reason == Reason.ARCHIVE_UNSAFE
    assert "src/code.tar.gz" in caught.value.message


def encrypted(data: bytes) -> bytes:
    """The same archive with the encryption bit set, in the directory and in the local header."""
    data = bytearray(data)
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def named(data: bytes, old: bytes, new: bytes) -> bytes:
    """Replaces a name with one of the same length that no normal tool writes."""
    assert len(old) == len(new)
    assert data.count(old) == 2
    return data.replace(old, new)


def overlapping() -> bytes:
    """Two directory entries that share one local file."""
    data = packed(("same", b"x" * 100))
    start, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    again = bytearray(data[start:end])
    again[46:50] = b"more"
    record = bytearray(data[end:])
    struct.pack_into("<HHL", record, 8, 2, 2, 2 * (end - start))
    return data[:end] + bytes(again) + bytes(record)


UNSAFE_ZIPS = {
    "parent": (packed(("../a", b"")), "'..' segment"),
    "absolute": (packed(("/etc/passwd", b"")), "absolute path"),
    "control character": (packed(("a\tb", b"")), "control character"),
    "NUL": (named(packed(("aZb", b"")), b"aZb", b"a\0b"), "control character"),
    "not UTF-8": (named(packed(("aZb", b"")), b"aZb", b"a\xffb"), "not UTF-8"),
    "backslash": (packed(("a\\b", b"")), "backslash"),
    "symbolic link": (packed((zip_entry("a", 0o120777), b"/etc")), "symbolic link"),
    "device": (packed((zip_entry("a", 0o020644), b"")), "device"),
    "socket": (packed((zip_entry("a", 0o140644), b"")), "socket"),
    "setuid": (packed((zip_entry("a", 0o104755), b"")), "setuid"),
    "encrypted": (encrypted(packed(("a", b"x"))), "encrypted"),
    "bzip2": (packed(("a", b"x"), method=zipfile.ZIP_BZIP2), "method other than"),
    "file and folder": (packed(("a", b"x"), ("a/", b"")), "a file and a folder"),
    "overlap": (overlapping(), "overlaps another"),
}


@ROW_48
@pytest.mark.parametrize("case", UNSAFE_ZIPS)
def test_an_unsafe_zip_is_refused(read, case):
    data, clause = UNSAFE_ZIPS[case]
    with pytest.raises(StageError, match=clause) as caught:
        read(data, "code.zip")
    assert caught.value.reason == Reason.ARCHIVE_UNSAFE


@pytest.mark.filterwarnings("ignore:Duplicate name")  # of the library that writes the bad archive
def test_a_zip_with_a_duplicate_name_is_refused(read):
    with pytest.raises(StageError, match="appears twice"):
        read(packed(("a", b"1"), ("a", b"2")), "code.zip")


def lying(data: bytes, size: int) -> bytes:
    """The archive with another size of its only file, in the directory and in the local header."""
    data = bytearray(data)
    struct.pack_into("<L", data, 22, size)
    struct.pack_into("<L", data, data.index(b"PK\1\2") + 24, size)
    return bytes(data)


NOISE = random.Random(1).randbytes(20_000)  # noqa: S311 - bytes that do not compress
TOO_LARGE = {
    "one file": (tar(entry("a", NOISE[:6000])), "a.tar.gz", "'a' of 6000 bytes"),
    "all files": (tar(*(entry(str(n), NOISE[:3000]) for n in range(3))), "a.tar.gz", "more than 8000 bytes"),
    "files": (tar(*(entry(str(n), b"") for n in range(11))), "a.tar.gz", "more than 10 files"),
    "entries": (tar(*(entry(str(n), b"", type=tarfile.DIRTYPE) for n in range(21))), "a.tar.gz", "20 entries"),
    "ratio": (tar(entry("a", b"\0" * 4900)), "a.tar.gz", "times its own"),
    "zip, one file": (packed(("a", NOISE[:6000])), "a.zip", "'a' of 6000 bytes"),
    "zip, all files": (packed(*((str(n), NOISE[:3000]) for n in range(3))), "a.zip", "more than 8000 bytes"),
    "zip, files": (packed(*((str(n), b"") for n in range(11))), "a.zip", "more than 10 files"),
    "zip, entries": (packed(*((f"{n}/", b"") for n in range(21))), "a.zip", "20 entries"),
    "zip, ratio": (packed(("a", b"\0" * 4900)), "a.zip", "times its own"),
}


@ROW_41
@pytest.mark.parametrize("case", TOO_LARGE)
def test_an_archive_over_a_limit_is_refused(read, case):
    data, name, clause = TOO_LARGE[case]
    limits = SMALL._replace(ratio=20) if "ratio" in case else SMALL
    with pytest.raises(StageError, match=clause) as caught:
        read(data, name, limits)
    assert caught.value.reason == Reason.ARCHIVE_TOO_LARGE


def test_a_small_archive_may_be_zip64(read, monkeypatch):
    """As tools write that do not know the sizes when they begin."""
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)
    data = packed(*FILES.items())
    assert b"PK\6\6" in data
    assert read(data, "code.zip") == FILES


def test_the_limits_count_the_entries_of_zip64(read, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)
    data = bytearray(packed(("a", b"x")))
    at = data.index(b"PK\6\6")
    for place, what in ((32, 8001), (40, 2**40)):  # entries in total, bytes of the directory
        changed = bytearray(data)
        struct.pack_into("<Q", changed, at + place, what)
        with pytest.raises(StageError, match="more than 8000 entries"):
            read(bytes(changed), "code.zip")


@ROW_41
@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_a_million_entries_are_refused(tmp_path, name):
    """Builds the archive by hand, because libraries would take minutes."""
    count = 1_000_000
    path = tmp_path / "archive"
    if name == "a.zip":
        head = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, *(0,) * 4, 0, 0, 0, 1, *(0,) * 4, 0, 0) + b"a"
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, count * len(head), 0, 0)
        path.write_bytes(head * count + end)
    else:
        block = b"".join(tarfile.TarInfo(f"f{number}").tobuf() for number in range(3000))
        with gzip.open(path, "wb", compresslevel=1) as out:
            for _ in range(count // 3000):
                out.write(block)
    with pytest.raises(StageError) as caught:
        list(archive.entries(path, name))
    assert caught.value.reason == Reason.ARCHIVE_TOO_LARGE


def header_bomb() -> bytes:
    """A header of 64 MiB for one file; a few kilobytes when packed."""
    pax = tarfile.TarInfo("pax")
    pax.type, pax.size = tarfile.XHDTYPE, 64 * 1024**2
    return gzip.compress(pax.tobuf() + b"\0" * pax.size + tarfile.TarInfo("a").tobuf() + b"\0" * 1024)


@ROW_41
def test_a_huge_header_is_not_read(read):
    with pytest.raises(StageError, match="header of more than") as caught:
        read(header_bomb())
    assert caught.value.reason == Reason.ARCHIVE_TOO_LARGE


@ROW_41
def test_a_huge_entry_is_not_unpacked(tmp_path):
    """A tar entry of 1 GiB is refused by its header, before any of it is unpacked."""
    info = tarfile.TarInfo("zeros")
    info.size = 2 * 1024**3
    path = tmp_path / "archive"
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(info.tobuf())
        out.write(b"\0" * 1024**2)
    with pytest.raises(StageError, match="zeros") as caught:
        list(archive.entries(path, "bomb.tar.gz"))
    assert caught.value.reason == Reason.ARCHIVE_TOO_LARGE


def recursive_headers() -> bytes:
    longer = tarfile.TarInfo("././@LongLink")
    longer.type, longer.size = tarfile.GNUTYPE_LONGNAME, 1
    return gzip.compress((longer.tobuf() + b"a" + b"\0" * 511) * 2000)


def flipped(data: bytes) -> bytes:
    """The same archive with one bit of its content changed."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


BROKEN = {
    "no gzip": (b"text", "a.tar.gz"),
    "no tar": (gzip.compress(b"text" * 500), "a.tar.gz"),
    "empty": (b"", "a.tar.gz"),
    "cut": (tar(entry("a", NOISE))[:-6000], "a.tar.gz"),
    "damaged": (flipped(tar(entry("a", NOISE))), "a.tar.gz"),
    "garbage between": (gzip.compress(gzip.decompress(tar(entry("a")))[:1024] + b"garbage " * 64), "a.tar.gz"),
    "headers upon headers": (recursive_headers(), "a.tar.gz"),
    "no zip": (b"text" * 100, "a.zip"),
    "empty zip": (b"", "a.zip"),
    "cut zip": (packed(("a", NOISE))[:-30], "a.zip"),
    "damaged zip": (flipped(packed(("a", NOISE))), "a.zip"),
    "zip says less": (lying(packed(("a", NOISE)), 10), "a.zip"),
    "zip says more": (lying(packed(("a", NOISE)), 30_000), "a.zip"),
    "of another kind": (b"x", "a.tar.xz"),
    **{
        f"{form} by another name": (data, name)
        for form, data, name in (
            ("zip", packed(("a", b"x")), "a.tar.gz"),
            ("tar.gz", tar(entry("a")), "a.zip"),
            ("tar", gzip.decompress(tar(entry("a"))), "a.tgz"),
            ("7z", b"7z\xbc\xaf\x27\x1c" + b"x" * 99, "a.zip"),
            ("rar", b"Rar!\x1a\x07\x01\x00", "a.zip"),
            ("xz", b"\xfd7zXZ\0", "a.tar.gz"),
            ("page", b"<!DOCTYPE html>\n<html>", "a.tar.gz"),
        )
    },
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_unreadable_archive_is_explained(read, case):
    data, name = BROKEN[case]
    with pytest.raises(StageError, match=name) as caught:
        read(data, name)
    assert caught.value.reason == Reason.ARCHIVE_INVALID
    assert ("its bytes are those of a" in caught.value.message) is ("by another name" in case)
