"""What a model is to the server: a class with `load_model` and `execute`, found by its configured name."""

import importlib
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from inference_server.config import ConfigError, ServiceConfig


class BadInput(Exception):  # noqa: N818 - it names what came in, and models hand it back as a value
    """What a client sent is no input for this model. The message goes to the client."""


class Model(Protocol):
    """A model that the server can serve. Its constructor takes the `ServiceConfig`."""

    def load_model(self) -> None:
        """Loads everything that `execute` needs; called once, in a thread of its own, before any `execute`."""

    def execute(self, data: Sequence[bytes], batch_size: int) -> Sequence[object]:
        """Answers `batch_size` request bodies, one result for each, in their order.

        A result is any JSON value, or a `BadInput` when that one body is no input: the others are answered still.
        """


def create_model(config: ServiceConfig) -> Model:
    """The configured model, not loaded yet. Its module and what lies beside it become importable.

    Raises:
        ConfigError: there is no such module or class. What the module itself raises at import passes through.
    """
    directory = str(config.directory)
    if directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        module = importlib.import_module(config.main_file)
    except ModuleNotFoundError as error:
        if error.name != config.main_file:
            raise
        raise ConfigError(
            f"main_file `{config.main_file}`: there is no {config.main_file}.py in {directory}"
        ) from error
    main_class = getattr(module, config.main_class, None)
    if not isinstance(main_class, type):
        raise ConfigError(f"main_class `{config.main_class}`: {config.main_file}.py has no such class")
    return cast("Model", main_class(config))
