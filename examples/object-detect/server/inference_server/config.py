"""The service's configuration: the `conf.json` that `UAI_SERVICE_CONFIG` points at."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CONFIG_ENV = "UAI_SERVICE_CONFIG"


_BATCHING = ("max_size", "max_delay_ms", "queue")
MAX_BATCH = 256
MAX_DELAY_MS = 1000
MAX_QUEUE = 512
"""Each admitted request has a thread that waits for its answer."""


class ConfigError(Exception):
    """The configuration is invalid; the message names the file and the part."""


@dataclass(frozen=True)
class Batching:
    """The limits of batches and of admitted requests."""

    max_size: int = 8
    """Maximal requests per `execute`."""
    max_delay: float = 0.005
    """Maximal seconds that the oldest request of a batch waits for others."""
    queue: int = 64
    """Maximal requests waiting or running; one more is rejected."""


@dataclass(frozen=True)
class ServiceConfig:
    """The class that serves, and the directory of its model.

    Paths in the file are relative to the file itself, so the service starts from any working directory.
    """

    main_class: str
    main_file: str
    """Name of the module with `main_class`, without `.py`; it lies beside the configuration."""
    directory: Path
    options: Mapping[str, object]
    """The `tensorflow` part of the file, for the model."""
    batching: Batching = Batching()

    @property
    def model_dir(self) -> Path:
        """Directory of the model's files."""
        return self.directory / str(self.options.get("model_dir", "."))


def read_config(path: str) -> ServiceConfig:
    """The configuration in the file at `path`.

    Raises:
        ConfigError: the file is missing, is not JSON, lacks `main_class` or `main_file`, or has an invalid
            `batching`.
    """
    if not path:
        raise ConfigError(f"{CONFIG_ENV} is not set: set it to the path of the service's conf.json")
    file = Path(path).resolve()
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{file} is not JSON: {error}") from error
    server = _section(file, document, "http_server")
    program = _section(file, server, "exec")
    return ServiceConfig(
        main_class=_text(file, program, "main_class"),
        main_file=_text(file, program, "main_file"),
        directory=file.parent,
        options=_section(file, server, "tensorflow") if "tensorflow" in server else {},
        batching=_batching(file, _section(file, server, "batching") if "batching" in server else {}),
    )


def _batching(file: Path, section: Mapping[str, object]) -> Batching:
    unknown = section.keys() - _BATCHING
    if unknown:
        raise ConfigError(f"{file}: http_server.batching.{min(unknown)} is unknown; use one of {', '.join(_BATCHING)}")
    default = Batching()
    return Batching(
        max_size=int(_number(file, section, "max_size", default.max_size, (1, MAX_BATCH))),
        max_delay=_number(file, section, "max_delay_ms", default.max_delay * 1000, (0, MAX_DELAY_MS)) / 1000,
        queue=int(_number(file, section, "queue", default.queue, (1, MAX_QUEUE))),
    )


def _number(file: Path, section: Mapping[str, object], name: str, default: float, limits: tuple[int, int]) -> float:
    """A whole number of the section, within `limits`."""
    value = section.get(name, default)
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
    least, most = limits
    if not (least <= number <= most and number == int(number)):
        raise ConfigError(
            f"{file}: http_server.batching.{name} must be a whole number from {least} to {most}, not {value!r}"
        )
    return number


def _section(file: Path, parent: object, name: str) -> dict[str, object]:
    value = parent.get(name) if isinstance(parent, dict) else None
    if not isinstance(value, dict):
        raise ConfigError(f"{file} lacks the object `{name}`")
    return value


def _text(file: Path, parent: Mapping[str, object], name: str) -> str:
    value = parent.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{file}: http_server.exec.{name} must be a name, not {value!r}")
    return value
