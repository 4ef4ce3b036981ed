"""The model interface: a class with `load_model` and `execute`, found by its configured name."""

import importlib
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from inference_server.config import ConfigError, ServiceConfig


class BadInput(Exception):  # noqa: N818 - it names the input, and models return it as a value
    """The request is not valid input for this model. The client receives the message."""


class Model(Protocol):
    """A model that the server can serve. Its constructor takes the `ServiceConfig`."""

    def load_model(self) -> None:
        """Loads everything that `execute` needs; called once, in a separate thread, before any `execute`."""

    def execute(self, data: Sequence[bytes], batch_size: int) -> Sequence[object]:
        """Answers `batch_size` request bodies, one result for each, in their order.

        Called by one thread at a time, not always by the same.

        A result is any JSON value, or a `BadInput` for one invalid body: the others still get their answers.
        """


def create_model(config: ServiceConfig) -> Model:
    """Creates the configured model without loading it. Makes its module and the files beside it importable.

    Raises:
        ConfigError: the module or the class does not exist. Exceptions of the module's import propagate.
    """
    directory = str(config.directory)
    if directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        module = importlib.import_module(config.main_file)
    except ModuleNotFoundError as error:
        if error.name != config.main_file:
            raise
        raise ConfigError(f"main_file `{config.main_file}`: {directory} contains no {config.main_file}.py") from error
    main_class = getattr(module, config.main_class, None)
    if not isinstance(main_class, type):
        raise ConfigError(f"main_class `{config.main_class}`: {config.main_file}.py has no such class")
    return cast("Model", main_class(config))
