"""The shards in an index file, and invalid indexes. The tests with TensorFlow read real ones."""

import pytest

from inference_image_contract.checkpoint_index import InvalidIndexError, is_object_based, model_bytes, shard_sizes
from tests.support.image_tables import MAGIC, entry, header, index, number, table


@pytest.mark.parametrize("sizes", [(8,), (1000, 2000, 4000), (1 << 33, 3), tuple(range(2, 40))])
def test_the_size_of_each_shard_is_where_its_last_tensor_ends(sizes):
    assert shard_sizes(index(*sizes)) == sizes


def test_a_shard_without_tensors_is_empty():
    data = table([[(b"", header(3)), (b"a", entry(2, 4, 6))]])
    assert shard_sizes(data) == (0, 0, 10)


def test_a_sliced_tensor_has_no_bytes_of_its_own():
    sliced = table([[(b"", header(1)), (b"a", entry(0, 0, 0)), (b"a\x00slice", entry(0, 0, 12))]])
    assert shard_sizes(sliced) == (12,)


def test_tensors_may_be_in_any_order():
    data = table([[(b"", header(1)), (b"a", entry(0, 100, 20)), (b"b", entry(0, 0, 100))]])
    assert shard_sizes(data) == (120,)


def test_a_compressed_table_is_unknown():
    assert shard_sizes(index(8, compression=1)) is None
    assert model_bytes(index(8, compression=1)) is None


def test_optimizer_slots_are_not_part_of_the_model():
    names = (b"conv/weights", b"conv/weights/ExponentialMovingAverage", b"conv/weights/Momentum", b"global_step")
    entries = [
        (name, entry(0, 100 * at, size)) for at, (name, size) in enumerate(zip(names, (64, 64, 64, 8), strict=True))
    ]
    assert model_bytes(table([[(b"", header(1)), *entries]])) == 72


def test_wide_fixed_fields_are_skipped():
    wide = header(1) + b"\x51" + b"\0" * 8  # field 10, 64 bits
    assert shard_sizes(table([[(b"", wide), (b"a", entry(0, 0, 7))]])) == (7,)


BAD = {
    "empty": (b"", "does not end"),
    "a text": (b"model_checkpoint_path" * 9, "does not end"),
    "cut short": (index(8)[:-1], "does not end"),
    "only a footer": (b"\0" * 40 + MAGIC, "points beyond its end"),
    "no header": (table([[(b"a", entry(0, 0, 5))]]), "names shard 0, but declares 0 shards"),
    "no entry": (table([]), "has no header"),
    "no shards": (table([[(b"", header(0))]]), "declares 0 shards"),
    "too many shards": (table([[(b"", header(100_000))]]), "declares 100000 shards"),
    "a shard beyond": (table([[(b"", header(2)), (b"a", entry(2, 0, 5))]]), "names shard 2, but declares 2 shards"),
    "a wrong wire type": (table([[(b"", b"\x0b")]]), "wire type 3"),
    "a value cut short": (table([[(b"", number(1, 300)[:-1])]]), "ends within"),
    "an endless number": (table([[(b"", b"\x08" + b"\xff" * 12)]]), "too long"),
    "a middle that is lost": (b"\0" * 30 + index(8)[-60:], "points beyond its end"),
    "zeros for a block": (b"\xff" * 60 + index(8)[60:], "has a"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_invalid_index_is_refused_with_the_reason(case):
    data, words = BAD[case]
    with pytest.raises(InvalidIndexError, match=words):
        shard_sizes(data)


def test_every_truncated_index_is_refused():
    whole = index(1000, 2000)
    for length in range(len(whole)):
        with pytest.raises(InvalidIndexError):
            shard_sizes(whole[:length])


def test_any_changed_byte_gives_a_size_or_an_explanation():
    """Any bytes give a size, None, or an explanation."""
    whole = index(1000, 2000)
    for position in range(len(whole)):
        for value in (0x00, 0x7F, 0xFF):
            changed = whole[:position] + bytes([value]) + whole[position + 1 :]
            try:
                found = shard_sizes(changed)
            except InvalidIndexError:
                continue
            assert found is None or all(size >= 0 for size in found)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((b"_CHECKPOINTABLE_OBJECT_GRAPH", b"model/a/.ATTRIBUTES/VARIABLE_VALUE"), True),
        ((b"_CHECKPOINTABLE_OBJECT_GRAPH", b"conv/weights"), False),
        ((b"conv/weights",), False),
        ((), False),
    ],
)
def test_tensors_named_after_objects_are_of_tensorflow_2(names, expected):
    assert is_object_based(table([[(b"", header(1)), *((name, entry(0, 0, 4)) for name in names)]])) is expected


def test_a_compressed_table_may_be_of_any_tensorflow():
    assert not is_object_based(index(8, compression=1))
