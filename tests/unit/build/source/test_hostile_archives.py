"""Archives that cost more than they contain, each read within 256 MiB and a few seconds of CPU time."""

import collections
import gzip
import itertools
import tarfile
import zipfile

import pytest

from inference_image_build.source import archive
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from tests.support.limits import within

ROW_41 = pytest.mark.row(
    41,
    "huge files, bombs and a million entries: our own limits trip first, in bounded memory",
)

END = b"\0" * 1024


def header(name="a", kind=tarfile.REGTYPE, size=0, **more):
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    for field, value in more.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT)


def padded(data):
    return data + b"\0" * (-len(data) % 512)


def record(key, value):
    body = f" {key}={value}\n".encode()
    size = len(body)
    while len(str(size)) + len(body) != size:
        size = len(str(size)) + len(body)
    return str(size).encode() + body


def pax(*records, kind=tarfile.XHDTYPE):
    body = b"".join(record(*one) for one in records)
    return header("pax", kind, len(body)) + padded(body)


def tar(*parts):
    return gzip.compress(b"".join(parts) + END, compresslevel=1, mtime=0)


def old_sparse():
    """A list of holes that goes on for 20 MiB."""
    first = bytearray(header("a", tarfile.GNUTYPE_SPARSE, 512))
    first[482] = 1  # it continues in the next block
    first[148:156] = b"        "
    first[148:156] = b"%06o\0 " % sum(first)
    more = (b"00000000001\0" + b"00000000001\0") * 21 + b"\1" + b"\0" * 7
    return gzip.compress(bytes(first) + more * 40_000 + END, compresslevel=1, mtime=0)


def listed_holes():
    """The same in the newest form, where the list is in the content."""
    holes = b"9000000\n" + b"1\n" * 9_000_000
    fields = (("GNU.sparse.major", 1), ("GNU.sparse.minor", 0), ("GNU.sparse.realsize", 10))
    return tar(pax(*fields), header("a", size=len(holes)), padded(holes))


def many_values():
    """Values for all later entries: each entry would copy all of them."""
    return tar(*(pax(*((f"k{at}.{n}", "v") for n in range(2000)), kind=tarfile.XGLTYPE) for at in range(50)))


HOSTILE = {
    "a deep path": lambda: tar(pax(("path", "a/" * 20_000 + "b")), header(size=1), padded(b"x")),
    "a deep folder": lambda: tar(pax(("path", "a/" * 20_000)), header(kind=tarfile.DIRTYPE)),
    "deep paths": lambda: tar(*(pax(("path", f"{at}/" + "a/" * 1500 + "b")) + header() for at in range(2000))),
    "long names": lambda: tar(*(pax(("path", f"{at}/" + ("a" * 250 + "/") * 12)) + header() for at in range(2000))),
    "old sparse": old_sparse,
    "sparse 0.1": lambda: tar(pax(("GNU.sparse.map", "0," * 500_000 + "0"), ("GNU.sparse.size", 1)), header()),
    "sparse 1.0": listed_holes,
    "headers upon headers": lambda: tar(*(pax(("comment", "x" * 900_000)) for _ in range(200)), header()),
    "long links upon links": lambda: tar((header("l", tarfile.GNUTYPE_LONGLINK, 1 << 19) + b"x" * (1 << 19)) * 200),
    "headers for every entry": lambda: tar(*(pax(("comment", "x" * 500_000)) + header(f"f{at}") for at in range(100))),
    "values for all entries": many_values,
    "digits": lambda: tar(pax(("comment", "1" * 1_000_000)), header()),
    "records without an end": lambda: tar(header("pax", tarfile.XHDTYPE, 900_000) + padded(b"3 a" * 300_000), header()),
    "a size below zero": lambda: tar(pax(("size", -4096)), header("a")),
    "a size of 5,000 digits": lambda: tar(pax(("size", "9" * 5000)), header("a")),
}  # fmt: skip


@ROW_41
@pytest.mark.parametrize("form", HOSTILE)
def test_a_hostile_archive_is_refused_before_it_costs_much(form, tmp_path):
    path = tmp_path / "archive"
    path.write_bytes(HOSTILE[form]())

    def read():
        with pytest.raises(StageError) as caught:
            collections.deque(itertools.chain.from_iterable(e.content for e in archive.entries(path, "a.tar.gz")), 0)
        assert caught.value.reason in {Reason.ARCHIVE_UNSAFE, Reason.ARCHIVE_TOO_LARGE, Reason.ARCHIVE_INVALID}

    within(read, cpu=20)


def test_a_zip_with_deep_paths_is_refused(tmp_path):
    path = tmp_path / "archive"
    with zipfile.ZipFile(path, "w") as out:
        for at in range(2000):
            out.writestr(f"{at}/" + "a/" * 1500 + "b", b"")

    def read():
        with pytest.raises(StageError, match="folders"):
            list(archive.entries(path, "a.zip"))

    within(read, cpu=20)
