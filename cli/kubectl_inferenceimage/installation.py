"""Reads the installation's configuration from the chart's values or the operator's file, or uses the defaults."""

from typing import Any

import msgspec
import yaml

from inference_image_operator.config.installation import Config, ConfigError, Images, parse
from inference_image_operator.config.regions import REGIONS
from kubectl_inferenceimage import documents
from kubectl_inferenceimage.errors import CommandError

PLACEHOLDER = "placeholder.invalid/"
"""Prefix of images that are not set; `.invalid` is never a real domain (RFC 2606)."""


def read(values: str = "", config: str = "") -> Config:
    """The configuration from a file with values of the chart, or from a `config.yaml` as the chart writes it.

    Without either, the operator's defaults, with placeholders for images. Raises CommandError.
    """
    path = values or config
    document = _mapping(path) if path else {}
    if not config:
        document = _of_values(document)
    try:
        return parse(yaml.dump(document, Dumper=documents.DUMPER))
    except ConfigError as error:
        raise CommandError(f"{path}: {error}.") from error


def is_placeholder(image: str) -> bool:
    """Whether this image is not set."""
    return image.startswith(PLACEHOLDER)


def _mapping(path: str) -> dict[str, Any]:
    found = documents.read(path)
    if len(found) > 1 or not all(isinstance(document, dict) for document in found):
        raise CommandError(f"{path} is not one YAML mapping.")
    return found[0] if found else {}


_NOT_OF_STEPS = ("operator", "registry")
_SCOPE = ("watchNamespaces", "excludeNamespaces", "watchSelector")


def _of_values(values: dict[str, Any]) -> dict[str, Any]:
    """The result of the chart's template `operator.config`; omitted values have the same defaults.

    Without the installation's name: values do not know the release.
    """
    given = _part(values, "images")
    registry = given.get("registry") or ""
    images = {name: _in(registry, image) for name, image in given.items() if image and name not in _NOT_OF_STEPS}
    scope = {name: values[name] for name in _SCOPE if values.get(name)}
    config = _part(values, "config")
    sources = config.get("sources")
    if isinstance(sources, dict) and sources.get("inferenceBase"):
        config = {**config, "sources": {**sources, "inferenceBase": _in(registry, sources["inferenceBase"])}}
    ufile = config.get("ufile")
    if isinstance(ufile, dict) and isinstance(ufile.get("regions"), dict):
        config = {**config, "ufile": {**ufile, "regions": _merged(ufile["regions"])}}
    return {**config, "images": _placeholders() | images, **scope}


def _in(registry: str, image: object) -> object:
    """The image in `images.registry`, as the chart's template `operator.image` moves it."""
    return f"{registry}/{image.rpartition('/')[2]}" if registry and isinstance(image, str) else image


def _merged(regions: dict[str, Any]) -> dict[str, Any]:
    """The chart's regions merged with these as Helm merges maps: by key on each level; null removes a key."""
    found: dict[str, Any] = {name: msgspec.to_builtins(region) for name, region in REGIONS.items()}
    for name, region in regions.items():
        known = found.get(name)
        found[name] = {**known, **region} if isinstance(known, dict) and isinstance(region, dict) else region
    return {name: region for name, region in found.items() if region is not None}


def _part(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name) or {}
    if not isinstance(found, dict):
        raise CommandError(f"The value {name} must be a mapping, as in the chart's values.yaml.")
    return found


def _placeholders() -> dict[str, str]:
    required = (field for field in msgspec.structs.fields(Images) if field.required)
    return {field.encode_name: f"{PLACEHOLDER}images.{field.encode_name}" for field in required}
