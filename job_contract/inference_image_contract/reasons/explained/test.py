"""Reasons about the built image under test."""

from inference_image_contract.reasons.explained.explanation import Explanation
from inference_image_contract.reasons.reason import Reason

EXPLAINED = {
    Reason.IMAGE_DOES_NOT_START: Explanation(
        "The built image exits right after its start; the message has its last line, and `lastFailure.logTail` more "
        "of its log.",
        "Fix the code, or CMD and ENTRYPOINT of the Dockerfile.",
    ),
    Reason.IMAGE_LISTENS_ON_LOOPBACK: Explanation(
        "The image listens on 127.0.0.1 or ::1 only. The test asks at the pod's address, as clients do.",
        "Listen on `0.0.0.0`, or `::` for IPv6.",
    ),
    Reason.IMAGE_DOES_NOT_LOAD: Explanation(
        "The image runs, but did not become ready in time; the message has its last response.",
        "Check `spec.test.port` and `readyPath`, or raise `spec.test.timeout`.",
    ),
    Reason.IMAGE_DOES_NOT_ANSWER: Explanation(
        "The image was ready, but closed the connection when it received the picture.",
        "Fix the code: the log of the container `image` shows why it ended.",
    ),
    Reason.IMAGE_ANSWERS_LATE: Explanation(
        "The image was ready, but did not respond to the picture in time.",
        "Raise `spec.test.timeout`, or make the response faster.",
    ),
    Reason.IMAGE_ANSWERS_WRONG: Explanation(
        "The response has an unexpected status or no body, lacks a field of `spec.test.expect` (or is not JSON "
        "although fields are expected), or differs from the frozen graph's detections (`matchGraph`).",
        "Check `spec.test` and the code.",
    ),
    Reason.SAMPLE_INVALID: Explanation(
        "TensorFlow cannot decode `spec.test.sample`, so there is nothing to compare with (`matchGraph`).",
        "Name another picture, or set `matchGraph` to false.",
    ),
}
