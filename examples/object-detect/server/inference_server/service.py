"""One model behind the server: loaded in the background, then asked one request at a time."""

import threading
from collections.abc import Callable

from inference_server.model import Model


class NotInitialized(Exception):  # noqa: N818 - a state, not a defect
    """The model is not loaded yet."""


class Service:
    """Loads a model in a thread of its own and hands requests to it.

    `answer` is where requests meet the model. It passes them on one by one; a queue that gathers several for one
    `execute` would take its place without the HTTP side noticing.
    """

    def __init__(self, create: Callable[[], Model], failed: Callable[[BaseException], None]) -> None:
        """`create` makes the model; `failed` is told when it cannot be made or loaded, in the loading thread."""
        self._create = create
        self._failed = failed
        self._model: Model | None = None
        self._asking = threading.Lock()
        self._thread = threading.Thread(target=self._load, name="load-model", daemon=True)

    def start(self) -> None:
        """Begins to load; returns at once."""
        self._thread.start()

    @property
    def initialized(self) -> bool:
        """Whether the model is loaded."""
        return self._model is not None

    def answer(self, body: bytes) -> object:
        """The model's result for one request body: a JSON value, or a `BadInput`.

        Raises:
            NotInitialized: the model is not loaded yet.
            RuntimeError: the model broke its contract.
        """
        model = self._model
        if model is None:
            raise NotInitialized
        with self._asking:
            results = model.execute([body], 1)
        if len(results) != 1:
            raise RuntimeError(f"execute returned {len(results)} results for 1 request")
        return results[0]

    def _load(self) -> None:
        try:
            model = self._create()
            model.load_model()
        except BaseException as error:  # noqa: BLE001 - a thread that ends unseen would leave a server that never gets ready
            self._failed(error)
        else:
            self._model = model
