"""Reasons about the object and the installation."""

from inference_image_contract.reasons.explained.explanation import Explanation
from inference_image_contract.reasons.reason import Reason

EXPLAINED = {
    Reason.INTERNAL_ERROR: Explanation(
        "A step failed with an unexpected error.",
        "Report it with the log of the Job: it is a defect of this project.",
    ),
    Reason.BUILDER_NOT_ALLOWED: Explanation(
        "The installation does not allow `spec.build.builder`.",
        "Leave it out, or ask the administrator (`config.builders.allowed`).",
    ),
    Reason.ENDPOINT_NOT_ALLOWED: Explanation(
        "The installation does not allow `spec.ufile.endpoint`, or does not have this network of the region.",
        "Use `region`, or the other `network`, or ask the administrator (`config.ufile.allowedEndpoints`, "
        "`config.ufile.regions`).",
    ),
    Reason.REGION_UNKNOWN: Explanation(
        "The installation does not know `spec.ufile.region`; the message lists the known regions.",
        "Correct it, or ask the administrator (`config.ufile.regions`).",
    ),
    Reason.PIN_UNKNOWN: Explanation(
        "`spec.image.pin` names a digest that `status.history` does not list. The published image stays.",
        "Use a digest that `kubectl inferenceimage history` prints, or remove the field.",
    ),
    Reason.FORMAT_NOT_AVAILABLE: Explanation(
        "`spec.export.formats` contains ONNX, but the installation has no image for it.",
        "Leave ONNX out, or ask the administrator (`images.exportOnnx`).",
    ),
    Reason.SCHEDULING_NOT_ALLOWED: Explanation(
        "The installation does not allow the priority or runtime class.",
        "Leave it out, or ask the administrator (`config.scheduling`).",
    ),
    Reason.OBJECT_INVALID: Explanation(
        "The object does not fit the operator's version of the API; the message names the place. The CRD is of "
        "another version.",
        "Apply the CRD of the operator's version, then apply the object again.",
    ),
    Reason.RESOURCES_INVALID: Explanation(
        "A quantity in the resources is invalid.",
        "Use Kubernetes' notation, for example `500m` or `2Gi`.",
    ),
    Reason.RESOURCES_TOO_LARGE: Explanation(
        "The resources in the spec, or the memory that the model needs, exceed the installation's maximum.",
        "Request less, or ask the administrator (`config.jobs.maximum`); if you know that the model needs less, set "
        "`spec.export.resources` and `spec.test.resources`.",
    ),
    Reason.TIMED_OUT: Explanation(
        "The Job did not finish in time, pending time included.",
        "Raise `spec.export.timeout`, `spec.build.timeout` or `spec.test.timeout`, or give the stage more resources.",
    ),
    Reason.JOB_NAME_CONFLICT: Explanation(
        "A Job with the name that this stage needs exists and belongs to something else; the operator does not touch "
        "it.",
        "Delete that Job, then request a run.",
    ),
    Reason.JOB_INVALID: Explanation(
        "The API server rejects the Job; the message says why.",
        "Change the spec, usually below `scheduling` or `resources`.",
    ),
    Reason.INVALID_INPUT: Explanation(
        "A step cannot use its input: invalid keys or credentials, or images of different versions.",
        "Follow the hint; if it mentions versions, install all images from one chart.",
    ),
}
