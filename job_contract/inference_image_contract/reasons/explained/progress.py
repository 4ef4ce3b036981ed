"""Reasons of a run that works or waits."""

from inference_image_contract.reasons.explained.explanation import Explanation
from inference_image_contract.reasons.reason import Reason

EXPLAINED = {
    Reason.PENDING: Explanation(
        "The stage has not started in this run.",
        "Nothing.",
    ),
    Reason.RESOLVING: Explanation(
        "The Resolve Job pins every input and checks for errors that would fail a later stage.",
        "Wait.",
    ),
    Reason.EXPORTING: Explanation(
        "The Export Job turns the checkpoint into a frozen graph and runs it on one picture.",
        "Wait.",
    ),
    Reason.BUILDING: Explanation(
        "The builder builds the image and pushes it under a content tag.",
        "Wait.",
    ),
    Reason.TESTING: Explanation(
        "The Test Job sends the built image a request.",
        "Wait.",
    ),
    Reason.PUBLISHING: Explanation(
        "The Publish Job moves the tags to the image.",
        "Wait.",
    ),
    Reason.RESOLVED: Explanation(
        "Every input is pinned.",
        "Nothing.",
    ),
    Reason.EXPORTED: Explanation(
        "The frozen graph is in US3 and has run on one picture.",
        "Nothing.",
    ),
    Reason.BUILT: Explanation(
        "The registry serves the image; none of your tags has moved yet.",
        "Nothing.",
    ),
    Reason.ANSWERED: Explanation(
        "The image passed its test.",
        "Nothing.",
    ),
    Reason.TEST_DISABLED: Explanation(
        "The image was published without a test, because `spec.test.enabled` is false.",
        "Nothing, or enable the test.",
    ),
    Reason.REUSED: Explanation(
        "The stage was skipped: its result for this content exists.",
        "Nothing.",
    ),
    Reason.PUBLISHED: Explanation(
        "The tags point to the digest in `status.image`; Ready is True.",
        "Use the image.",
    ),
    Reason.TAG_MOVED: Explanation(
        "An Event: a tag pointed to another digest, which the message names, and now points to this one.",
        "Nothing, or give each InferenceImage its own tags.",
    ),
    Reason.TAG_TAKEN: Explanation(
        "In `TagLost`: another InferenceImage moved a tag of this one to its own image; the message names both. The "
        "image of this object is still published under its digest.",
        "Give each InferenceImage its own tags. Request a run to take the tag back.",
    ),
    Reason.NEW_CONTENT: Explanation(
        "An Event: polling found a newer step, or other code, labels or base image; a new run builds it.",
        "Nothing.",
    ),
    Reason.OLD_IMAGES_DELETED: Explanation(
        "An Event: retention (`config.registries.keepContentTags`) deleted [old content "
        "tags](../guides/registries.md#old-images), or the message says why it could not.",
        "Nothing; if the registry refuses deletion, clean up there.",
    ),
    Reason.SUSPENDED: Explanation(
        "`spec.suspend` is true: a running Job finishes, and no new Job is created.",
        "Set it to false to continue.",
    ),
    Reason.PINNED: Explanation(
        "`spec.image.pin` holds an image of the history: [nothing is polled or "
        "built](../guides/usage.md#pinning-an-image).",
        "Remove it to go on with new content.",
    ),
    Reason.ROLLING_OUT: Explanation(
        "In `RolledOut`: the target of `spec.rollout` gets the image, or it has it and is not available yet.",
        "Wait.",
    ),
    Reason.ROLLED_OUT: Explanation(
        "[The target of `spec.rollout`](../guides/rollout.md) has the image; a Deployment or InferenceService is "
        "available with it.",
        "Nothing.",
    ),
    Reason.RETRYING: Explanation(
        "A stage failed and is retried after a pause; Ready has the reason of the failure.",
        "Wait, or act on that reason.",
    ),
    Reason.QUEUED: Explanation(
        "The maximum number of pipelines is running (`config.concurrency`); the message shows the place in the queue.",
        "Wait.",
    ),
}
