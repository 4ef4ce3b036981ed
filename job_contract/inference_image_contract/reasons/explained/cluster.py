"""Reasons about pods, Jobs and nodes."""

from inference_image_contract.reasons.explained.explanation import Explanation
from inference_image_contract.reasons.reason import Reason

EXPLAINED = {
    Reason.SECRET_NOT_FOUND: Explanation(
        "A Secret that the spec names, or a key in it, does not exist in this namespace.",
        "Create it: `publicKey` and `privateKey` for US3, type `kubernetes.io/dockerconfigjson` for the registry, "
        "`ca.crt` for its CA.",
    ),
    Reason.CONFIG_MAP_NOT_FOUND: Explanation(
        "The ConfigMap of `spec.source.configMap`, or a key in it, does not exist.",
        "Create it with the keys that the spec lists.",
    ),
    Reason.IMAGE_PULL_FAILED: Explanation(
        "The node cannot pull the image of a container; the message quotes the kubelet.",
        "Make the image available, or name a pull Secret in `spec.scheduling.imagePullSecrets`.",
    ),
    Reason.UNSCHEDULABLE: Explanation(
        "No node fits; the message quotes the scheduler.",
        "Add capacity, or change `spec.scheduling` or the stage's resources.",
    ),
    Reason.CONTAINER_CONFIG_INVALID: Explanation(
        "The kubelet cannot create a container of the pod, or the node has no user namespaces for it.",
        "Correct what the message names.",
    ),
    Reason.VOLUME_MOUNT_FAILED: Explanation(
        "The kubelet cannot mount a volume.",
        "Correct what the message names.",
    ),
    Reason.QUOTA_EXCEEDED: Explanation(
        "A ResourceQuota of the namespace leaves no room for the Job or its pod, or needs a request or limit that a "
        "container does not have.",
        "Raise the quota, free some of it, or set the "
        "[resources](../operations/namespaces.md#resources-of-every-container) that the message names.",
    ),
    Reason.LIMIT_RANGE_VIOLATED: Explanation(
        "A LimitRange of the namespace refuses the pod: by its maximum, its minimum, its ratio, or a default limit "
        "below the request.",
        "Set [resources](../operations/namespaces.md#resources-of-every-container) that it allows, or change it.",
    ),
    Reason.POD_SECURITY_VIOLATED: Explanation(
        "The Pod Security level of the namespace refuses the pod.",
        "Let the namespace enforce `baseline` (not `restricted`: Kaniko runs as root in its container, and the built "
        "image chooses its own user).",
    ),
    Reason.POD_FORBIDDEN: Explanation(
        "An admission policy or webhook refuses the pod.",
        "Change the policy that the message names, or what it refuses.",
    ),
    Reason.FORBIDDEN: Explanation(
        "The operator may not create Jobs here, or an admission policy refuses the Job.",
        "Check the operator's Role or ClusterRole, and the policy that the message names.",
    ),
    Reason.CONTAINER_INJECTED: Explanation(
        "Something else in the cluster, such as a service mesh, adds a container to the pods. As a warning: the "
        "operator took the stage's result without waiting for it. In Ready: the stage's own containers wait for it.",
        "[Keep it out of the pods](../operations/namespaces.md#service-meshes).",
    ),
    Reason.DISK_FULL: Explanation(
        "The build, or the pod, ran out of disk.",
        "Raise `ephemeral-storage` in `spec.build.resources.requests`, or make the image and the context smaller.",
    ),
    Reason.OUT_OF_MEMORY: Explanation(
        "A container used more memory than its limit and was killed. The operator retries once with twice the limit, "
        "up to the installation's maximum.",
        "Raise the limit in `spec.export.resources`, `spec.build.resources` or, for the built image, "
        "`spec.test.resources`; the message says which.",
    ),
    Reason.CONTAINER_FAILED: Explanation(
        "A container exited with an unexpected exit code.",
        "Read `status.lastFailure.logTail` and the pod's log.",
    ),
    Reason.POD_LOST: Explanation(
        "The pod was evicted, drained or deleted before its containers ended.",
        "Nothing; if it repeats, check the node.",
    ),
    Reason.JOB_LOST: Explanation(
        "The Job was deleted before its result was recorded.",
        "Nothing; if it repeats, find out what deletes Jobs.",
    ),
    Reason.RESULT_LOST: Explanation(
        "The Job is complete, but its pod was deleted before its result was read.",
        "Nothing; if it repeats, find out what deletes pods.",
    ),
}
