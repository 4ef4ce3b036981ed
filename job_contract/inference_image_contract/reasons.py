"""Every reason that a Job container or the operator can report, and the exit code that carries its class.

Reasons are API: once released they keep their name and meaning. `docs/reference/reasons.md` lists each with its remedy.
"""

from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """Exit codes of our containers. The operator classifies any other code as a crash.

    The values avoid 1 and 2 (Python, shells) and 126 and above (signals, exec failures).
    """

    OK = 0
    BAD_INPUT = 10
    NOT_FOUND = 11
    FORBIDDEN = 12
    UNAVAILABLE = 13
    SOURCE_CHANGED = 14
    INTERNAL = 15
    RESTORING = 16


class Reason(StrEnum):
    """Reasons that a Job container reports in its result."""

    # UFile
    BUCKET_NOT_FOUND = "BucketNotFound"
    OBJECT_NOT_FOUND = "ObjectNotFound"
    OBJECT_ARCHIVED = "ObjectArchived"
    OBJECT_RESTORING = "ObjectRestoring"
    UFILE_FORBIDDEN = "UFileForbidden"
    OVERWRITE_FORBIDDEN = "OverwriteForbidden"
    SECURITY_TOKEN_REFUSED = "SecurityTokenRefused"  # noqa: S105 - a reason
    UFILE_UNAVAILABLE = "UFileUnavailable"
    OBJECT_CORRUPT = "ObjectCorrupt"
    UNSAFE_KEY = "UnsafeKey"
    LIMIT_EXCEEDED = "LimitExceeded"
    # model
    CHECKPOINT_NOT_FOUND = "CheckpointNotFound"
    CHECKPOINT_INCOMPLETE = "CheckpointIncomplete"
    CHECKPOINT_DAMAGED = "CheckpointDamaged"
    CHECKPOINT_UNSUPPORTED = "CheckpointUnsupported"
    CHECKPOINT_STATE_INVALID = "CheckpointStateInvalid"
    PIPELINE_CONFIG_INVALID = "PipelineConfigInvalid"
    PIPELINE_CONFIG_UNKNOWN_FIELD = "PipelineConfigUnknownField"
    MODEL_UNSUPPORTED = "ModelUnsupported"
    LABEL_MAP_INVALID = "LabelMapInvalid"
    CLASS_COUNT_MISMATCH = "ClassCountMismatch"
    EXPORT_FAILED = "ExportFailed"
    GRAPH_INVALID = "GraphInvalid"
    GRAPH_INCOMPATIBLE = "GraphIncompatible"
    ONNX_FAILED = "OnnxFailed"
    ONNX_DIFFERS = "OnnxDiffers"
    # source and build
    SOURCE_NOT_FOUND = "SourceNotFound"
    SOURCE_CHANGED = "SourceChanged"
    DOCKERFILE_NOT_FOUND = "DockerfileNotFound"
    DOCKERFILE_INVALID = "DockerfileInvalid"
    BUILDER_UNSUPPORTED = "BuilderUnsupported"
    DOCKERIGNORE_INVALID = "DockerignoreInvalid"
    ARCHIVE_INVALID = "ArchiveInvalid"
    ARCHIVE_TOO_LARGE = "ArchiveTooLarge"
    ARCHIVE_UNSAFE = "ArchiveUnsafe"
    GIT_HOST_NOT_ALLOWED = "GitHostNotAllowed"
    GIT_HOST_KEY_UNKNOWN = "GitHostKeyUnknown"
    GIT_UNAUTHORIZED = "GitUnauthorized"
    GIT_NOT_FOUND = "GitNotFound"
    GIT_REF_NOT_FOUND = "GitRefNotFound"
    GIT_TOO_LARGE = "GitTooLarge"
    GIT_TREE_UNSAFE = "GitTreeUnsafe"
    GIT_UNAVAILABLE = "GitUnavailable"
    GIT_TLS = "GitTLS"
    BASE_IMAGE_NOT_FOUND = "BaseImageNotFound"
    REGISTRY_NOT_ALLOWED = "RegistryNotAllowed"
    REGISTRY_UNAUTHORIZED = "RegistryUnauthorized"
    REGISTRY_UNAVAILABLE = "RegistryUnavailable"
    REGISTRY_TLS = "RegistryTLS"
    REGISTRY_QUOTA_EXCEEDED = "RegistryQuotaExceeded"
    REPOSITORY_NOT_FOUND = "RepositoryNotFound"
    LAYER_TOO_LARGE = "LayerTooLarge"
    TAG_EXISTS = "TagExists"
    TAG_IMMUTABLE = "TagImmutable"
    RUN_FAILED = "RunFailed"
    COPY_SOURCE_NOT_FOUND = "CopySourceNotFound"
    DISK_FULL = "DiskFull"
    OUT_OF_MEMORY = "OutOfMemory"
    BUILD_FAILED = "BuildFailed"
    DIGEST_INVALID = "DigestInvalid"
    # test and publish
    SAMPLE_INVALID = "SampleInvalid"
    IMAGE_DOES_NOT_START = "ImageDoesNotStart"
    IMAGE_DOES_NOT_LOAD = "ImageDoesNotLoad"
    IMAGE_LISTENS_ON_LOOPBACK = "ImageListensOnLoopback"
    IMAGE_DOES_NOT_ANSWER = "ImageDoesNotAnswer"
    IMAGE_ANSWERS_LATE = "ImageAnswersLate"
    IMAGE_ANSWERS_WRONG = "ImageAnswersWrong"
    PUBLISH_FAILED = "PublishFailed"
    # internal
    INVALID_INPUT = "InvalidInput"
    INTERNAL_ERROR = "InternalError"


class WarningReason(StrEnum):
    """Reasons of warnings: the stage succeeds; an Event and the condition report them."""

    REPOSITORY_NEARLY_FULL = "RepositoryNearlyFull"
    LAYER_MAY_BE_TOO_LARGE = "LayerMayBeTooLarge"


_EXIT_CODES = {
    Reason.BUCKET_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.OBJECT_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.CHECKPOINT_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.SOURCE_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.DOCKERFILE_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.BASE_IMAGE_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.REPOSITORY_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.GIT_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.GIT_REF_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.GIT_HOST_NOT_ALLOWED: ExitCode.FORBIDDEN,
    Reason.GIT_HOST_KEY_UNKNOWN: ExitCode.FORBIDDEN,
    Reason.GIT_UNAUTHORIZED: ExitCode.FORBIDDEN,
    Reason.UFILE_FORBIDDEN: ExitCode.FORBIDDEN,
    Reason.OVERWRITE_FORBIDDEN: ExitCode.FORBIDDEN,
    Reason.SECURITY_TOKEN_REFUSED: ExitCode.FORBIDDEN,
    Reason.OBJECT_RESTORING: ExitCode.RESTORING,
    Reason.REGISTRY_UNAUTHORIZED: ExitCode.FORBIDDEN,
    Reason.REGISTRY_NOT_ALLOWED: ExitCode.FORBIDDEN,
    Reason.REGISTRY_QUOTA_EXCEEDED: ExitCode.FORBIDDEN,
    Reason.UFILE_UNAVAILABLE: ExitCode.UNAVAILABLE,
    Reason.REGISTRY_UNAVAILABLE: ExitCode.UNAVAILABLE,
    Reason.GIT_UNAVAILABLE: ExitCode.UNAVAILABLE,
    Reason.OBJECT_CORRUPT: ExitCode.UNAVAILABLE,
    Reason.PUBLISH_FAILED: ExitCode.UNAVAILABLE,
    Reason.DIGEST_INVALID: ExitCode.UNAVAILABLE,
    Reason.SOURCE_CHANGED: ExitCode.SOURCE_CHANGED,
    Reason.INTERNAL_ERROR: ExitCode.INTERNAL,
}


def exit_code(reason: Reason) -> ExitCode:
    """The exit code that carries this reason's class; `BAD_INPUT` unless listed."""
    return _EXIT_CODES.get(reason, ExitCode.BAD_INPUT)
