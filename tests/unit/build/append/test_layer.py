"""Layers: the same bytes for the same content, readable by standard tools, made in bounded memory."""

import gzip
import hashlib
import io
import os
import random
import tarfile
import threading
import tracemalloc

import pytest

from inference_image_build.append import gzip as blocks
from inference_image_build.append import tar
from inference_image_build.append.files import Entry
from inference_image_build.append.layer import measured
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

MIB = 1 << 20
NOISE = random.Random(1).randbytes(3 * MIB + 17)  # noqa: S311 - a fixed seed
TEXT = b"a line of text\n" * 300_000


def entry(path, source, mode=0o644) -> Entry:
    return Entry(path, source, mode, 1, 2, source.is_dir(), 0 if source.is_dir() else source.stat().st_size)


@pytest.mark.parametrize("data", [b"", b"x", TEXT, NOISE, NOISE + TEXT], ids=["empty", "one", "text", "noise", "both"])
def test_gunzip_can_unpack_it(data):
    assert gzip.decompress(b"".join(blocks.compress(iter((data,))))) == data


def test_only_compressible_blocks_are_compressed():
    assert len(b"".join(blocks.compress(iter((TEXT,))))) < len(TEXT) / 50
    assert len(b"".join(blocks.compress(iter((NOISE,))))) < len(NOISE) * 1.001


def test_the_bytes_do_not_depend_on_pieces_or_threads(monkeypatch):
    data = NOISE + TEXT
    whole = b"".join(blocks.compress(iter((data,))))
    monkeypatch.setattr(blocks, "THREADS", 1)
    assert b"".join(blocks.compress(data[i : i + 99_991] for i in range(0, len(data), 99_991))) == whole


def test_golden_digests():
    """If these digests change, every layer of every image changes and is pushed again."""
    noise = hashlib.sha256(b"".join(blocks.compress(iter((NOISE,))))).hexdigest()
    assert noise == "c69b9ae325c33cd3db9ca2d7da1efa2a5ecd4b02adf4b7bdd6d055bc04029514"


def test_no_thread_is_left_when_the_reader_stops_early():
    before = threading.active_count()
    pieces = blocks.compress(iter([NOISE] * 20))
    next(pieces)
    next(pieces)
    pieces.close()
    assert threading.active_count() == before


def test_a_tar_archive_has_contents_modes_and_owners_but_no_times(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    os.utime(tmp_path / "a", (1e9, 1e9))
    (tmp_path / "d").mkdir()
    long = "x/" * 150 + "ü"
    entries = (entry("d", tmp_path / "d", 0o755), entry("e/a", tmp_path / "a"), entry(long, tmp_path / "a", 0o4755))
    data = b"".join(tar.stream(entries))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {info.name: (info.mode, info.uid, info.gid, info.mtime, info.uname, info.size) for info in archive}
        assert archive.extractfile(long).read() == b"content"
    assert found == {
        "d": (0o755, 1, 2, 0, "", 0),
        "e/a": (0o644, 1, 2, 0, "", 7),
        long: (0o4755, 1, 2, 0, "", 7),
    }


@pytest.mark.parametrize("change", [b"longer than before", b"", b"short"])
def test_a_file_that_changes_while_it_is_read_ends_the_stage(tmp_path, change):
    (tmp_path / "a").write_bytes(b"content")
    listed = entry("a", tmp_path / "a")
    (tmp_path / "a").write_bytes(change)
    with pytest.raises(StageError) as caught:
        b"".join(tar.stream((listed,)))
    assert caught.value.reason == Reason.SOURCE_CHANGED


def test_a_layer_has_digests_and_can_be_read_twice(tmp_path):
    (tmp_path / "a").write_bytes(NOISE)
    layer = measured("COPY a /a", (entry("a", tmp_path / "a"),))
    for _ in range(2):
        data = b"".join(layer.content())
        assert (len(data), f"sha256:{hashlib.sha256(data).hexdigest()}") == (layer.size, layer.digest)
        assert f"sha256:{hashlib.sha256(gzip.decompress(data)).hexdigest()}" == layer.diff_id


def test_memory_does_not_grow_with_the_layer(tmp_path):
    with (tmp_path / "weights").open("wb") as file:
        for _ in range(32):
            file.write(NOISE)
    tracemalloc.start()
    try:
        measured("COPY", (entry("weights", tmp_path / "weights"),))
        assert tracemalloc.get_traced_memory()[1] < 32 * MIB
    finally:
        tracemalloc.stop()
