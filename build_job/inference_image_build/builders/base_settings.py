"""What of a base image's configuration decides what a Dockerfile on top of it means. Pure."""

from collections.abc import Mapping
from typing import Any

from inference_image_contract.inputs import BaseSettings


def of(config: Mapping[str, Any]) -> BaseSettings:
    """The settings in a configuration (https://github.com/opencontainers/image-spec/blob/main/config.md)."""
    found = config.get("config") or {}
    return BaseSettings(
        env=tuple(found.get("Env") or ()),
        shell=tuple(found.get("Shell") or ()),
        user=found.get("User") or "",
        working_dir=found.get("WorkingDir") or "",
        on_build=tuple(found.get("OnBuild") or ()),
    )
