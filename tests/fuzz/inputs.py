"""Inputs for a parser: examples with changes, words of its language in any order, and any bytes."""

from collections.abc import Sequence

from hypothesis import strategies as st

MAX_BYTES = 32 * 1024
_REPEATS = st.sampled_from([1, 1, 1, 2, 3, 50, 2000])


def inputs(examples: Sequence[bytes], words: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Bytes up to `MAX_BYTES`. A parser goes deepest into a valid example with a few changes."""
    piece = st.one_of(st.sampled_from(list(words)), st.binary(max_size=8))
    repeated = st.builds(lambda data, times: data * times, piece, _REPEATS)
    spoken = st.lists(repeated, max_size=30).map(b"".join)
    changed = st.builds(_changed, st.sampled_from(list(examples)), st.lists(_change(repeated), max_size=4))
    return st.one_of(changed, changed, spoken, st.binary(max_size=200)).map(lambda data: data[:MAX_BYTES])


def _change(new: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[float, int, bytes]]:
    """Where, how many bytes go, and what comes."""
    return st.tuples(st.floats(0, 1), st.sampled_from([0, 0, 1, 2, 4, 16, 1000]), new)


def _changed(example: bytes, changes: Sequence[tuple[float, int, bytes]]) -> bytes:
    for where, gone, new in changes:
        at = int(where * len(example))
        example = example[:at] + new + example[at + gone :]
    return example
