"""The reasons by subject."""

from enum import StrEnum
from typing import Self

from inference_image_contract.reasons.classes import ExitCode, ReasonClass


class Reason(StrEnum):
    """Why a condition, an Event, a warning or a failure is there. The value is its name in the API.

    A reason with an exit code can end a Job container. Every reason has its row in `reasons.explained`.
    """

    _value_: str
    kind: ReasonClass
    """What follows, unless the code that reports the reason knows better."""
    exit_code: ExitCode | None
    """The exit code of a Job container that ends with this reason; None for a reason of the operator alone."""

    def __new__(cls, text: str, kind: ReasonClass, exit_code: ExitCode | None = None) -> Self:
        """The member of this text, with its class and exit code."""
        member = str.__new__(cls, text)
        member._value_ = text
        member.kind = kind
        member.exit_code = exit_code
        return member

    @classmethod
    def of(cls, text: str) -> "Reason":
        """The reason of this name; `INTERNAL_ERROR` for a name that only another version of the code knows."""
        return _BY_NAME.get(text, cls.INTERNAL_ERROR)

    # Progress
    PENDING = "Pending", ReasonClass.NORMAL
    RESOLVING = "Resolving", ReasonClass.NORMAL
    EXPORTING = "Exporting", ReasonClass.NORMAL
    BUILDING = "Building", ReasonClass.NORMAL
    TESTING = "Testing", ReasonClass.NORMAL
    PUBLISHING = "Publishing", ReasonClass.NORMAL
    RESOLVED = "Resolved", ReasonClass.NORMAL
    EXPORTED = "Exported", ReasonClass.NORMAL
    BUILT = "Built", ReasonClass.NORMAL
    ANSWERED = "Answered", ReasonClass.NORMAL
    TEST_DISABLED = "TestDisabled", ReasonClass.NORMAL
    REUSED = "Reused", ReasonClass.NORMAL
    PUBLISHED = "Published", ReasonClass.NORMAL
    TAG_MOVED = "TagMoved", ReasonClass.NORMAL
    TAG_TAKEN = "TagTaken", ReasonClass.NORMAL
    NEW_CONTENT = "NewContent", ReasonClass.NORMAL
    OLD_IMAGES_DELETED = "OldImagesDeleted", ReasonClass.NORMAL
    SUSPENDED = "Suspended", ReasonClass.NORMAL
    PINNED = "Pinned", ReasonClass.NORMAL
    ROLLING_OUT = "RollingOut", ReasonClass.NORMAL
    ROLLED_OUT = "RolledOut", ReasonClass.NORMAL
    RETRYING = "Retrying", ReasonClass.NORMAL
    QUEUED = "Queued", ReasonClass.NORMAL
    # US3 and the model
    OBJECT_RESTORING = "ObjectRestoring", ReasonClass.RESTORING, ExitCode.RESTORING
    UFILE_UNAVAILABLE = "UFileUnavailable", ReasonClass.RETRY, ExitCode.UNAVAILABLE
    OBJECT_CORRUPT = "ObjectCorrupt", ReasonClass.RETRY, ExitCode.UNAVAILABLE
    UFILE_FORBIDDEN = "UFileForbidden", ReasonClass.PERMANENT, ExitCode.FORBIDDEN
    SECURITY_TOKEN_REFUSED = "SecurityTokenRefused", ReasonClass.PERMANENT, ExitCode.FORBIDDEN
    OVERWRITE_FORBIDDEN = "OverwriteForbidden", ReasonClass.PERMANENT, ExitCode.FORBIDDEN
    OBJECT_ARCHIVED = "ObjectArchived", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    RESTORE_TIMED_OUT = "RestoreTimedOut", ReasonClass.PERMANENT
    BUCKET_NOT_FOUND = "BucketNotFound", ReasonClass.PERMANENT, ExitCode.NOT_FOUND
    OBJECT_NOT_FOUND = "ObjectNotFound", ReasonClass.PERMANENT, ExitCode.NOT_FOUND
    UNSAFE_KEY = "UnsafeKey", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    LIMIT_EXCEEDED = "LimitExceeded", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    CHECKPOINT_NOT_FOUND = "CheckpointNotFound", ReasonClass.PERMANENT, ExitCode.NOT_FOUND
    CHECKPOINT_OLDER = "CheckpointOlder", ReasonClass.PERMANENT
    CHECKPOINT_STATE_INVALID = "CheckpointStateInvalid", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    CHECKPOINT_UNSUPPORTED = "CheckpointUnsupported", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    PIPELINE_CONFIG_INVALID = "PipelineConfigInvalid", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    PIPELINE_CONFIG_UNKNOWN_FIELD = "PipelineConfigUnknownField", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    MODEL_UNSUPPORTED = "ModelUnsupported", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    CHECKPOINT_INCOMPLETE = "CheckpointIncomplete", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    CHECKPOINT_DAMAGED = "CheckpointDamaged", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    LABEL_MAP_INVALID = "LabelMapInvalid", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    CLASS_COUNT_MISMATCH = "ClassCountMismatch", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    EXPORT_FAILED = "ExportFailed", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    GRAPH_INVALID = "GraphInvalid", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    GRAPH_UNSAFE = "GraphUnsafe", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    GRAPH_INCOMPATIBLE = "GraphIncompatible", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    ONNX_FAILED = "OnnxFailed", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    ONNX_DIFFERS = "OnnxDiffers", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    # Source, build and registry
    REPOSITORY_NEARLY_FULL = "RepositoryNearlyFull", ReasonClass.NORMAL
    LAYER_MAY_BE_TOO_LARGE = "LayerMayBeTooLarge", ReasonClass.NORMAL
    SOURCE_CHANGED = "SourceChanged", ReasonClass.REPIN, ExitCode.SOURCE_CHANGED
    GIT_UNAVAILABLE = "GitUnavailable", ReasonClass.RETRY, ExitCode.UNAVAILABLE
    REGISTRY_UNAVAILABLE = "RegistryUnavailable", ReasonClass.RETRY, ExitCode.UNAVAILABLE
    PUBLISH_FAILED = "PublishFailed", ReasonClass.RETRY, ExitCode.UNAVAILABLE
    DIGEST_INVALID = "DigestInvalid", ReasonClass.RETRY, ExitCode.UNAVAILABLE
    SOURCE_NOT_FOUND = "SourceNotFound", ReasonClass.PERMANENT, ExitCode.NOT_FOUND
    DOCKERFILE_NOT_FOUND = "DockerfileNotFound", ReasonClass.PERMANENT, ExitCode.NOT_FOUND
    DOCKERFILE_INVALID = "DockerfileInvalid", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    BUILDER_UNSUPPORTED = "BuilderUnsupported", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    DOCKERIGNORE_INVALID = "DockerignoreInvalid", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    ARCHIVE_INVALID = "ArchiveInvalid", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    ARCHIVE_UNSAFE = "ArchiveUnsafe", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    ARCHIVE_TOO_LARGE = "ArchiveTooLarge", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    GIT_HOST_NOT_ALLOWED = "GitHostNotAllowed", ReasonClass.PERMANENT, ExitCode.FORBIDDEN
    GIT_HOST_KEY_UNKNOWN = "GitHostKeyUnknown", ReasonClass.PERMANENT, ExitCode.FORBIDDEN
    GIT_UNAUTHORIZED = "GitUnauthorized", ReasonClass.PERMANENT, ExitCode.FORBIDDEN
    GIT_NOT_FOUND = "GitNotFound", ReasonClass.PERMANENT, ExitCode.NOT_FOUND
    GIT_REF_NOT_FOUND = "GitRefNotFound", ReasonClass.PERMANENT, ExitCode.NOT_FOUND
    GIT_TOO_LARGE = "GitTooLarge", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    GIT_TREE_UNSAFE = "GitTreeUnsafe", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    GIT_TLS = "GitTLS", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    BASE_IMAGE_NOT_FOUND = "BaseImageNotFound", ReasonClass.PERMANENT, ExitCode.NOT_FOUND
    REGISTRY_NOT_ALLOWED = "RegistryNotAllowed", ReasonClass.PERMANENT, ExitCode.FORBIDDEN
    REGISTRY_UNAUTHORIZED = "RegistryUnauthorized", ReasonClass.PERMANENT, ExitCode.FORBIDDEN
    REGISTRY_TLS = "RegistryTLS", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    REPOSITORY_NOT_FOUND = "RepositoryNotFound", ReasonClass.PERMANENT, ExitCode.NOT_FOUND
    REGISTRY_QUOTA_EXCEEDED = "RegistryQuotaExceeded", ReasonClass.PERMANENT, ExitCode.FORBIDDEN
    LAYER_TOO_LARGE = "LayerTooLarge", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    TAG_EXISTS = "TagExists", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    TAG_IMMUTABLE = "TagImmutable", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    RUN_FAILED = "RunFailed", ReasonClass.PERMANENT
    COPY_SOURCE_NOT_FOUND = "CopySourceNotFound", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    BUILD_FAILED = "BuildFailed", ReasonClass.PERMANENT
    # Test
    IMAGE_DOES_NOT_START = "ImageDoesNotStart", ReasonClass.PERMANENT
    IMAGE_LISTENS_ON_LOOPBACK = "ImageListensOnLoopback", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    IMAGE_DOES_NOT_LOAD = "ImageDoesNotLoad", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    IMAGE_DOES_NOT_ANSWER = "ImageDoesNotAnswer", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    IMAGE_ANSWERS_LATE = "ImageAnswersLate", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    IMAGE_ANSWERS_WRONG = "ImageAnswersWrong", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    SAMPLE_INVALID = "SampleInvalid", ReasonClass.PERMANENT, ExitCode.BAD_INPUT
    # The cluster
    SECRET_NOT_FOUND = "SecretNotFound", ReasonClass.WAITING
    CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound", ReasonClass.WAITING
    IMAGE_PULL_FAILED = "ImagePullFailed", ReasonClass.WAITING
    UNSCHEDULABLE = "Unschedulable", ReasonClass.WAITING
    CONTAINER_CONFIG_INVALID = "ContainerConfigInvalid", ReasonClass.WAITING
    VOLUME_MOUNT_FAILED = "VolumeMountFailed", ReasonClass.WAITING
    QUOTA_EXCEEDED = "QuotaExceeded", ReasonClass.WAITING
    LIMIT_RANGE_VIOLATED = "LimitRangeViolated", ReasonClass.WAITING
    POD_SECURITY_VIOLATED = "PodSecurityViolated", ReasonClass.WAITING
    POD_FORBIDDEN = "PodForbidden", ReasonClass.WAITING
    FORBIDDEN = "Forbidden", ReasonClass.WAITING
    CONTAINER_INJECTED = "ContainerInjected", ReasonClass.WAITING
    DISK_FULL = "DiskFull", ReasonClass.RETRY
    OUT_OF_MEMORY = "OutOfMemory", ReasonClass.RETRY, ExitCode.BAD_INPUT
    CONTAINER_FAILED = "ContainerFailed", ReasonClass.RETRY
    POD_LOST = "PodLost", ReasonClass.RETRY_FREE
    JOB_LOST = "JobLost", ReasonClass.RETRY_FREE
    RESULT_LOST = "ResultLost", ReasonClass.RETRY_FREE
    # The rollout
    ROLLED_BACK = "RolledBack", ReasonClass.PERMANENT
    ROLLOUT_NOT_AVAILABLE = "RolloutNotAvailable", ReasonClass.PERMANENT
    ROLLOUT_REPLACED = "RolloutReplaced", ReasonClass.PERMANENT
    ROLLOUT_NOT_AGREED = "RolloutNotAgreed", ReasonClass.WAITING
    ROLLOUT_TARGET_NOT_FOUND = "RolloutTargetNotFound", ReasonClass.WAITING
    ROLLOUT_KIND_NOT_SERVED = "RolloutKindNotServed", ReasonClass.WAITING
    ROLLOUT_CONFLICT = "RolloutConflict", ReasonClass.WAITING
    ROLLOUT_REFUSED = "RolloutRefused", ReasonClass.WAITING
    ROLLOUT_NOT_ALLOWED = "RolloutNotAllowed", ReasonClass.WAITING
    # The object and the installation
    INTERNAL_ERROR = "InternalError", ReasonClass.RETRY, ExitCode.INTERNAL
    BUILDER_NOT_ALLOWED = "BuilderNotAllowed", ReasonClass.PERMANENT
    ENDPOINT_NOT_ALLOWED = "EndpointNotAllowed", ReasonClass.PERMANENT
    REGION_UNKNOWN = "RegionUnknown", ReasonClass.PERMANENT
    PIN_UNKNOWN = "PinUnknown", ReasonClass.PERMANENT
    FORMAT_NOT_AVAILABLE = "FormatNotAvailable", ReasonClass.PERMANENT
    SCHEDULING_NOT_ALLOWED = "SchedulingNotAllowed", ReasonClass.PERMANENT
    OBJECT_INVALID = "ObjectInvalid", ReasonClass.PERMANENT
    RESOURCES_INVALID = "ResourcesInvalid", ReasonClass.PERMANENT
    RESOURCES_TOO_LARGE = "ResourcesTooLarge", ReasonClass.PERMANENT
    TIMED_OUT = "TimedOut", ReasonClass.PERMANENT
    JOB_NAME_CONFLICT = "JobNameConflict", ReasonClass.PERMANENT
    JOB_INVALID = "JobInvalid", ReasonClass.PERMANENT
    INVALID_INPUT = "InvalidInput", ReasonClass.PERMANENT, ExitCode.BAD_INPUT


_BY_NAME = {reason.value: reason for reason in Reason}
