"""The frozen graph's own answer to the sample: the reference for the built image."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from inference_image_contract.errors import StageError
from inference_image_contract.inputs import AnswerInput
from inference_image_contract.reasons import Reason
from inference_image_contract.results import Answered
from inference_image_export import fetch, label_map, picture, transfers, verify


def answer(stage: AnswerInput, folder: Path, target: Path) -> Answered:
    """Runs the graph that `sample` left in `folder`, without a key.

    Writes the graph's detections to `target`: a list of `{"id", "score", "box", "names"}`, best first.

    Raises StageError: `SampleInvalid`, `GraphInvalid`, `GraphUnsafe`, `LabelMapInvalid`.
    """
    input_lock = transfers.read_handed_lock(folder)
    batch = _batch(stage, (folder / transfers.PICTURE).read_bytes())
    names = label_map.names(fetch.label_map(folder), input_lock.label_map.key)
    (outputs,) = verify.run(folder / transfers.GRAPH, stage.input_type, [batch])
    found = [{**one, "names": names.get(one["id"], ())} for one in detections(outputs)]
    target.write_bytes(msgspec.json.encode(found))
    return Answered(detections=len(found))


def detections(outputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The detections in a batch's only picture, as plain values without padding."""
    count = int(outputs["num_detections"][0])
    columns = (outputs[f"detection_{name}"][0][:count].tolist() for name in ("classes", "scores", "boxes"))
    return [{"id": int(number), "score": score, "box": box} for number, score, box in zip(*columns, strict=True)]


def _batch(stage: AnswerInput, data: bytes) -> Any:  # noqa: ANN401 - as picture.feed_file
    import tensorflow as tf

    try:
        return picture.feed_file(stage.input_type, data)
    except tf.errors.OpError as error:
        raise StageError(
            Reason.SAMPLE_INVALID,
            f"TensorFlow cannot decode spec.test.sample {stage.sample}: {str(error).splitlines()[0]}",
            "Use a JPEG, PNG, BMP or GIF picture, or set spec.test.matchGraph to false.",
        ) from error
