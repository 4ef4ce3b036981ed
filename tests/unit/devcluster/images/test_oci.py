"""Images without a builder: deterministic and consistent."""

import gzip
import hashlib
import io
import json
import tarfile

import pytest

from devcluster.images import oci


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program"
    path.write_bytes(b"#!/bin/sh\n")
    return path


@pytest.fixture
def layout(tmp_path, program):
    oci.write_layout(tmp_path / "layout", "host.test/name:1", oci.layer_of({"/bin/x": program}), {"Cmd": ["/bin/x"]})
    return tmp_path / "layout"


def blob(layout, digest):
    data = (layout / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest.removeprefix("sha256:")
    return data


def test_every_digest_names_its_blob(layout):
    manifest = json.loads(blob(layout, oci.digest(layout)))
    config = json.loads(blob(layout, manifest["config"]["digest"]))
    layer = gzip.decompress(blob(layout, manifest["layers"][0]["digest"]))
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(layer).hexdigest()]
    assert config["config"] == {"Cmd": ["/bin/x"]}
    assert manifest["layers"][0]["size"] == len(blob(layout, manifest["layers"][0]["digest"]))


def test_a_layer_contains_programs_owned_by_root(program):
    with tarfile.open(fileobj=io.BytesIO(oci.layer_of({"/bin/x": program}))) as archive:
        (member,) = archive.getmembers()
        assert (member.name, member.mode, member.uid, member.mtime) == ("bin/x", 0o755, 0, 0)
        assert archive.extractfile(member).read() == program.read_bytes()


def test_equal_input_makes_an_equal_image(tmp_path, program, layout):
    oci.write_layout(tmp_path / "again", "host.test/name:1", oci.layer_of({"/bin/x": program}), {"Cmd": ["/bin/x"]})
    assert oci.digest(tmp_path / "again") == oci.digest(layout)


def test_an_archive_contains_the_layout(tmp_path, layout):
    oci.archive(layout, tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as archive:
        assert {"oci-layout", "index.json", "blobs/sha256"} <= set(archive.getnames())


def test_a_layout_with_two_images_is_rejected(layout):
    index = json.loads((layout / "index.json").read_text())
    (layout / "index.json").write_text(json.dumps({"manifests": index["manifests"] * 2}))
    with pytest.raises(ValueError, match="2 images"):
        oci.digest(layout)


def layer(path, *members):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path.read_bytes()


def two_layers(tmp_path, *upper):
    layout = tmp_path / "two"
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    digests = []
    lower = [("kept", b"1"), ("changed", b"1"), ("gone/file", b"1"), ("folder/gone", b"1"), ("folder/kept", b"1")]
    for members in (lower, upper):
        data = layer(tmp_path / "layer", *members)
        digests.append(hashlib.sha256(data).hexdigest())
        (blobs / digests[-1]).write_bytes(data)
    manifest = json.dumps({"layers": [{"digest": f"sha256:{digest}"} for digest in digests]}).encode()
    digests.append(hashlib.sha256(manifest).hexdigest())
    (blobs / digests[-1]).write_bytes(manifest)
    (layout / "index.json").write_text(json.dumps({"manifests": [{"digest": f"sha256:{digests[-1]}"}]}))
    return layout


def test_an_unpacked_image_is_the_result_of_its_layers(tmp_path):
    layout = two_layers(tmp_path, ("changed", b"2"), (".wh.gone", b""), ("folder/.wh.gone", b""), ("new", b"2"))
    oci.unpack(layout, tmp_path / "root")
    files = {
        p.relative_to(tmp_path / "root").as_posix(): p.read_bytes() for p in tmp_path.rglob("root/**/*") if p.is_file()
    }
    assert files == {"kept": b"1", "changed": b"2", "folder/kept": b"1", "new": b"2"}


def test_an_opaque_whiteout_is_rejected(tmp_path):
    with pytest.raises(ValueError, match="hides"):
        oci.unpack(two_layers(tmp_path, ("folder/.wh..wh..opq", b"")), tmp_path / "root")
