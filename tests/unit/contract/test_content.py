"""The content hash of an image, which is stable across releases, and the SHA-256 of an export's result."""

import hashlib

import msgspec

from inference_image_contract.content import content_hash, result_sha256
from inference_image_contract.inputs import Graph, OnnxModel, encode

GRAPH = Graph(key="out/graph.pb", sha256="a" * 64, size=5, tensorflow="2.21.0", readable_by="1.7", memory_bytes=9)
INPUTS = "sha256:" + "1" * 64


def test_golden_content_hash():
    expected = hashlib.sha256(f"{INPUTS}\n{'a' * 64}\n".encode()).hexdigest()
    assert content_hash(INPUTS, GRAPH) == f"sha256:{expected}"


def test_the_bytes_of_every_file_of_the_model_count_and_nothing_else_of_the_graph():
    onnx = OnnxModel(key="out/model.onnx", sha256="b" * 64, size=6, greatest_difference="1e-07")
    other = {
        content_hash("sha256:" + "2" * 64, GRAPH),
        content_hash(INPUTS, msgspec.structs.replace(GRAPH, sha256="c" * 64)),
        content_hash(INPUTS, msgspec.structs.replace(GRAPH, onnx=onnx)),
        content_hash(INPUTS, msgspec.structs.replace(GRAPH, onnx=msgspec.structs.replace(onnx, sha256="d" * 64))),
    }
    assert len(other | {content_hash(INPUTS, GRAPH)}) == 5
    moved = msgspec.structs.replace(GRAPH, key="elsewhere", memory_bytes=1, tensorflow="3")
    assert content_hash(INPUTS, moved) == content_hash(INPUTS, GRAPH)


def test_the_sha256_of_a_result_is_that_of_the_file():
    assert result_sha256(GRAPH) == hashlib.sha256(encode(GRAPH).encode()).hexdigest()
