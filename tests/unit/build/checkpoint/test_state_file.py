"""Which checkpoint the file `checkpoint` names, whatever machine wrote it, and when it is refused."""

import pytest

from inference_image_build.checkpoint.state_file import named
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

KEY = "uai/train/checkpoint"
NAMED = {
    "TensorFlow's": ('model_checkpoint_path: "model.ckpt-800"\nall_model_checkpoint_paths: "model.ckpt-400"\n', 800),
    "an absolute path": ('all_model_checkpoint_paths: "model.ckpt-1"\nmodel_checkpoint_path: "/out/model.ckpt-20"', 20),
    "step 0": ('model_checkpoint_path:"model.ckpt-0"', 0),
    "times": (
        'model_checkpoint_path: "model.ckpt-8"\nall_model_checkpoint_timestamps: 1.5e9\nlast_preserved_timestamp: 1.5',
        8,
    ),
    "a field of a later release": ('model_checkpoint_path: "model.ckpt-8"\nnew_field: { a: 1 }', 8),
    "Windows": (r'model_checkpoint_path: "D:\\work\\run2\\model.ckpt-800"' + "\r\n", 800),
    "Windows, edited by hand": (r'model_checkpoint_path: "D:\Users\xyz\200\model.ckpt-800"' + "\r\n", 800),
    "a share": (r'model_checkpoint_path: "\\\\server\\share\\model.ckpt-800"', 800),
    "a share, edited by hand": (r'model_checkpoint_path: "\\server\share\model.ckpt-800"', 800),
    "a relative path of Windows": (r"model_checkpoint_path: 'run2\model.ckpt-800'", 800),
    "both slashes": (r'model_checkpoint_path: "C:/work\\model.ckpt-800"', 800),
    "characters in octal": (r'model_checkpoint_path: "/\346\240\207/model.ckpt-800"', 800),
    "a quote": (r'model_checkpoint_path: "/it\'s/model.ckpt-800"', 800),
    "a comment": ('# copied\nmodel_checkpoint_path: "gs://bucket/model.ckpt-800"  ', 800),
}


@pytest.mark.parametrize("case", NAMED)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_name_counts(case, encoding):
    text, step = NAMED[case]
    assert named(text.encode(encoding), KEY) == f"model.ckpt-{step}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('model_checkpoint_path: "ckpt-5"', "ckpt-5"),
        ('model_checkpoint_path: "/zoo/model.ckpt"', "model.ckpt"),
        ('all_model_checkpoint_paths: "model.ckpt-1"', ""),
        ('model_checkpoint_path: ""', ""),
        ("", ""),
    ],
)
def test_other_names_and_none(text, name):
    assert named(text.encode(), KEY) == name


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'model_checkpoint_path: "model.ckpt-8', "line 1, column 24: String missing ending quote"),
        (b"model.ckpt-800\n", "line 1"),
        (b"\xff\x00\x00", "UTF-16"),
        (b'# \xd0\xce\nmodel_checkpoint_path: "model.ckpt-8"', "line 1, column 3: the byte 0xD0 here is not UTF-8"),
    ],
)
def test_an_unreadable_file_is_refused(data, words):
    with pytest.raises(StageError) as caught:
        named(data, KEY)
    assert caught.value.reason == Reason.CHECKPOINT_STATE_INVALID
    assert caught.value.message.startswith(
        f"{KEY}, in which the training records its newest checkpoint, cannot be read"
    )
    assert words in caught.value.message
    assert "spec.model.checkpoint.step" in caught.value.hint
