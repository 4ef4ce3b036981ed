"""Reasons about the rollout."""

from inference_image_contract.reasons.explained.explanation import Explanation
from inference_image_contract.reasons.reason import Reason

EXPLAINED = {
    Reason.ROLLED_BACK: Explanation(
        "The Deployment or InferenceService was not available with the image within `spec.rollout.timeout`, or "
        "exceeded its `progressDeadlineSeconds`. It has the image before again; the message has the words of the "
        "newest pod.",
        "Correct what the pod says, then publish another image, or request a run to try the same one again.",
    ),
    Reason.ROLLOUT_NOT_AVAILABLE: Explanation(
        "The same, but the target had no other image before.",
        "Correct what the pod says, then request a run.",
    ),
    Reason.ROLLOUT_REPLACED: Explanation(
        "Another client changed the image of the target during the rollout. It stays as that client set it.",
        "Let only one of them change the image. Request a run to roll it out again.",
    ),
    Reason.ROLLOUT_NOT_AGREED: Explanation(
        "The target has no annotation `uai.ucloud.cn/rollout-from` with the name of the InferenceImage.",
        "Set it, if the InferenceImage may decide what the target runs.",
    ),
    Reason.ROLLOUT_TARGET_NOT_FOUND: Explanation(
        "The target does not exist, the Deployment has no such container, or the InferenceService has a custom "
        "predictor in place of [`spec.predictor.model`](../guides/rollout.md#an-inferenceservice).",
        "Create or correct it, or correct `spec.rollout`.",
    ),
    Reason.ROLLOUT_KIND_NOT_SERVED: Explanation(
        "The cluster has no InferenceServices: KServe is not installed.",
        "Install KServe, or hand the image to another kind.",
    ),
    Reason.ROLLOUT_CONFLICT: Explanation(
        "Another field manager owns the image of the target; the message names it. The operator takes no field.",
        "[Hand the field over](../guides/rollout.md#a-deployment), or use a ConfigMap.",
    ),
    Reason.ROLLOUT_REFUSED: Explanation(
        "The API server, or a webhook, refuses the change of the target; the message has its words.",
        "Act on the message.",
    ),
    Reason.ROLLOUT_NOT_ALLOWED: Explanation(
        "The installation does not allow the kind of the target.",
        "Ask the administrator (`config.rollout.allowed`).",
    ),
}
