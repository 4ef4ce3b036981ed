"""Reasons about US3 (formerly UFile), the checkpoint and the graph."""

from inference_image_contract.reasons.explained.explanation import Explanation
from inference_image_contract.reasons.reason import Reason

EXPLAINED = {
    Reason.OBJECT_RESTORING: Explanation(
        "Archived inputs are being restored, as `spec.ufile.restore` requests; the message names them. A Job checks "
        "them repeatedly, which does not count as an attempt ([us3.md](../guides/us3.md#archived-objects)).",
        "Wait: 15 minutes for Expedited, 1 to 5 hours for Standard.",
    ),
    Reason.UFILE_UNAVAILABLE: Explanation(
        "US3 does not respond, or responds with a server error.",
        "Check `spec.ufile.region` or `endpoint`, the [proxy](../operations/transfers.md#a-proxy-and-a-custom-ca), "
        "the network policy and the service's state.",
    ),
    Reason.OBJECT_CORRUPT: Explanation(
        "The bytes of an object do not match its ETag or checksum.",
        "Upload the object again with the SDK of US3 or in the console.",
    ),
    Reason.UFILE_FORBIDDEN: Explanation(
        "US3 refused the keys, or a token lacks a right; the message names the operation and the key.",
        "Correct `publicKey` and `privateKey` in the Secret of `spec.ufile.secretRef`, or [the token's "
        "rights](../guides/us3.md#the-least-rights), then request a run.",
    ),
    Reason.SECURITY_TOKEN_REFUSED: Explanation(
        "The temporary keys (STS) have expired, or do not belong to their security token.",
        "Put new `publicKey`, `privateKey` and `securityToken` into the Secret of `spec.ufile.secretRef`, then "
        "request a run.",
    ),
    Reason.OVERWRITE_FORBIDDEN: Explanation(
        "An object with other content has the key of a result, and the token must not overwrite it. As an Event: the "
        "tutorial's key keeps another graph; the run did not fail.",
        "Delete the object that the message names, or allow the token to overwrite.",
    ),
    Reason.OBJECT_ARCHIVED: Explanation(
        "The run needs objects of the storage class ARCHIVE; the message names them.",
        "Set `spec.ufile.restore`, restore them in the console, or upload them again "
        "([us3.md](../guides/us3.md#archived-objects)).",
    ),
    Reason.RESTORE_TIMED_OUT: Explanation(
        "The restore of archived inputs took longer than the installation's limit (`config.ufile.restore`).",
        "Check the objects in the console; once they are readable, request a run.",
    ),
    Reason.BUCKET_NOT_FOUND: Explanation(
        "The bucket does not exist at this endpoint.",
        "Correct `spec.ufile.bucket` or the region, or create the bucket.",
    ),
    Reason.OBJECT_NOT_FOUND: Explanation(
        "The pipeline config, the label map or the sample does not exist.",
        "Correct the key in the spec, or upload the object and request a run.",
    ),
    Reason.UNSAFE_KEY: Explanation(
        "A key or path cannot safely become a file name, or is where the build puts the model.",
        r"Rename the object: no leading `/`, no empty, `.` or `..` segment, no `\`, no control character "
        "([build.md](../guides/build.md#sources)).",
    ),
    Reason.LIMIT_EXCEEDED: Explanation(
        "The source, an object or an input lock is too large, there are too many objects, or the disk has no room.",
        "Keep the source in its own folder, without data and results; request more `ephemeral-storage`; or raise "
        "[`config.ufile.limits`](../operations/transfers.md#limits).",
    ),
    Reason.CHECKPOINT_NOT_FOUND: Explanation(
        "There is no such checkpoint; the message says what lies under the prefix: other steps, a checkpoint without "
        "a step, folders, a frozen graph, an archive.",
        "Do what the hint says: set `spec.model.checkpoint` (`step`, or `name` for a checkpoint without a step) or "
        "`spec.model.prefix`.",
    ),
    Reason.CHECKPOINT_OLDER: Explanation(
        "`policy: Latest`: the newest complete checkpoint is older than the published one, whose files are gone or "
        "damaged. The operator does not go back by itself. As an Event: a run that was requested goes back.",
        "Restore the newer checkpoint. To go back, request a run or set `model.checkpoint.step`.",
    ),
    Reason.CHECKPOINT_STATE_INVALID: Explanation(
        "The file `checkpoint`, which names the newest checkpoint, cannot be read.",
        "Set `spec.model.checkpoint.step`, or upload the file that the training wrote.",
    ),
    Reason.CHECKPOINT_UNSUPPORTED: Explanation(
        "The checkpoint is of TensorFlow 2, or in TensorFlow's first format (V1).",
        "Train with the Object Detection API for TensorFlow 1, or set `spec.export.frozenGraph`.",
    ),
    Reason.PIPELINE_CONFIG_INVALID: Explanation(
        "The pipeline config cannot be parsed, or does not describe a complete model; the message names line and "
        "column ([what is checked](pipeline-config.md)).",
        "Correct that place, or upload the `pipeline.config` that the training wrote, then request a run.",
    ),
    Reason.PIPELINE_CONFIG_UNKNOWN_FIELD: Explanation(
        "The pipeline config has fields that the exporter's Object Detection API does not know: misspelled, or of an "
        "older or newer release.",
        "Correct or remove what the message names, then request a run.",
    ),
    Reason.MODEL_UNSUPPORTED: Explanation(
        "The exporter cannot build this model: its architecture, its feature extractor or its quantization.",
        "Train a model of one of the types that the hint lists, or remove `graph_rewriter`.",
    ),
    Reason.CHECKPOINT_INCOMPLETE: Explanation(
        "A file of the checkpoint is missing, and did not arrive while the operator waited.",
        "Let the training finish, or upload the file that the message names, then request a run.",
    ),
    Reason.CHECKPOINT_DAMAGED: Explanation(
        "A file of the checkpoint does not have the size or the checksum in the index, or the index is unreadable.",
        "Upload all files of the checkpoint again, then request a run; or choose another.",
    ),
    Reason.LABEL_MAP_INVALID: Explanation(
        "The label map is not one for the Object Detection API: its encoding, its syntax, a field, or an id (0 is "
        "only for `background`). The message names the line.",
        "Correct it at the place that the message names, or point `spec.model.labelMap` to another.",
    ),
    Reason.CLASS_COUNT_MISMATCH: Explanation(
        "The pipeline config and the label map disagree on the number of classes; the message names both lines.",
        "Point `spec.model.labelMap` to the label map that this model was trained with.",
    ),
    Reason.EXPORT_FAILED: Explanation(
        "The exporter failed: checkpoint and config belong to different trainings.",
        "Name a config and a step that belong together.",
    ),
    Reason.GRAPH_INVALID: Explanation(
        "The graph failed on one picture; nothing was published.",
        "Try another step, and check that the training did not diverge. An imported graph (`spec.export.frozenGraph`) "
        "must be a detector with `spec.export.inputType` as its input.",
    ),
    Reason.GRAPH_UNSAFE: Explanation(
        "The graph has an op that does more than compute on the picture (files, network, printing, Python, libraries), "
        "or it is too large; the message names the op and the node. It was not run.",
        "Export the detector with `export_inference_graph`, without ops of your own "
        "([what is allowed](../guides/export.md#a-graph-is-a-program)).",
    ),
    Reason.GRAPH_INCOMPATIBLE: Explanation(
        "The TensorFlow that `spec.export.readableBy` names cannot load the graph (the message names the op and the "
        "node), or the base image has a TensorFlow that is too old for the graph.",
        "Serve with a newer TensorFlow; a graph with `inputType: image_tensor` is written for 1.7. If the base image "
        "has another TensorFlow than it declares, set `readableBy` to that release.",
    ),
    Reason.ONNX_FAILED: Explanation(
        "The graph could not be converted to ONNX, or onnxruntime cannot run the model.",
        "Leave ONNX out of `spec.export.formats`.",
    ),
    Reason.ONNX_DIFFERS: Explanation(
        "The outputs of the ONNX model differ from those of the frozen graph; nothing was published.",
        "Leave ONNX out of `spec.export.formats`, and report the model.",
    ),
}
