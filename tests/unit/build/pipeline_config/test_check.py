"""What is checked in a pipeline config: accepted, or refused with reason, line, column, words and remedy."""

import re
import time
from pathlib import Path

import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_image_build.pipeline_config import check, schema
from inference_image_build.pipeline_config.textproto import TextprotoError
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

KEY = "uai/train/pipeline.config"
ROOT = Path(__file__).parents[4]
EXAMPLE = (ROOT / "examples/object-detect/training/pipeline.config").read_text("utf-8")
SSD = """\
model {
  ssd {
    num_classes: 3
    image_resizer { fixed_shape_resizer { height: 128 width: 128 } }
    feature_extractor {
      type: 'ssd_mobilenet_v1'
    }
    box_predictor { convolutional_box_predictor { } }
    anchor_generator { ssd_anchor_generator { aspect_ratios: 1.0 } }
    box_coder { faster_rcnn_box_coder { } }
    matcher { argmax_matcher { } }
    similarity_calculator { iou_similarity { } }
    loss { classification_loss { weighted_sigmoid { } } localization_loss { weighted_l2 { } } }
  }
}
"""
FASTER_RCNN = """\
model {
  faster_rcnn {
    num_classes: 90
    image_resizer { keep_aspect_ratio_resizer { } }
    feature_extractor { type: 'faster_rcnn_resnet50' }
    first_stage_anchor_generator { grid_anchor_generator { } }
    second_stage_box_predictor { mask_rcnn_box_predictor { } }
  }
}
"""
INVALID, UNKNOWN, UNSUPPORTED = (
    Reason.PIPELINE_CONFIG_INVALID,
    Reason.PIPELINE_CONFIG_UNKNOWN_FIELD,
    Reason.MODEL_UNSUPPORTED,
)


def ssd(old: str, new: str) -> str:
    assert SSD.count(old) == 1
    return SSD.replace(old, new)


def refused(text: str | bytes) -> StageError:
    with pytest.raises(StageError) as caught:
        check(text if isinstance(text, bytes) else text.encode(), KEY)
    return caught.value


ACCEPTED = {
    "the example's": (EXAMPLE, 3),
    "SSD": (SSD, 3),
    "Faster R-CNN": (FASTER_RCNN, 90),
    "a comment, which may say anything": (f"# num_clases {{ \n{SSD}", 3),
    "a colon before a block": (SSD.replace(" {", ": {"), 3),
    "angle brackets": (SSD.replace("{", "<").replace("}", ">"), 3),
    "commas and semicolons": (ssd("num_classes: 3", "num_classes: 3,").replace("128 w", "128; w"), 3),
    "a list": (ssd("aspect_ratios: 1.0", "aspect_ratios: [0.5, 1, 2e0]"), 3),
    "a repeated field": (ssd("aspect_ratios: 1.0", "aspect_ratios: 1.0 aspect_ratios: 2"), 3),
    "a string in two parts": (ssd("'ssd_mobilenet_v1'", "'ssd_' \"mobilenet_v1\""), 3),
    "a hexadecimal number": (ssd("num_classes: 3", "num_classes: 0x10"), 16),
    "an octal number": (ssd("num_classes: 3", "num_classes: 010"), 8),
    "a negative and an infinite number": (f"{SSD}train_config {{ gradient_clipping_by_norm: -inf }}", 3),
    "an enum value by its number": (ssd("height: 128", "height: 128 resize_method: 1"), 3),
    "a space that is not ASCII": (ssd("num_classes: 3", "num_classes:\N{NO-BREAK SPACE}3"), 3),
    "Windows' line ends": (SSD.replace("\n", "\r\n"), 3),
    "a byte order mark": (f"\N{BYTE ORDER MARK}{SSD}", 3),
    "a path of Windows with doubled backslashes": (
        SSD + r"train_config { fine_tune_checkpoint: 'C:\\Users\\me\\model.ckpt' }",
        3,
    ),
    "a path of Windows that happens to have no escapes": (
        SSD + r"train_config { fine_tune_checkpoint: 'C:\me\model.ckpt' }",
        3,
    ),
    "the last field first": (f"eval_config {{ use_moving_averages: true }}\n{SSD}", 3),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepts(case):
    text, number = ACCEPTED[case]
    assert check(text.encode(), KEY).number == number


def test_gives_the_line_of_the_number_of_classes():
    assert check(f"# head\n\n{SSD}".encode(), KEY).line == 5


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_accepts_what_windows_writes(encoding):
    assert check(SSD.replace("\n", "\r\n").encode(encoding), KEY) == (3, 3)


REFUSED = {
    "a field of an older release": (
        ssd("type: 'ssd_mobilenet_v1'", "type: 'ssd_mobilenet_v1'\n      batch_norm_trainable: true"),
        (UNKNOWN, 7, 7, "no field `batch_norm_trainable`: it is a field of an older release (remove the line)."),
        "Remove the lines of older releases",
    ),
    "a field of an older release that has another name now": (
        FASTER_RCNN.replace("num_classes: 90", "num_classes: 90\n    first_stage_only: true"),
        (UNKNOWN, 4, 5, "it is a field of an older release (write `number_of_stages: 1` in its place)."),
        "Remove the lines of older releases",
    ),
    "a field that a newer release added": (
        ssd("num_classes: 3", "num_classes: 3\n    return_raw_detections_during_predict: true"),
        (UNKNOWN, 4, 5, "no field `return_raw_detections_during_predict`: it is a field of a newer release."),
        "remove fields of newer releases",
    ),
    "a path of Windows": (
        SSD + "train_config {\n" + r"  fine_tune_checkpoint: 'C:\Users\me\model.ckpt'" + "\n}",
        (INVALID, 17, 25, "`train_config.fine_tune_checkpoint`: the string contains a backslash that begins no escape"),
        "Fix this",
    ),
    "another path of Windows": (
        SSD + r"train_config { fine_tune_checkpoint: 'D:\xyz\1' }",
        (INVALID, 16, 38, "write paths with `/`, or double each backslash"),
        "Fix this",
    ),
    "a folder of Windows": (
        SSD + r"""train_config { fine_tune_checkpoint: "D:\data\" }""",
        (INVALID, 16, 38, "a backslash before a quote does not end it: write paths with `/`"),
        "Fix this",
    ),
    "a colon of an input method": (
        ssd("num_classes: 3", "num_classes\N{FULLWIDTH COLON}3"),
        (INVALID, 3, 16, "unexpected character '\N{FULLWIDTH COLON}': type ':'"),
        "Fix this",
    ),
    "UTF-16 without a mark": (
        SSD.encode("utf-16-le"),
        (INVALID, 1, 2, "UTF-16 without a byte order mark"),
        "Fix this",
    ),
    "an unknown field": (
        ssd("num_classes: 3", "num_classes: 3\n    scale_loss: true"),
        (UNKNOWN, 4, 5, "`model.ssd` has no field `scale_loss`"),
        "newer releases (under `model`, only",
    ),
    "a misspelt field": (
        ssd("num_classes: 3", "num_clases: 3"),
        (UNKNOWN, 3, 5, "no field `num_clases`; did you mean `num_classes`?"),
        "Fix misspelt names",
    ),
    "an unknown field of the training": (
        f"{SSD}train_config {{ fine_tune_checkpoint_version: V2 }}",
        (UNKNOWN, 16, 16, "`train_config` has no field `fine_tune_checkpoint_version`"),
        "which the model does not need here",
    ),
    "an unknown block": (f"{SSD}training {{ }}", (UNKNOWN, 16, 1, "there is no field `training`"), "autumn 2019"),
    "an extension": (f"{SSD}[a.b] {{ c: 1 }}", (UNKNOWN, 16, 1, "there is no field `[a.b]`"), "autumn 2019"),
    "a number for a name": (f"{SSD}1: 2", (UNKNOWN, 16, 1, "there is no field `1`"), "autumn 2019"),
    "an architecture of a newer release": (
        "model {\n  center_net { num_classes: 3 feature_extractor { type: 'resnet_v2_50' } } }",
        (UNSUPPORTED, 2, 3, "`model` describes `center_net`"),
        "train a model of one of its types",
    ),
    "a misspelt architecture": (
        "model { faster_rccn { num_classes: 3 } }",
        (UNKNOWN, 1, 9, "did you mean `faster_rcnn`?"),
        "Fix misspelt names",
    ),
    "a feature extractor of a newer release": (
        ssd("ssd_mobilenet_v1", "ssd_mobilenet_v3"),
        (UNSUPPORTED, 6, 7, "no feature extractor `ssd_mobilenet_v3` for `ssd` in the Object Detection API"),
        "ssd_mobilenet_v2,",
    ),
    "a feature extractor of TensorFlow 2": (
        ssd("ssd_mobilenet_v1", "ssd_resnet50_v1_fpn_keras"),
        (UNSUPPORTED, 6, 7, "autumn 2019)."),
        "Train a model with a feature extractor that the export builds",
    ),
    "a misspelt feature extractor": (
        ssd("ssd_mobilenet_v1", "ssd_mobilnet_v1"),
        (UNSUPPORTED, 6, 7, "did you mean `ssd_mobilenet_v1`?"),
        "if only the config is wrong, fix and upload it",
    ),
    "a feature extractor that lives on what TensorFlow 2 lost": (
        ssd("ssd_mobilenet_v1", "ssd_pnasnet"),
        (UNSUPPORTED, 6, 7, "`ssd_pnasnet` needs parts of TensorFlow 1"),
        "Train a model",
    ),
    "a feature extractor of the other architecture": (
        ssd("ssd_mobilenet_v1", "faster_rcnn_resnet50"),
        (UNSUPPORTED, 6, 7, "belongs to `faster_rcnn`, not to `ssd`"),
        "Train a model",
    ),
    "quantization": (
        f"{SSD}graph_rewriter {{ quantization {{ delay: 1 }} }}",
        (UNSUPPORTED, 16, 1, "`graph_rewriter` requests quantization"),
        "Remove the block",
    ),
    "no feature extractor": (
        ssd("type: 'ssd_mobilenet_v1'", ""),
        (INVALID, 5, 5, "`model.ssd.feature_extractor.type` is missing"),
        "training wrote",
    ),
    "nothing": ("", (INVALID, 1, 1, "the config describes no model"), "training wrote"),
    "an empty model": ("# head\nmodel {}", (INVALID, 2, 1, "the config describes no model"), "training wrote"),
    "two models": (f"{SSD}model {{ }}", (INVALID, 16, 1, "`model` is set again, after line 1"), "Fix this"),
    "two architectures": (
        "model { ssd { }\n faster_rcnn { } }",
        (INVALID, 2, 2, "`model.faster_rcnn` excludes `ssd` of line 1: only one of faster_rcnn, ssd"),
        "Fix this",
    ),
    "no number of classes": (
        ssd("num_classes: 3", ""),
        (INVALID, 2, 3, "`model.ssd.num_classes` is missing: a positive integer is expected"),
        "Fix this",
    ),
    "no class": (ssd("num_classes: 3", "num_classes: 0"), (INVALID, 3, 5, "num_classes` is 0"), "Fix this"),
    "less than no class": (ssd("num_classes: 3", "num_classes: -1"), (INVALID, 3, 5, "is -1"), "Fix this"),
    "a number of classes twice": (
        ssd("num_classes: 3", "num_classes: 3\n    num_classes: 3"),
        (INVALID, 4, 5, "`model.ssd.num_classes` is set again, after line 3"),
        "Fix this",
    ),
    "a string for an integer": (
        ssd("num_classes: 3", "num_classes: '3'"),
        (INVALID, 3, 18, "`model.ssd.num_classes` takes an integer: Couldn't parse integer: '3'."),
        "Fix this",
    ),
    "a fraction for an integer": (ssd("num_classes: 3", "num_classes: 3.5"), (INVALID, 3, 18, "3.5"), "Fix this"),
    "an integer out of range": (
        ssd("num_classes: 3", "num_classes: 3000000000"),
        (INVALID, 3, 18, "Value out of range: 3000000000"),
        "Fix this",
    ),
    "a list for one value": (
        ssd("num_classes: 3", "num_classes: [3]"),
        (INVALID, 3, 18, "takes an integer"),
        "Fix this",
    ),
    "a block for an integer": (
        ssd("num_classes: 3", "num_classes { }"),
        (INVALID, 3, 17, "`model.ssd.num_classes` takes an integer"),
        "Fix this",
    ),
    "a word for a string": (
        ssd("'ssd_mobilenet_v1'", "ssd_mobilenet_v1"),
        (INVALID, 6, 13, "a string in quotes"),
        "Fix this",
    ),
    "a word for a number": (ssd("1.0", "one"), (INVALID, 9, 62, "takes a number"), "Fix this"),
    "a word for true or false": (
        ssd("num_classes: 3", "num_classes: 3 freeze_batchnorm: maybe"),
        (INVALID, 3, 38, "takes true or false"),
        "Fix this",
    ),
    "a value for a block": (
        ssd("{ argmax_matcher { } }", ": 3"),
        (INVALID, 11, 15, "takes a block { ... }"),
        "Fix this",
    ),
    "an unknown enum value": (
        ssd("height: 128", "height: 128 resize_method: LANCZOS"),
        (
            INVALID,
            4,
            55,
            "`model.ssd.image_resizer.fixed_shape_resizer.resize_method` cannot be `LANCZOS`, only BILINEAR",
        ),
        "Fix this",
    ),
    "a misspelt enum value": (
        ssd("height: 128", "height: 128 resize_method: BILINEER"),
        (INVALID, 4, 55, "did you mean `BILINEAR`?"),
        "Fix this",
    ),
    "an unknown number of an enum": (
        ssd("height: 128", "height: 128 resize_method: 77"),
        (INVALID, 4, 70, "takes one of BILINEAR"),
        "Fix this",
    ),
    "no choice": (
        ssd("iou_similarity { }", ""),
        (INVALID, 12, 5, "`model.ssd.similarity_calculator` chooses none of neg_sq_dist_similarity"),
        "Fix this",
    ),
    "an open brace": (
        SSD.rstrip().removesuffix("}"),
        (INVALID, 15, 1, "the text ends before the closing '}'"),
        "Fix this",
    ),
    "a brace too many": (f"{SSD}}}", (INVALID, 16, 1, "a field name was expected, not '}'"), "Fix this"),
    "a string without an end": (
        ssd("v1'", "v1"),
        (INVALID, 6, 13, "the string is not closed in this line."),
        "Fix this",
    ),
    "a byte that is not UTF-8": (
        b"# caf\xe9\n" + SSD.encode(),
        (INVALID, 1, 6, "the byte 0xE9 here is not UTF-8; the encoding of the file is GBK"),
        "Fix this",
    ),
    "a string that is not UTF-8": (
        ssd("'ssd_mobilenet_v1'", r"'\xff'"),
        (UNSUPPORTED, 6, 7, "`\ufffd`"),
        "Train a model",
    ),
    "nesting without end": ("model {" * 70, (INVALID, 1, 456, "nested deeper than 64"), "Fix this"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case):
    text, (reason, line, column, words), remedy = REFUSED[case]
    failure = refused(text)
    assert failure.reason == reason
    assert failure.message.startswith(f"{KEY}, line {line}, column {column}: ")
    assert words in failure.message
    assert remedy in failure.hint
    assert "requestedAt" in failure.hint or "train a model of one of its types" in failure.hint


def test_the_parser_is_the_exporters():
    locks = [(ROOT / f"requirements/{name}.txt").read_text("utf-8") for name in ("build", "export", "dev")]
    assert len({re.findall(r"^protobuf==\S+", lock, re.MULTILINE)[0] for lock in locks}) == 1


@pytest.mark.parametrize("part", ["image_resizer", "box_coder", "matcher", "box_predictor", "anchor_generator", "loss"])
def test_every_part_of_an_ssd_has_to_be_chosen(part):
    line = next(line for line in SSD.splitlines() if line.strip().startswith(f"{part} "))
    assert f"`model.ssd.{part}" in refused(ssd(line, "")).message


@pytest.mark.parametrize("part", ["image_resizer", "first_stage_anchor_generator", "second_stage_box_predictor"])
def test_every_part_of_a_faster_rcnn_has_to_be_chosen(part):
    line = next(line for line in FASTER_RCNN.splitlines() if line.strip().startswith(f"{part} "))
    assert f"`model.faster_rcnn.{part}" in refused(FASTER_RCNN.replace(line, "")).message


def test_all_findings_of_one_reason_are_reported_at_once():
    message = refused(
        SSD.replace("num_classes: 3", "num_classes: 3 new_1: 1").replace(" matcher {", " matcher { new_2: 1")
    ).message
    assert message == (
        f"{KEY}, line 3, column 20: `model.ssd` has no field `new_1`. "
        "Line 11, column 15: `model.ssd.matcher` has no field `new_2`."
    )


def test_unsupported_models_are_reported_before_fixable_fields():
    text = ssd("ssd_mobilenet_v1", "ssd_pnasnet").replace("num_classes: 3", "num_clases: 3")
    failure = refused(text)
    assert failure.reason == UNSUPPORTED
    assert "num_clases" not in failure.message


def test_many_findings_are_counted_up_to_a_limit():
    assert refused("a: 1 " * 12).message.endswith("And 7 more.")
    assert refused("a: 1 " * 60).message.endswith("And many more.")


@pytest.mark.parametrize(
    "text",
    [
        "a: 1 " * 200_000,
        "a {" * 300_000,
        "{" * 1_000_000,
        "train_config { fine_tune_checkpoint: '" + r"\n" * 500_000 + "' }",
        "train_config { fine_tune_checkpoint: " + "'' " * 300_000 + " }",
        f"{'x' * 1_000_000}: 1",
        ssd("ssd_mobilenet_v1", "x" * 1_000_000),
        ssd("num_classes: 3", f"num_classes: {'9' * 1_000_000}"),
    ],
    ids=["fields", "blocks", "braces", "escapes", "strings", "a name", "a type", "a number"],
)
def test_a_mebibyte_of_any_text_is_checked_quickly_and_reported_briefly(text):
    start = time.process_time()  # seconds of this process: what others do meanwhile counts for nothing
    failure = refused(text)
    assert time.process_time() - start < 20
    assert len(failure.message) + len(failure.hint) < 2500


PIECES = st.sampled_from(
    [
        *"{}<>[]:,;'\"#-+.\n \t",
        *(
            "0",
            "1.5",
            "-inf",
            "true",
            "RELU",
            "'a'",
            "'",
            r"\x",
            r"'\xff'",
            "\N{NO-BREAK SPACE}",
            "\N{REPLACEMENT CHARACTER}",
        ),
        *("model", "ssd", "num_classes", "type", "matcher", "unknown", "[a.b]", "\xe9", "/", "0x", "09", "1e400"),
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_any_text_is_accepted_or_refused_with_a_line_of_it(text):
    failure = refused(text)  # too short for a whole config
    assert 1 <= int(failure.message.split("line ")[1].split(",")[0]) <= text.count("\n") + 1


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """The example's config with a few pieces inserted, each replacing some characters."""
    text = EXAMPLE
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(PIECES) + text[start + draw(st.integers(0, 6)) :]
    return text


def outcome(text: str) -> StageError | None:
    try:
        check(text.encode(), KEY)
    except StageError as failure:
        return failure
    return None


@settings(deadline=None)
@given(spoilt())
def test_refuses_exactly_what_the_exporter_cannot_parse(text):
    failure = outcome(text)
    assert failure is None or failure.message.startswith(f"{KEY}, line ")
    try:
        text_format.Parse(text, schema.root()())
    except text_format.ParseError:
        assert failure is not None, "the exporter cannot read what was accepted"
        return
    form = failure is not None and isinstance(failure.__cause__, TextprotoError)
    assert not form, "the exporter reads it, the resolve step does not"
