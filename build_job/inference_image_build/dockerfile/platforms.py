"""The platform that images are built for, and the arguments that describe it in every Dockerfile. Pure."""

from collections.abc import Mapping

PLATFORM = "linux/amd64"
ARGUMENTS: Mapping[str, str] = {
    "BUILDPLATFORM": PLATFORM,
    "BUILDOS": "linux",
    "BUILDOSVERSION": "",
    "BUILDARCH": "amd64",
    "BUILDVARIANT": "",
    "TARGETPLATFORM": PLATFORM,
    "TARGETOS": "linux",
    "TARGETOSVERSION": "",
    "TARGETARCH": "amd64",
    "TARGETVARIANT": "",
    "TARGETSTAGE": "default",
}
"""What BuildKit gives them: https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope."""
_OURS = frozenset(
    {"linux/amd64", "linux/x86_64", "linux/x86-64", "amd64", "x86_64", "x86-64", "linux", "linux/amd64/v1"}
)


def is_ours(platform: str) -> bool:
    """Whether `FROM --platform` asks for the platform that images are built for."""
    return platform.lower() in _OURS
