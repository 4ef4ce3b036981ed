"""The metadata of an object: its SHA-256, and what the caller adds."""

import pytest

from inference_image_store.upload import content


def told(store, key: str) -> dict[str, str]:
    with store._wire.send("HEAD", key) as answer:
        return {name: value for name, value in answer.headers.items() if name.startswith("X-Ufile-Meta-")}


@pytest.mark.parametrize("in_parts", [False, True], ids=["at once", "in parts"])
def test_metadata_is_stored_beside_the_checksum(store, tmp_path, monkeypatch, in_parts):
    monkeypatch.setattr(content, "SINGLE_PUT", 0 if in_parts else 1 << 20)
    (tmp_path / "file").write_bytes(b"graph")
    info = store.upload(tmp_path / "file", "a", metadata={"Checkpoint-Step": "800"})
    assert told(store, "a") == {"X-Ufile-Meta-Sha256": info.sha256, "X-Ufile-Meta-Checkpoint-Step": "800"}


def test_a_copy_has_the_given_metadata(store):
    info = store.write(b"graph", "a")
    store.copy("a", "b", metadata={"Checkpoint-Step": "900"})
    assert told(store, "b") == {"X-Ufile-Meta-Sha256": info.sha256, "X-Ufile-Meta-Checkpoint-Step": "900"}


def test_without_metadata_only_the_checksum_is_stored(store):
    info = store.write(b"graph", "a")
    assert told(store, "a") == {"X-Ufile-Meta-Sha256": info.sha256}
